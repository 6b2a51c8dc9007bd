import ssh2, {
  type BaseAgent,
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import type { AttemptTimer } from '../attempt-timer.js';

type Key = string | Buffer | ParsedKey;

/**
 * An agent whose signing does not count against the attempt's time: a person may be typing a passphrase. A signature
 * that comes after the attempt is over goes nowhere, and does not start the clock again.
 */
export class UntimedAgent extends ssh2.BaseAgent<Key> {
  readonly #agent: BaseAgent;
  readonly #timer: AttemptTimer;
  readonly #isOver: () => boolean;

  constructor({ agent, timer, isOver }: { agent: BaseAgent; timer: AttemptTimer; isOver: () => boolean }) {
    super();
    this.#agent = agent;
    this.#timer = timer;
    this.#isOver = isOver;
  }

  override getIdentities(callback: IdentityCallback<Key>): void {
    this.#agent.getIdentities(callback);
  }

  override sign(
    key: Key,
    data: Buffer,
    optionsOrCallback: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const [options, done] =
      typeof optionsOrCallback === 'function' ? [{}, optionsOrCallback] : [optionsOrCallback, callback];
    this.#timer.pause();
    this.#agent.sign(key, data, options, (error, signature) => {
      if (this.#isOver()) return;
      this.#timer.resume();
      done?.(error, signature);
    });
  }
}
