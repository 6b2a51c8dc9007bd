import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { askEnvironment } from './ask-program.js';
import type { Passphrases } from './passphrases.js';

/** What has to be done for ssh by a person. */
export interface Person {
  /** Absent: there is nobody to ask. */
  readonly passphrases: Passphrases | undefined;
  /** Shows what ssh says while it waits for a hand on a security key. */
  readonly show: (words: string) => void;
  /** A person is at it. Called with false when it is over. */
  readonly onBusy: (isBusy: boolean) => void;
}

/** How often an ssh asked for the passphrase of a key, and whether it was given the last time. */
export interface Asked {
  /** The path of the key, or the name of the token. */
  readonly what: string;
  readonly times: number;
  readonly isAnswered: boolean;
}

/** The answers for one ssh, which asks by starting the program in SSH_ASKPASS. */
export class AskPass {
  /** By who asks: an ssh on the way, that of a ProxyJump, has its own tries at the same key. */
  readonly #asked = new Map<string, Asked>();
  readonly #person: Person;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #environment: NodeJS.ProcessEnv | undefined;

  private constructor(person: Person) {
    this.#person = person;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      void this.#converse(socket).catch(() => socket.destroy());
    });
  }

  /** `directory` is ours alone. */
  static async listen(directory: string, person: Person): Promise<AskPass> {
    const askPass = new AskPass(person);
    const socket = join(directory, socketName);
    askPass.#server.listen(socket);
    try {
      const [environment] = await Promise.all([
        askEnvironment({ directory, socket }),
        once(askPass.#server, 'listening'),
      ]);
      askPass.#environment = environment;
    } catch (error) {
      askPass.close();
      throw error;
    }
    return askPass;
  }

  /** What ssh has to find in its environment, so that it asks here. Undefined: see `askEnvironment`. */
  get environment(): NodeJS.ProcessEnv | undefined {
    return this.#environment;
  }

  get asked(): readonly Asked[] {
    return [...this.#asked.values()];
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #converse(socket: Socket): Promise<void> {
    let line = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      line += (chunk as Buffer).toString('utf8');
      if (line.includes('\n')) break;
    }
    const { prompt, kind, asker } = JSON.parse(line) as Question;
    this.#person.onBusy(true);
    try {
      if (kind === 'none') {
        this.#person.show(prompt);
        // ssh ends the program once the key was touched, and with it its half of the connection.
        await once(socket.resume(), 'end');
        socket.end();
      } else {
        const answer = await this.#answer(prompt, asker);
        socket.end(answer === undefined ? '' : `${answer}\n`);
      }
    } finally {
      this.#person.onBusy(false);
    }
  }

  /** Only for what a key is locked with. Whatever else ssh, or an ssh that it starts, wants to know gets no answer. */
  async #answer(prompt: string, asker: number): Promise<string | undefined> {
    const { passphrases } = this.#person;
    const [, path] = /^Enter passphrase for (?:key )?'(.+)': *$/.exec(prompt) ?? [];
    const [, token] = /^Enter PIN for (.+): *$/.exec(prompt) ?? [];
    const what = path ?? token;
    if (what === undefined) return undefined;
    const key = `${asker} ${what}`;
    const times = (this.#asked.get(key)?.times ?? 0) + 1;
    const answer = await (path === undefined ? passphrases?.pinOf(what, times > 1) : passphrases?.of(what, times > 1));
    this.#asked.set(key, { what, times, isAnswered: answer !== undefined });
    return answer;
  }
}

interface Question {
  readonly prompt: string;
  readonly kind: string;
  /** The process of the ssh. */
  readonly asker: number;
}

const socketName = 'a';
