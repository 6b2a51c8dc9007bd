import { wholeFile, type EditorFile, type Entry } from './editor-file.js';
import { isSameJson, Jsonc, valueOf } from './jsonc.js';

export interface DevcontainerOptions {
  /** Whether there is `.devcontainer.json`, and no `.devcontainer/devcontainer.json`, which outweighs it. */
  readonly isFlat: boolean;
  /** The files of the Feature that brings the command into the container, by name; undefined: it is not wanted there. */
  readonly feature: Readonly<Record<string, string>> | undefined;
}

/**
 * The lines of a dev container. `initializeCommand` runs on the host, where the sidecars and keys of the user are, before
 * each start. Whoever has no sidecar starts the container as ever.
 */
export function devcontainerFiles({ isFlat, feature }: DevcontainerOptions): EditorFile[] {
  const path = isFlat ? '.devcontainer.json' : '.devcontainer/devcontainer.json';
  const featureDirectory = '.devcontainer/features/sidecar';
  const featureName = isFlat ? `./${featureDirectory}` : './features/sidecar';
  const config: EditorFile = {
    path,
    merge: (existing, { force }) => {
      const file = new Jsonc(existing === undefined || existing.trim() === '' ? newContainer : existing);
      const entries = [mergeCommand(file, 'initializeCommand', syncOnHost, force)];
      if (feature !== undefined) {
        entries.push(addFeature(file, featureName), mergeCommand(file, 'postStartCommand', syncInside, force));
      }
      return { text: file.text, entries };
    },
  };
  const files = Object.entries(feature ?? {}).map(([name, text]) => wholeFile(`${featureDirectory}/${name}`, text));
  return [config, ...files];
}

/**
 * The container waits for it, so it gives up soon. What follows `||` is for those who do not have the command: a word that
 * every shell of a host has, cmd.exe too.
 */
const syncOnHost = 'sidecar sync --best-effort --connect-timeout 20s || echo not synced to a sidecar';

const syncInside = 'sidecar sync --best-effort --connect-timeout 20s';

const newContainer = `{
  "image": "mcr.microsoft.com/devcontainers/base:bookworm"
}
`;

/** The key of our command in the object of commands, which run side by side. */
const ourName = 'sidecar';

/**
 * Adds a command to those of a lifecycle script. One that stands alone, as a line of shell or as words, becomes one of two
 * in the form that holds several, word for word as it was.
 */
function mergeCommand(file: Jsonc, key: string, command: string, force: boolean): Entry {
  const object = file.expect('object');
  const standing = file.find(key);
  if (standing === undefined || standing.type === 'null') {
    if (standing === undefined) file.set(object, key, { [ourName]: command });
    else file.replace(standing, { [ourName]: command });
    return { name: key, was: 'absent' };
  }
  if (standing.type === 'string' || standing.type === 'array') {
    if (standing.value === command) return { name: key, was: 'same' };
    file.replaceText(standing, (theirs, indent) =>
      file.printObject({ project: theirs, [ourName]: JSON.stringify(command) }, indent),
    );
    return { name: key, was: 'absent' };
  }
  const commands = file.expect('object', key);
  const ours = file.find(key, ourName);
  if (ours === undefined) {
    file.set(commands, ourName, command);
    return { name: key, was: 'absent' };
  }
  if (isSameJson(valueOf(ours), command)) return { name: key, was: 'same' };
  if (!force) return { name: key, was: 'left-alone' };
  file.replace(ours, command);
  return { name: key, was: 'replaced' };
}

/** The Feature with its own defaults; options that the user gave it stay. */
function addFeature(file: Jsonc, name: string): Entry {
  const object = file.expect('object');
  if (file.find('features') === undefined) file.set(object, 'features', {});
  const features = file.expect('object', 'features');
  if (file.find('features', name) !== undefined) return { name, was: 'same' };
  file.set(features, name, {});
  return { name, was: 'absent' };
}
