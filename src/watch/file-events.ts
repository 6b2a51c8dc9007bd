import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.js';
import { touched, type Change } from './change.js';

/** What is used of @parcel/watcher. */
export interface Watcher {
  subscribe(
    directory: string,
    onEvents: (error: Error | null, events: readonly FileEvent[]) => void,
    options: { readonly ignore: string[] },
  ): Promise<{ unsubscribe(): Promise<void> }>;
}

interface FileEvent {
  readonly type: 'create' | 'update' | 'delete';
  readonly path: string;
}

export interface FileEventsOptions {
  readonly load: () => Promise<Watcher>;
  /** Each is watched with all that is below it. */
  readonly directories: readonly string[];
  /** Directories below them that are not to be watched. Asked again when that may have changed. */
  readonly ignored: () => Promise<string[]>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: (change: Change) => void;
  /** Called once, when no events are to be had any more. */
  readonly onBroken: (error: unknown) => void;
}

/** A file that vanishes while the directories are read can fail a subscription. */
const subscribeTries = 3;
/** To subscribe reads every directory: not more often than this. */
const renewPauseMs = 1_000;
/** So many at once may be what was left of more: Linux drops events silently when too many wait to be read. */
const suspiciousEvents = 1_000;

/**
 * The file system's own events, by @parcel/watcher. It does not follow everything: of a directory that appears with
 * others in it, made at once or moved here, those inside may go unwatched, and of events that the system dropped it says
 * nothing on Linux. Where either may have happened, and after an error, everything is subscribed anew, and then the tree
 * is said to be unseen.
 */
export class FileEvents {
  readonly #options: FileEventsOptions;
  readonly #watcher: Watcher;
  #subscriptions: { unsubscribe(): Promise<void> }[] = [];
  #ignored: string[] = [];
  /** A renewal goes on, and with `again` another one has to follow. */
  #renewal: { again: boolean } | undefined;

  private constructor(options: FileEventsOptions, watcher: Watcher) {
    this.#options = options;
    this.#watcher = watcher;
  }

  /** Resolves once no change goes by untold. Rejects where there are no events. */
  static async start(options: FileEventsOptions): Promise<FileEvents> {
    const events = new FileEvents(options, await options.load());
    await events.#subscribe();
    return events;
  }

  /** Ends it. What was told before may still be on its way. */
  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.splice(0).map((each) => each.unsubscribe().catch(() => undefined)));
  }

  async #subscribe(): Promise<void> {
    const { directories, ignored, signal } = this.#options;
    for (let tries = 1; ; tries += 1) {
      this.#ignored = await ignored();
      try {
        for (const directory of directories) {
          const onEvents = (error: Error | null, events: readonly FileEvent[]): void => this.#hear(error, events);
          this.#subscriptions.push(await this.#watcher.subscribe(directory, onEvents, { ignore: this.#ignored }));
        }
        break;
      } catch (error) {
        await this.close();
        if (tries === subscribeTries) throw error;
      }
    }
    if (signal.aborted) await this.close();
  }

  #hear(error: Error | null, events: readonly FileEvent[]): void {
    const { signal, tell } = this.#options;
    if (signal.aborted) return;
    if (events.length > 0) tell(touched(events.map((event) => event.path)));
    if (error !== null || events.length >= suspiciousEvents) this.#renew();
    else {
      // It fails where the watch ends meanwhile.
      const looked = this.#mayHaveMissed(events).catch(() => false);
      void looked.then((missed) => missed && this.#renew());
    }
  }

  async #mayHaveMissed(events: readonly FileEvent[]): Promise<boolean> {
    const made = new Set(events.filter(({ type }) => type === 'create').map((event) => event.path));
    for (const directory of made) {
      const inside = await readdir(directory, { withFileTypes: true }).catch(() => []);
      if (inside.some((entry) => entry.isDirectory() && !made.has(path.join(directory, entry.name)))) return true;
    }
    if (!events.some((event) => mayChangeIgnored.test(event.path))) return false;
    return (await this.#options.ignored()).join('\0') !== this.#ignored.join('\0');
  }

  #renew(): void {
    if (this.#renewal !== undefined) this.#renewal.again = true;
    else void this.#renewAll();
  }

  async #renewAll(): Promise<void> {
    const { clock, signal, tell, onBroken } = this.#options;
    const renewal = { again: true };
    this.#renewal = renewal;
    try {
      while (renewal.again && !signal.aborted) {
        renewal.again = false;
        await this.close();
        await this.#subscribe();
        // Nobody listened for a moment.
        tell({ kind: 'unseen' });
        await clock.sleep(renewPauseMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) onBroken(error);
    } finally {
      this.#renewal = undefined;
    }
  }
}

/** What decides about what is ignored: rules, and the index that may have a file tracked all the same. */
const mayChangeIgnored = /(^|[\\/])(\.gitignore|\.sidecar\.json|info[\\/]exclude|\.git[\\/](index|config)|index)$/;
