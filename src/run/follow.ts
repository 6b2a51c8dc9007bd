import { Readable } from 'node:stream';
import { SidecarError } from '../errors.js';
import type { LostSession } from '../sync/request.js';
import { chooseRun, listRuns, nonsense, stateIn, type DetachedRun, type RunState } from './detached-list.js';
import { isLoss, isWithoutWord, talkOn, type RunsPlace, type Talk } from './talk.js';

/** What a run prints, from its beginning. */
export interface Followed {
  readonly run: DetachedRun;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  /** Byte for byte, however often the connection was lost. To be read, both: each waits for the other. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** How it stood when all of that had been printed. Rejects when it cannot be read on. */
  readonly ended: Promise<RunState>;
  /**
   * Interrupts the run itself, as if it were not detached: with all that it started; what does not end is told to, and then
   * killed. Where there is no connection just now, or it is lost, over the next one. Resolves once the far side has heard it,
   * or there is no run any more.
   */
  interrupt(): Promise<void>;
  /** Reads no more. The run goes on. */
  close(): void;
}

export interface FollowOptions {
  /** The id, or the beginning of it. Default: that of the latest. */
  readonly id?: string | undefined;
  /** Whether to go on until the run has ended, or to stop at what it has printed so far. */
  readonly follow: boolean;
}

/**
 * Reads what a run prints. A connection that is lost is opened again, each time with all the patience there is, and the
 * reading goes on at the very byte where it was.
 *
 * Throws `run.unknown`, `run.remote_failed`, and what `open` throws.
 */
export async function followRun(place: RunsPlace, { id, follow }: FollowOptions): Promise<Followed> {
  const closing = new AbortController();
  const signal = AbortSignal.any([place.signal, closing.signal]);
  const reading = new Reading({ ...place, signal }, { id, follow });
  const close = (): void => {
    reading.end();
    closing.abort();
  };
  const ended = reading.toTheEnd();
  ended.catch(() => undefined); // whoever waits for it is told
  const { run, workspace } = await Promise.race([reading.chosen, ended.then(() => reading.chosen)]);
  return {
    ...{ run, workspace, ended },
    stdout: reading.outputs.stdout.stream,
    stderr: reading.outputs.stderr.stream,
    interrupt: () => reading.interrupt(),
    close,
  };
}

/** How often in a row the far half may end without a word, and without anything that it sent. */
const endsLimit = 5;

interface Chosen {
  readonly run: DetachedRun;
  readonly workspace: string;
}

class Reading {
  readonly outputs = { stdout: new Output(), stderr: new Output() };
  readonly chosen: Promise<Chosen>;
  readonly #place: RunsPlace;
  readonly #options: FollowOptions;
  #choose: (chosen: Chosen) => void = () => undefined;
  #run: DetachedRun | undefined;
  /** The conversation in which it goes on. */
  #talk: Talk | undefined;
  /** Who waits for an interrupt to be heard. */
  readonly #unheard: (() => void)[] = [];

  constructor(place: RunsPlace, options: FollowOptions) {
    this.#place = place;
    this.#options = options;
    this.chosen = new Promise((resolve) => (this.#choose = resolve));
  }

  async toTheEnd(): Promise<RunState> {
    const { open, signal } = this.#place;
    const fail = (error: unknown): void => Object.values(this.outputs).forEach((output) => output.fail(error));
    // Also where it waits for somebody to read.
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
    try {
      let ends = 0;
      for (let lost: LostSession | undefined; ;) {
        const session = await open(signal, lost);
        const heard = { anything: false, news: false };
        try {
          const state = await talkOn(session, this.#place, (talk) => this.#read(talk, heard));
          this.end();
          this.#wasHeard();
          return state;
        } catch (error) {
          signal.throwIfAborted();
          if (isWithoutWord(error)) ends = (heard.news ? 0 : ends) + 1;
          // Where there is a run, it is not the login shell that ends each time.
          const isKilled = isWithoutWord(error) && this.#run !== undefined && ends <= endsLimit;
          if (!isLoss(error) && !isKilled) throw error;
          // A session that was of use is no failed attempt.
          const { attempts, elapsedMs } = heard.anything ? { attempts: 1, elapsedMs: 0 } : session;
          lost = { error: isKilled ? asLoss(error) : error, attempts, elapsedMs };
        } finally {
          this.#talk = undefined;
          await session.transport.close();
        }
      }
    } catch (error) {
      fail(error);
      throw error;
    }
  }

  /** There is no more of either. */
  end(): void {
    for (const output of Object.values(this.outputs)) output.end();
  }

  interrupt(): Promise<void> {
    return new Promise((resolve) => {
      this.#unheard.push(resolve);
      this.#talk?.ask('interrupt');
    });
  }

  #wasHeard(): void {
    for (const resolve of this.#unheard.splice(0)) resolve();
  }

  async #read(talk: Talk, heard: { anything: boolean; news: boolean }): Promise<RunState> {
    const { workspace } = talk;
    if (this.#run === undefined) {
      this.#run = chooseRun(await listRuns(talk), this.#options.id, workspace);
      this.#choose({ run: this.#run, workspace });
    }
    const { stdout, stderr } = this.outputs;
    const how = this.#options.follow ? 'follow' : 'read';
    talk.ask(`${how} ${this.#run.id} ${stdout.bytes} ${stderr.bytes}`);
    this.#talk = talk;
    if (this.#unheard.length > 0) talk.ask('interrupt');
    for (;;) {
      const answer = await talk.answer();
      heard.anything = true;
      const { word, rest } = answer;
      if (word === 'alive') {
        heard.news = true;
        continue;
      }
      if (word === 'interrupted') {
        this.#wasHeard();
        continue;
      }
      if (word === 'stdout' || word === 'stderr') {
        if (!/^\d{1,15}$/.test(rest)) throw nonsense(answer);
        for await (const chunk of talk.bytes(Number(rest))) {
          heard.news = true;
          await this.outputs[word].give(chunk);
        }
        continue;
      }
      const state = stateIn(`${word} ${rest}`);
      if (state === undefined) throw nonsense(answer);
      return state;
    }
  }
}

const asLoss = (cause: SidecarError): SidecarError =>
  new SidecarError(
    'ssh.connection_lost',
    { reason: 'what reads the run over there ended' },
    { cause, retryable: true },
  );

/** One output as it is read here: how many bytes of it there were, over all connections. */
class Output {
  readonly stream: Readable;
  bytes = 0;
  #isOver = false;
  #onRoom: () => void = () => undefined;

  constructor() {
    const hasRoom = (): void => this.#onRoom();
    this.stream = new Readable({
      read: hasRoom,
      destroy: (error, done) => {
        hasRoom(); // what nobody wants is dropped, so that the other's can come
        done(error);
      },
    });
    this.stream.on('error', () => undefined); // there may be nobody who reads it
  }

  /** Resolves when there is room for more. */
  async give(chunk: Buffer): Promise<void> {
    this.bytes += chunk.length;
    if (this.#isOver || this.stream.destroyed) return;
    const room = new Promise<void>((resolve) => (this.#onRoom = resolve));
    if (!this.stream.push(chunk)) await room;
  }

  end(): void {
    if (this.#isOver || this.stream.destroyed) return;
    this.#isOver = true;
    this.stream.push(null);
    this.#onRoom();
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.stream.destroy(error instanceof Error ? error : new SidecarError('internal', { reason: String(error) }));
  }
}
