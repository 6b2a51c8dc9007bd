import type { ConnectOptions } from './client-options.js';
import type { Clock } from './clock.js';
import type { Locator, TargetOptions } from './provider/locator.js';
import type { ProviderDeps } from './provider/providers.js';
import { connectPolicy } from './retry/policy.js';
import type { Open, Way } from './session/way.js';
import type { SidecarRecord } from './sidecars/record.js';
import type { Registry } from './sidecars/registry.js';
import type { Warmth } from './warmth.js';

export interface ClientSessionsOptions {
  readonly registry: Registry;
  readonly machines: ProviderDeps;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Where sessions stay open from one use to the next. Default: nowhere. */
  readonly warmth: Warmth | undefined;
}

/** How the sessions of a client are opened. */
export class ClientSessions {
  readonly #options: ClientSessionsOptions;

  constructor(options: ClientSessionsOptions) {
    this.#options = options;
  }

  async locator(): Promise<Locator> {
    const { locator } = await import('./provider/providers.js');
    const { machines, registry } = this.#options;
    return locator({ ...machines, registry });
  }

  /** By a session that stays, where any does. */
  async open(record: SidecarRecord, options: ConnectOptions): Promise<Open> {
    const { warmth, env } = this.#options;
    if (warmth === undefined || options.forwardAgent === true) return this.#opener(record, options);
    // Not for a machine that sleeps because nobody uses it.
    const reopen = (): Promise<Open> => this.#opener(record, { wake: false });
    return warmth.opener(warmth.session(record, env), { ...this.way(record, options), reopen });
  }

  /** By a session that the caller keeps. */
  way(record: SidecarRecord, options: ConnectOptions): Way {
    const { emit = () => undefined, deadlineMs = connectPolicy.deadlineMs } = options;
    const open: Way['open'] = (told, leftMs) => this.#opener(record, { ...options, emit: told, deadlineMs: leftMs });
    return { open, emit, deadlineMs };
  }

  /** The way to a sidecar, again and again. */
  async #opener(record: SidecarRecord, options: ConnectOptions & Pick<TargetOptions, 'wake'>): Promise<Open> {
    const [{ openSession }, { sshConnect }] = await Promise.all([
      import('./session/open.js'),
      import('./session/connect.js'),
    ]);
    const { registry, env, clock } = this.#options;
    const { emit = () => undefined, deadlineMs, askPassphrase, forwardAgent, wake } = options;
    let known = record;
    const pin = async (key: string, hop?: string): Promise<void> => {
      known = await registry.pin(record.name, key, { only: record, hop });
    };
    const connect = sshConnect({ askPassphrase, pin, emit, forwardAgent, env });
    const locator = await this.locator();
    const limit = deadlineMs === undefined ? {} : { deadlineMs };
    const rest = { locator, connect, clock, emit, wake, ...limit };
    return (signal, lost, more) => openSession({ record: known, ...rest, signal, lost, ...more });
  }
}
