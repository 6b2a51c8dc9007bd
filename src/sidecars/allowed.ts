import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { gatedSettings } from './gated-settings.js';
import type { SettingsFile } from './settings-files.js';
import { Store } from './store.js';

const allowedFile = v.strictObject({
  version: v.literal(1),
  /** Project file → digest of what it said when it was allowed. */
  files: v.record(v.string(), v.string()),
});

/** The project files that the user has allowed, each as it stood then. Throws what a store throws. */
export class AllowedFiles {
  readonly #store: Store<v.InferOutput<typeof allowedFile>>;

  constructor(stateDir: string) {
    this.#store = new Store({
      path: join(stateDir, 'allowed.json'),
      schema: allowedFile,
      initial: { version: 1, files: {} },
    });
  }

  /** False also where the file has come to say something else since. */
  async has(file: SettingsFile): Promise<boolean> {
    const [key, { files }] = await Promise.all([realpath(file.path), this.#store.read()]);
    return Object.hasOwn(files, key) && files[key] === digestOf(file);
  }

  async add(file: SettingsFile): Promise<void> {
    const key = await realpath(file.path);
    await this.#store.update((current) => ({ ...current, files: { ...current.files, [key]: digestOf(file) } }));
  }

  /** False where it was not allowed. */
  async remove(file: SettingsFile): Promise<boolean> {
    const key = await realpath(file.path);
    let found = false;
    await this.#store.update((current) => {
      found = Object.hasOwn(current.files, key);
      const left = Object.entries(current.files).filter(([each]) => each !== key);
      return found ? { ...current, files: Object.fromEntries(left) } : current;
    });
    return found;
  }
}

/** The same however the file is laid out. */
function digestOf(file: SettingsFile): string {
  return createHash('sha256')
    .update(JSON.stringify(gatedSettings(file), sorted))
    .digest('hex');
}

const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;
