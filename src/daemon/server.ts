import { lstat, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Clock } from '../clock.js';
import { watchForSleep } from '../session/sleep.js';
import { Warmth } from '../warmth.js';
import type { Build } from './build.js';
import { Conversation } from './conversation.js';
import type { Log } from './log.js';
import type { DaemonPlace } from './place.js';
import { sessionStatus, type DaemonStatus } from './status.js';
import { Works } from './works.js';

export interface ServerOptions {
  readonly place: DaemonPlace;
  readonly build: Build;
  readonly clock: Clock;
  readonly log: Log;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
  readonly limits?: Partial<Limits>;
}

/** Times in milliseconds. */
export interface Limits {
  /** How long a session stays open without use. */
  readonly sessionIdleMs: number;
  /** How long the daemon stays without a session and without a request. */
  readonly idleMs: number;
  /** How often it looks whether it is still needed, and still the one that clients find. */
  readonly lookMs: number;
}

/** How long its end waits for what was begun to be exchanged with a control plane, in milliseconds. */
const finishMs = 10_000;

const atWork = new Set(['connecting', 'waiting', 'open']);

const usual: Limits = { sessionIdleMs: 600_000, idleMs: 300_000, lookMs: 10_000 };

/**
 * The daemon: keeps sessions warm, and works for the clients that come to its socket. It ends when nobody has needed it
 * for a while, when it is told to, and when its socket is no longer the one that clients find.
 */
export class DaemonServer {
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #warmth: Warmth;
  readonly #works: Works;
  readonly #server: Server;
  readonly #startedMs: number;
  readonly #conversations = new Set<Conversation>();
  readonly #unfinished = new Set<Promise<unknown>>();
  readonly #end = new AbortController();
  #inode: number | undefined;
  #neededMs: number;
  /** It takes no more requests, and ends with the last that it has. */
  #leaving = false;
  #ending = false;

  constructor(options: ServerOptions) {
    const { clock, place, timeOfDay } = options;
    this.#options = options;
    this.#limits = { ...usual, ...options.limits };
    this.#warmth = new Warmth({ clock, idleMs: this.#limits.sessionIdleMs });
    this.#works = new Works({ warmth: this.#warmth, clock, stateDir: place.stateDir, finishing: this.#finishing });
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#startedMs = timeOfDay();
    this.#neededMs = clock.now();
  }

  /**
   * Begins to take requests. The socket gets its name once it answers: whoever finds it is answered, and one that a
   * daemon which is gone left there is replaced in the same step.
   */
  async listen(): Promise<void> {
    const { place, log, build, clock, timeOfDay } = this.#options;
    const { signal } = this.#end;
    const named = place.socketDirectory === undefined ? place.socket : `${place.socket}.${process.pid}`;
    await rm(named, { force: true });
    this.#server.listen(named);
    await once(this.#server, 'listening');
    if (named !== place.socket) {
      this.#inode = (await lstat(named)).ino;
      await rename(named, place.socket);
    }
    log.write('started', { pid: process.pid, version: build.version });
    void this.#watch();
    void watchForSleep({ clock, timeOfDay, signal, onWake: () => void this.#woke() });
  }

  /**
   * Settles once it has ended, and so has what works once, such as a renewal: that is waited for 10 s at most. Whoever told
   * it to end learns it then.
   */
  async ended(): Promise<void> {
    if (!this.#end.signal.aborted) await once(this.#end.signal, 'abort');
    await Promise.all([this.#warmth.close(), this.#finished()]);
    for (const conversation of this.#conversations) conversation.hangUp();
  }

  readonly #finishing = <T>(work: Promise<T>): Promise<T> => {
    this.#unfinished.add(work);
    const forget = (): void => void this.#unfinished.delete(work);
    work.then(forget, forget);
    return work;
  };

  async #finished(): Promise<void> {
    const over = new AbortController();
    const late = this.#options.clock.sleep(finishMs, over.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.#unfinished), late]);
    over.abort();
  }

  status(): DaemonStatus {
    const { place, build, clock, timeOfDay } = this.#options;
    const dateOf = (ms: number): string => new Date(timeOfDay() - (clock.now() - ms)).toISOString();
    const working = [...this.#conversations].filter(({ works }) => works);
    return {
      pid: process.pid,
      build,
      startedAt: new Date(this.#startedMs).toISOString(),
      socket: place.socket,
      log: place.log,
      memoryBytes: process.memoryUsage.rss(),
      requests: working.length + this.#works.preparing + this.#warmth.preparing,
      sessions: this.#warmth.sessions.map(({ record, session }) =>
        sessionStatus(record.name, session, { ...this.#works.countsOf(record.name), dateOf }),
      ),
    };
  }

  /** Ends at once. Clients whose work is cut off do it themselves. */
  stop(reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#options.log.write('ended', { reason });
    this.#leaving = true;
    this.#server.close();
    void this.#removeSocket().finally(() => {
      for (const conversation of this.#conversations) if (!conversation.awaitsEnd) conversation.hangUp();
      this.#end.abort();
    });
  }

  #welcome(socket: Socket): void {
    const { build, clock, log } = this.#options;
    if (this.#leaving) {
      socket.destroy();
      return;
    }
    const conversation = new Conversation(socket, {
      ...{ build, clock, log, works: this.#works },
      status: () => this.status(),
      stop: () => this.stop('it was told to'),
      stepAside: () => void this.#stepAside('a newer client came'),
    });
    this.#conversations.add(conversation);
    void conversation.ended.then(() => {
      this.#conversations.delete(conversation);
      this.#neededMs = clock.now();
      if (this.#leaving && this.#conversations.size === 0) this.stop('its last client is served');
    });
  }

  /** Leaves the place to another daemon, and ends once those who are here are served. */
  async #stepAside(reason: string): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#options.log.write('steps aside', { reason });
    this.#server.close();
    await this.#removeSocket();
    if (![...this.#conversations].some(({ works }) => works)) this.stop('nobody is being served');
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options;
    const { lookMs, idleMs } = this.#limits;
    for (;;) {
      try {
        await clock.sleep(lookMs, this.#end.signal);
      } catch {
        return;
      }
      if (!(await this.#isFound())) await this.#stepAside('its socket is gone');
      const isBusy =
        this.#conversations.size > 0 || this.#warmth.sessions.some(({ session }) => atWork.has(session.state.kind));
      if (isBusy) this.#neededMs = clock.now();
      else if (clock.now() - this.#neededMs >= idleMs) this.stop('nobody needs it');
    }
  }

  async #woke(): Promise<void> {
    this.#options.log.write('woke up');
    await this.#warmth.probe();
  }

  /** Whether clients still find this very daemon. */
  async #isFound(): Promise<boolean> {
    if (this.#inode === undefined) return true;
    const { ino } = await lstat(this.#options.place.socket).catch(() => ({ ino: undefined }));
    return ino === this.#inode;
  }

  /** Its own, and nobody else's: another daemon may have taken the place. */
  async #removeSocket(): Promise<void> {
    if (this.#inode !== undefined && (await this.#isFound())) await rm(this.#options.place.socket, { force: true });
  }
}
