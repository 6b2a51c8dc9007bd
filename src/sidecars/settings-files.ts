import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { errorCode } from '../files/private-files.js';
import { settingRules, settingsFile, type CheckedSettings, type SettingKey } from './settings-schema.js';

const projectFileName = '.sidecar.json';

/** Far above what the keys can hold. */
const largestFileBytes = 64 * 1024;

export interface SettingsFile {
  readonly path: string;
  readonly settings: CheckedSettings;
}

/**
 * The nearest `.sidecar.json`, from `directory` upwards. It comes with a repository, so it is nobody's to trust: a link
 * is refused, because it would make us read another file. Throws `settings.invalid`.
 */
export async function readProjectFile(directory: string): Promise<SettingsFile | undefined> {
  const found = await readSettingsFile(join(directory, projectFileName), { followLink: false });
  if (found !== undefined) return found;
  const parent = dirname(directory);
  return parent === directory ? undefined : readProjectFile(parent);
}

/** The user's own settings; a link is followed, as to a repository of dotfiles. Throws `settings.invalid`. */
export async function readUserFile(configDir: string): Promise<SettingsFile | undefined> {
  return readSettingsFile(join(configDir, 'config.json'), { followLink: true });
}

async function readSettingsFile(
  path: string,
  { followLink }: { readonly followLink: boolean },
): Promise<SettingsFile | undefined> {
  const text = await readSmallFile(path, { followLink });
  return text === undefined ? undefined : { path, settings: checkFile(path, text) };
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

function checkFile(path: string, text: string): CheckedSettings {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unusable(path, 'it is not JSON');
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw unusable(path, 'it does not hold a JSON object');
  }
  const checked = v.safeParse(settingsFile, content);
  if (checked.success) return checked.output;
  const key = v.getDotPath(checked.issues[0]) ?? '';
  const reason = isSettingKey(key)
    ? `"${key}" must be ${settingRules[key]}`
    : `unknown key "${key}"; known are ${Object.keys(settingRules).join(', ')}`;
  throw new SidecarError('settings.invalid', { file: path, key, reason });
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settingRules, key);
}

function unusable(file: string, reason: string): SidecarError {
  return new SidecarError('settings.invalid', { file, reason });
}
