import type { Channel, Transport } from './transport.js';

/**
 * Channels on which a command runs already that waits for its input: to open one takes two round trips, which nobody has
 * to wait for. For commands that do nothing before they are told what.
 */
export class SpareChannels {
  readonly #connection: Transport;
  readonly #command: string;
  readonly #count: number;
  #waiting: Channel[] = [];
  #opening = 0;

  constructor(connection: Transport, { command, count }: { readonly command: string; readonly count: number }) {
    this.#connection = connection;
    this.#command = command;
    this.#count = count;
  }

  /** One that waits, if any does and it is for this command. */
  take(command: string): Channel | undefined {
    return command === this.#command ? this.#waiting.shift() : undefined;
  }

  /** Sees to as many as are to wait. Where the server gives no more, there are fewer. */
  async prepare(): Promise<void> {
    const missing = this.#count - this.#waiting.length - this.#opening;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.#open()));
  }

  async #open(): Promise<void> {
    this.#opening += 1;
    try {
      const channel = await this.#connection.exec(this.#command);
      this.#waiting.push(channel);
      const forget = (): void => void (this.#waiting = this.#waiting.filter((each) => each !== channel));
      channel.exit.then(forget, forget);
    } catch {
      // Whoever needs one opens it, and is told why not.
    } finally {
      this.#opening -= 1;
    }
  }
}
