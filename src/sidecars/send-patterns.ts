import { realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { SidecarError } from '../errors.js';
import { placesIn, readProjectFile, readUserFile, type SettingsFile } from './settings-files.js';

/** A pattern of `ignore` or `include`. */
export interface SendPattern {
  readonly pattern: string;
  readonly file: string;
  readonly line: number;
  /** The directory that it speaks of. Undefined: the top of whatever working tree. */
  readonly from?: string;
}

export interface SendPatterns {
  readonly ignore: readonly SendPattern[];
  readonly include: readonly SendPattern[];
}

/**
 * What the settings say of what is sent from the working tree at `root`: the user's patterns and then the project's, whose
 * file is looked for from the root upwards, wherever in the tree a command is given. Throws `settings.invalid`.
 */
export async function readSendPatterns(root: string, configDir: string): Promise<SendPatterns> {
  const [user, project] = await Promise.all([readUserFile(configDir), readProjectFile(root)]);
  const ofUser = user === undefined ? none : await patternsOf(user);
  const ofProject = project === undefined ? none : await patternsOf(project, dirname(project.path));
  return {
    ignore: [...ofUser.ignore, ...ofProject.ignore],
    include: [...ofUser.include, ...ofProject.include],
  };
}

/**
 * Patterns in a project file further down would count or not by where a command is given. Throws `settings.invalid` for
 * such a file.
 */
export async function refusePatternsBelow(root: string, project: SettingsFile | undefined): Promise<void> {
  const key = (['ignore', 'include'] as const).find((one) => project?.settings[one] !== undefined);
  if (project === undefined || key === undefined) return;
  const directory = await realpath(dirname(project.path));
  if (!directory.startsWith(root + sep)) return;
  const where = (await placesIn(project.text)).at([key], { key: true });
  const reason = `"${key}" is about the whole working tree; it counts in the .sidecar.json of ${root}`;
  throw new SidecarError('settings.invalid', { file: project.path, ...where, key, reason });
}

const none: SendPatterns = { ignore: [], include: [] };

async function patternsOf({ path: file, text, settings }: SettingsFile, from?: string): Promise<SendPatterns> {
  const { ignore = [], include = [] } = settings;
  if (ignore.length + include.length === 0) return none;
  const places = await placesIn(text);
  const located = (key: keyof SendPatterns, patterns: readonly string[]): SendPattern[] =>
    patterns.map((pattern, index) => {
      const line = places.at([key, index])?.line ?? 1;
      return { pattern, file, line, ...(from === undefined ? {} : { from }) };
    });
  return { ignore: located('ignore', ignore), include: located('include', include) };
}
