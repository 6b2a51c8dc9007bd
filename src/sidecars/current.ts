import { realpath } from 'node:fs/promises';
import { SidecarError } from '../errors.js';
import { knownNames } from './registry.js';
import type { RegistryStore } from './registry-file.js';
import type { Setting } from './settings.js';

/**
 * Which sidecar is in use in which working tree. `root` is the working tree's root, or the working directory where there
 * is none; any way to spell it will do, because its real path is what counts.
 */
export class CurrentSidecar {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** What `set` selected, if anything. */
  async find(root: string): Promise<string | undefined> {
    const key = await realpath(root);
    const { current } = await this.#store.read();
    return Object.hasOwn(current, key) ? current[key] : undefined;
  }

  /** What `set` selected. Throws `sidecar.none_selected`, even with one sidecar to choose from: nobody chose it. */
  async get(root: string): Promise<string> {
    const selected = await this.find(root);
    if (selected !== undefined) return selected;
    throw new SidecarError('sidecar.none_selected', { known: knownNames(await this.#store.read()) });
  }

  /** Throws `sidecar.unknown`. */
  async set(root: string, name: string): Promise<void> {
    const key = await realpath(root);
    await this.#store.update((file) => {
      if (!file.sidecars.some((record) => record.name === name)) {
        throw new SidecarError('sidecar.unknown', { name, known: knownNames(file) });
      }
      return { ...file, current: { ...file.current, [key]: name } };
    });
  }

  /**
   * The name a command is about: a flag or the environment says it for this once; `sidecar use` here is the user's own
   * choice and outweighs what a file suggests; then the files. Throws `sidecar.none_selected`.
   */
  async choose(root: string, setting: Setting<string | undefined>): Promise<string> {
    if (setting.value === undefined) return this.get(root);
    if (setting.source.kind === 'flag' || setting.source.kind === 'environment') return setting.value;
    return (await this.find(root)) ?? setting.value;
  }
}
