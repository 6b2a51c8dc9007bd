import { SidecarError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import type { LostSession, OpenSession } from './open.js';

/** Opens a session, or one that was lost again: see `openSession`. */
export type Open = (signal: AbortSignal, lost?: LostSession) => Promise<OpenSession>;

/**
 * One session that stays open between those who use it, one after the other.
 *
 *   none ──lend──▶ lent ◀──lend── open ──▶ lost ──lend──▶ lent (opened again)
 *                   └──close──────▶┘
 */
export class KeptSession {
  readonly #open: Open;
  readonly #onLost: () => void;
  #state: State = { kind: 'none' };

  /** `onLost` is called when the connection is lost while nobody uses it: whoever does, notices. */
  constructor(open: Open, onLost: () => void) {
    this.#open = open;
    this.#onLost = onLost;
  }

  /**
   * The session, opened where it is not open. Closing the transport that is lent gives it back. `lost` is the session
   * lent before, when its connection was lost. Throws what `openSession` throws.
   */
  async lend(signal: AbortSignal, lost?: LostSession): Promise<OpenSession & { readonly warm: boolean }> {
    const before = this.#state;
    if (before.kind === 'open' && lost === undefined) {
      return { transport: this.#lent(before.transport), attempts: 1, elapsedMs: 0, warm: true };
    }
    if (before.kind === 'open') await before.transport.close();
    this.#state = { kind: 'none' };
    const again = lost ?? (before.kind === 'lost' ? { error: before.error, attempts: 1, elapsedMs: 0 } : undefined);
    const session = await this.#open(signal, again);
    const { transport } = session;
    this.#state = { kind: 'open', transport, lent: true };
    void transport.closed.then((error) => this.#notice(transport, error));
    return { ...session, transport: this.#lent(transport), warm: false };
  }

  /** The open transport, lent to nobody in particular: for what may go on while others use it. */
  get transport(): Transport | undefined {
    return this.#state.kind === 'open' ? this.#state.transport : undefined;
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'none' };
    if (state.kind === 'open') await state.transport.close();
  }

  #lent(transport: Transport): Transport {
    const setLent = (lent: boolean): void => {
      if (this.#state.kind === 'open' && this.#state.transport === transport) this.#state = { ...this.#state, lent };
    };
    setLent(true);
    return {
      exec: (command, options) => transport.exec(command, options),
      forward: (target) => transport.forward(target),
      closed: transport.closed,
      close: () => {
        setLent(false);
        return Promise.resolve();
      },
    };
  }

  #notice(transport: Transport, error: Error | undefined): void {
    const state = this.#state;
    if (state.kind !== 'open' || state.transport !== transport) return;
    const passes = error instanceof SidecarError && error.retryable === true;
    this.#state = passes ? { kind: 'lost', error } : { kind: 'none' };
    if (!state.lent) this.#onLost();
  }
}

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly transport: Transport; readonly lent: boolean }
  /** While nobody used it, or so that whoever did has yet to say so. */
  | { readonly kind: 'lost'; readonly error: SidecarError };
