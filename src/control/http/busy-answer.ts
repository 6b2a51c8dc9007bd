import { retryAfterMs } from './retry-after.js';

/** An answer that says no more than that there is none now: a time-out, too early, too many requests, or a server in trouble. */
export class BusyAnswer extends Error {
  override readonly name = 'BusyAnswer';
  readonly retryable = true;
  readonly status: number;
  /** How long it asks to be left alone, in milliseconds. */
  readonly restMs: number;

  constructor(answer: Pick<Response, 'status' | 'statusText' | 'headers'>) {
    super(`it answers ${answer.status}${answer.statusText === '' ? '' : ` ${answer.statusText}`}`);
    this.status = answer.status;
    this.restMs = retryAfterMs(answer);
  }
}

export function isBusy(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
