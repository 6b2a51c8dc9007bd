import { Sidecars } from '../client.js';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { landingOf } from '../landing.js';
import { aboutSidecar } from '../sidecars/about.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { Channel } from '../transport/transport.js';
import type { Warmth } from '../warmth.js';
import type { RequestOf, Results } from './message.js';

export interface WorksOptions {
  readonly warmth: Warmth;
  readonly clock: Clock;
  readonly stateDir: string;
  /** For what has to come to its end before this process does. */
  readonly finishing: <T>(work: Promise<T>) => Promise<T>;
}

/** The one who asked. */
export interface Client {
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly chosen: (sidecar: string) => void;
  /** Undefined where nobody can be asked. */
  readonly askPassphrase: AskPassphrase | undefined;
}

/** What the daemon does for its clients, each with the client's own environment: the same that they would do themselves. */
export class Works {
  readonly #options: WorksOptions;
  #preparing = 0;
  /** By the names of sidecars. */
  readonly #counts = new Map<string, { syncs: number; sentBytes: number }>();

  constructor(options: WorksOptions) {
    this.#options = options;
  }

  countsOf(sidecar: string): { readonly syncs: number; readonly sentBytes: number } {
    return this.#counts.get(sidecar) ?? { syncs: 0, sentBytes: 0 };
  }

  async sync(request: RequestOf<'sync'>, client: Client): Promise<Results['sync']> {
    const { signal, emit, askPassphrase } = client;
    const { sidecars, record, options } = await this.#landing(request, client);
    return aboutSidecar(record.name, async () => {
      const { dryRun, history } = request;
      const landing = { ...(await options()), dryRun, history };
      const result = await sidecars.sync(record, { ...landing, askPassphrase, emit, signal });
      const { syncs, sentBytes } = this.countsOf(record.name);
      this.#counts.set(record.name, { syncs: syncs + 1, sentBytes: sentBytes + (dryRun ? 0 : result.sentBytes) });
      return result;
    });
  }

  async wait(request: RequestOf<'wait'>, client: Client): Promise<Results['wait']> {
    const { signal, emit, askPassphrase } = client;
    const { sidecars, record, deadlineMs } = await this.#landing(request, client);
    return aboutSidecar(record.name, async () => {
      const asked = { askPassphrase, deadlineMs, emit, signal };
      const { transport, attempts, elapsedMs } = await sidecars.open(record, asked);
      await transport.close();
      return { attempts, elapsedMs };
    });
  }

  /** Starts a command line on the session. `release` gives the session back, once the channel is of no more use. */
  async exec(
    request: RequestOf<'exec'>,
    client: Client,
  ): Promise<{ readonly channel: Channel; readonly release: () => Promise<void> }> {
    const { signal, emit, askPassphrase } = client;
    const { line, terminal } = request;
    const { sidecars, record, deadlineMs } = await this.#landing(request, client);
    return aboutSidecar(record.name, async () => {
      const { transport, channels } = await sidecars.open(record, { askPassphrase, deadlineMs, emit, signal });
      const release = async (): Promise<void> => {
        await transport.close();
        void channels?.prepare();
      };
      try {
        const spare = terminal === undefined ? channels?.take(line) : undefined;
        return { channel: spare ?? (await transport.exec(line, { terminal })), release };
      } catch (error) {
        await transport.close();
        throw error;
      }
    });
  }

  /** Nobody can be asked or told anything. Goes on when nobody waits for it any more. */
  async warm(request: RequestOf<'warm'>, client: Client): Promise<void> {
    const { signal } = client;
    const { sidecars, record, deadlineMs, options } = await this.#landing(request, client);
    const { transport } = await sidecars.open(record, { deadlineMs, signal });
    await transport.close();
    if (!request.prepare) return;
    const landing = { ...(await options()), signal };
    this.#preparing += 1;
    void sidecars
      .prepare(record, landing)
      .catch(() => undefined) // the next sync meets the same, and says so
      .finally(() => (this.#preparing -= 1));
  }

  /** How many preparations go on that nobody waits for. */
  get preparing(): number {
    return this.#preparing;
  }

  async drop({ sidecar }: RequestOf<'drop'>): Promise<null> {
    this.#counts.delete(sidecar);
    await this.#options.warmth.drop(sidecar);
    return null;
  }

  async #landing({ env, homeDir, asked }: RequestOf<'sync' | 'wait' | 'warm' | 'exec'>, { signal, chosen }: Client) {
    const { clock, warmth, stateDir, finishing } = this.#options;
    const sidecars = new Sidecars({ env, homeDir, clock, warmth, finishing });
    const { stateDir: theirs } = sidecars.home;
    if (theirs !== stateDir)
      throw new SidecarError('internal', { reason: `the daemon is for ${stateDir}, not ${theirs}` });
    const landing = await landingOf(sidecars, asked, signal);
    chosen(landing.record.name);
    return { sidecars, ...landing };
  }
}
