import type { Channel, ExecOptions } from '../../transport/transport.js';
import { openThroughDaemon, type AskOptions, type Without } from '../client.js';
import type { RequestOf } from '../message.js';
import { SidecarError } from '../../errors.js';
import { DaemonChannel } from './daemon-channel.js';

/** The daemon cannot be had for this, and nothing has begun: whoever wants it goes on alone. */
export class WithoutDaemon extends Error {
  constructor(readonly why: Without) {
    super(`without the daemon: ${why}`);
  }
}

/** Runs commands on the daemon's session with a sidecar, which it opens where it is not open. */
export class DaemonTransport {
  readonly #asked: Omit<RequestOf<'exec'>, 'line' | 'terminal'>;
  readonly #options: AskOptions;
  readonly #channels = new Set<DaemonChannel>();
  #isTelling = false;

  constructor(asked: Omit<RequestOf<'exec'>, 'line' | 'terminal'>, options: AskOptions) {
    this.#asked = asked;
    this.#options = options;
  }

  /** Starts `line` under the login shell of the sidecar. Throws `WithoutDaemon`, and what opening a session throws. */
  async exec(line: string, { signal, terminal }: ExecOptions = {}): Promise<Channel> {
    const request = {
      ...this.#asked,
      line,
      ...(terminal === undefined ? {} : { terminal: { modes: {}, ...terminal } }),
    };
    // Channels that are opened at once wait for one session, and would each tell of it.
    const tells = !this.#isTelling;
    this.#isTelling = true;
    // What is opened may outlive an interrupt: its own signal counts.
    const options = {
      ...this.#options,
      ...(signal === undefined ? {} : { signal }),
      ...(tells ? {} : { emit: () => undefined }),
    };
    const answer = await openThroughDaemon(request, options)
      .catch((error: unknown) => {
        // A session takes so many channels. One of its own takes them all.
        if (error instanceof SidecarError && error.code === 'ssh.channel_refused') throw new WithoutDaemon('full');
        throw error;
      })
      .finally(() => (this.#isTelling &&= !tells));
    if (answer.kind === 'without') throw new WithoutDaemon(answer.why);
    const { socket, rest } = answer.result;
    const channel = new DaemonChannel(socket, rest, signal);
    this.#channels.add(channel);
    const forget = (): void => void this.#channels.delete(channel);
    channel.exit.then(forget, forget);
    return channel;
  }

  /** Ends what runs on it. The session stays. */
  close(): Promise<void> {
    for (const channel of this.#channels) channel.close();
    return Promise.resolve();
  }
}
