import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { errorCode } from '../files/private-files.js';
import type { JsonPlaces, TextPlace } from './json-places.js';
import { patternFault } from './pattern-rule.js';
import { projectFileName, userFileName } from './settings-names.js';
import { settingRules, settingsFile, type CheckedSettings, type SettingKey } from './settings-schema.js';

/** Far above what the keys can hold. */
const largestFileBytes = 64 * 1024;

export interface SettingsFile {
  readonly path: string;
  readonly settings: CheckedSettings;
  /** What it holds, for those who tell where in it something stands. */
  readonly text: string;
}

/**
 * The nearest `.sidecar.json`, from `directory` upwards. It comes with a repository, so it is nobody's to trust: a link
 * is refused, because it would make us read another file. Throws `settings.invalid`.
 */
export async function readProjectFile(directory: string): Promise<SettingsFile | undefined> {
  const found = await readSettingsFile(join(directory, projectFileName), { followLink: false });
  if (found !== undefined) return withoutForbidden(found);
  const parent = dirname(directory);
  return parent === directory ? undefined : readProjectFile(parent);
}

/** What is the user's to say, and no repository's, not even one that is then allowed: why. */
const usersOwn = {
  providers: 'names programs to be run',
  server: 'says who gets your tokens',
} as const;

async function withoutForbidden(file: SettingsFile): Promise<SettingsFile> {
  const key = (Object.keys(usersOwn) as (keyof typeof usersOwn)[]).find((each) => file.settings[each] !== undefined);
  if (key === undefined) return file;
  const where = (await placesIn(file.text)).at([key], { key: true });
  const reason = `"${key}" ${usersOwn[key]}, and counts only in your own config.json`;
  throw new SidecarError('settings.invalid', { file: file.path, ...where, key, reason });
}

/** The user's own settings; a link is followed, as to a repository of dotfiles. Throws `settings.invalid`. */
export async function readUserFile(configDir: string): Promise<SettingsFile | undefined> {
  return readSettingsFile(join(configDir, userFileName), { followLink: true });
}

async function readSettingsFile(
  path: string,
  { followLink }: { readonly followLink: boolean },
): Promise<SettingsFile | undefined> {
  const text = await readSmallFile(path, { followLink });
  return text === undefined ? undefined : { path, text, settings: await checkFile(path, text) };
}

async function readSmallFile(
  path: string,
  { followLink }: { readonly followLink: boolean },
): Promise<string | undefined> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer. Windows knows neither flag.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLink ? 0 : constants.O_NOFOLLOW);
  const handle = await open(path, flags).catch((error: unknown) => {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unusable(path, code === 'ELOOP' ? 'it is a link' : `it cannot be read (${code ?? String(error)})`);
  });
  if (handle === undefined) return undefined;
  try {
    if (!(await handle.stat()).isFile()) throw unusable(path, 'it is not a regular file');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(largestFileBytes + 1), 0, largestFileBytes + 1, 0);
    if (bytesRead > largestFileBytes) throw unusable(path, `it is larger than ${largestFileBytes / 1024} KiB`);
    return buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
  } finally {
    await handle.close();
  }
}

async function checkFile(path: string, text: string): Promise<CheckedSettings> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    const { place, reason = 'it is not JSON' } = (await placesIn(text)).fault() ?? {};
    throw unusable(path, reason, place);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw unusable(path, 'it does not hold a JSON object', (await placesIn(text)).at([]));
  }
  const checked = v.safeParse(settingsFile, content);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const place = issue.path?.map((part) => part.key as string | number) ?? [];
  const top = String(place[0]);
  const isKnown = isSettingKey(top);
  const reason = isKnown ? wrongValue(top, issue) : unknownKey(top);
  const where = (await placesIn(text)).at(place, { key: !isKnown });
  throw new SidecarError('settings.invalid', { file: path, ...where, key: v.getDotPath(issue) ?? '', reason });
}

const unknownKey = (key: string): string => `unknown key "${key}"; known are ${Object.keys(settingRules).join(', ')}`;

function wrongValue(key: SettingKey, { input }: { readonly input: unknown }): string {
  const isPattern = (key === 'ignore' || key === 'include') && typeof input === 'string';
  const fault = isPattern ? patternFault(input) : undefined;
  return fault === undefined
    ? `"${key}" must be ${settingRules[key]}`
    : `the pattern "${String(input)}" of "${key}" ${fault}`;
}

/** Loaded only to say where something stands. */
export async function placesIn(text: string): Promise<JsonPlaces> {
  const { JsonPlaces } = await import('./json-places.js');
  return new JsonPlaces(text);
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settingRules, key);
}

function unusable(file: string, reason: string, place?: TextPlace): SidecarError {
  return new SidecarError('settings.invalid', { file, ...place, reason });
}
