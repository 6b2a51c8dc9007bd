import type { Transport } from '../transport/transport.js';

/** The connection that all forwards use, now one and after a loss another. */
export class CurrentTransport {
  #next = pending<Transport>();
  #want = pending<undefined>();
  #isWanted = false;

  /** The open one, or the next. Rejects once there will be none. */
  get(): Promise<Transport> {
    this.#isWanted = true;
    this.#want.resolve(undefined);
    return this.#next.promise;
  }

  /** Whether anybody has asked since the last one was lost. */
  isWanted(): boolean {
    return this.#isWanted;
  }

  /** Resolves once somebody has. */
  get wanted(): Promise<unknown> {
    return this.#want.promise;
  }

  opened(transport: Transport): void {
    this.#next.resolve(transport);
  }

  /** The open one is no longer: whoever asks from now on waits. */
  lost(): void {
    this.#next = pending();
    this.#want = pending();
    this.#isWanted = false;
  }

  /** There will be none. */
  over(error: unknown): void {
    this.#next.reject(error);
    this.#next = pending();
    this.#next.reject(error);
  }
}

interface Pending<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function pending<T>(): Pending<T> {
  let settle: Omit<Pending<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => undefined); // there may be nobody to tell
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}
