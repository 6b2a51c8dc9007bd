import type { Sidecars } from './client.js';
import type { LandOptions } from './client-options.js';
import type { WorkingTree } from './git/working-tree.js';
import type { SidecarRecord } from './sidecars/record.js';
import { refusePatternsBelow } from './sidecars/send-patterns.js';
import type { Settings } from './sidecars/settings.js';

/** A landing as it is asked for in a directory. What is left out, the settings there decide. */
export interface LandingAsked {
  /** Where it is asked for: anywhere in the working tree. Absolute. */
  readonly directory: string;
  /** The sidecar's name. */
  readonly sidecar?: string | undefined;
  /** The workspace, whatever the settings and the sidecar say. */
  readonly workdir?: string | undefined;
  readonly drift?: string | undefined;
  /** A duration, as in `90s`. */
  readonly connectTimeout?: string | undefined;
  readonly adopt?: boolean | undefined;
}

export interface Landing {
  readonly record: SidecarRecord;
  /** Those in force where it is asked for. */
  readonly settings: Settings;
  /** How long to try to connect, in milliseconds. */
  readonly deadlineMs: number;
  /** Which working tree, where to and how. To be asked for where errors are said to be about the sidecar. */
  readonly options: () => Promise<
    Pick<LandOptions, 'directory' | 'workdir' | 'drift' | 'adopt' | 'rules'> & { readonly deadlineMs: number }
  >;
}

/** What is to be landed and where, by what was said and by the settings. Throws what reading and choosing do. */
export async function landingOf(sidecars: Sidecars, asked: LandingAsked, signal?: AbortSignal): Promise<Landing> {
  const { directory, sidecar, workdir: named, drift, connectTimeout, adopt = false } = asked;
  let tree: Promise<WorkingTree> | undefined;
  const treeHere = (): Promise<WorkingTree> => (tree ??= sidecars.workingTree(directory, signal));
  const settings = await sidecars.settings(directory, { sidecar, drift, connectTimeout });
  const record = await sidecars.choose(settings, { name: sidecar, root: async () => (await treeHere()).root });
  const workdir = named ?? workspaceOf(record, settings);
  const deadlineMs = settings.connectTimeoutMs.value;
  return {
    record,
    settings,
    deadlineMs,
    options: async () => {
      const tree = await treeHere();
      await refusePatternsBelow(tree.root, settings.project);
      return {
        ...{ directory: tree, drift: settings.drift.value, adopt, deadlineMs },
        ...(workdir === undefined ? {} : { workdir }),
        rules: () => sidecars.sendRules(tree),
      };
    },
  };
}

/** What was said of this one sidecar outweighs what a file says of all of them, and a variable says it for this once. */
export function workspaceOf(record: SidecarRecord, { workdir }: Pick<Settings, 'workdir'>): string | undefined {
  return workdir.source.kind === 'environment' ? workdir.value : (record.workdir ?? workdir.value);
}
