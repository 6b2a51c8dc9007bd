import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { parse, type ParseError } from 'jsonc-parser';
import * as v from 'valibot';
import { SidecarError } from '../../errors.js';

export interface DevContainerConfig {
  readonly file: string;
  /** The directory that it is about. */
  readonly folder: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Whose configuration is looked for. */
export interface Project {
  readonly directory: string;
  /** The root of the working tree that it is in. */
  readonly root: () => Promise<string>;
}

const usual = [path.join('.devcontainer', 'devcontainer.json'), '.devcontainer.json'];

/**
 * The configuration at a path, or the one of `directory` or of the nearest above that has one, in its working tree: what a
 * configuration says is run on this machine, so nobody else's may count.
 *
 * Throws `usage.invalid`, also for one that several containers are made of: which of them would be removed again, nobody
 * could tell.
 */
export async function findDevContainer(
  given: string | true,
  { directory, root }: Project,
): Promise<DevContainerConfig> {
  const file =
    given === true ? nearest(await realpath(directory), path.resolve(await root())) : path.resolve(directory, given);
  if (file === undefined || !existsSync(file)) {
    throw invalid(
      given === true
        ? `there is no devcontainer.json in ${directory}, or above it in its working tree`
        : `there is no ${given}`,
    );
  }
  const errors: ParseError[] = [];
  const parsed = v.safeParse(
    v.record(v.string(), v.unknown()),
    parse(await readFile(file, 'utf8'), errors, { allowTrailingComma: true }),
  );
  if (!parsed.success || errors.length > 0) throw invalid(`${file} is not the configuration of a dev container`);
  if (parsed.output['dockerComposeFile'] !== undefined) {
    throw invalid(`${file} uses Docker Compose, and only dev containers of one container can be made`);
  }
  return { file, folder: folderOf(file), content: parsed.output };
}

/**
 * The same, with a workspace of its own: the working tree is landed there, and not mounted, so that nothing is written
 * here that was not pulled.
 */
export function withOwnWorkspace({ content, folder }: DevContainerConfig): Record<string, unknown> {
  const workspaceFolder = content['workspaceFolder'] ?? `/workspaces/${path.basename(folder)}`;
  return { ...content, workspaceFolder, workspaceMount: '' };
}

/** Commands of the configuration that expect the files to be there, and are for later. */
export function laterCommands({ content }: DevContainerConfig): string[] {
  const all = ['onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postStartCommand', 'postAttachCommand'];
  return all.filter((name) => content[name] !== undefined);
}

function nearest(directory: string, root: string): string | undefined {
  for (let each = directory; ; each = path.dirname(each)) {
    const found = usual.map((name) => path.join(each, name)).find(existsSync);
    if (found !== undefined) return found;
    if (each === root || path.dirname(each) === each) return undefined;
  }
}

/** Also of `.devcontainer/NAME/devcontainer.json`. */
function folderOf(file: string): string {
  const parts = file.split(path.sep);
  const inside = parts.lastIndexOf('.devcontainer');
  return inside > 0 ? parts.slice(0, inside).join(path.sep) || path.sep : path.dirname(file);
}

function invalid(reason: string): SidecarError {
  return new SidecarError('usage.invalid', { reason, suggestion: 'name another, or make the machine of an --image' });
}
