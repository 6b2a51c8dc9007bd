import { beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { SidecarEvent } from '../../src/events.js';
import type { LostSession } from '../../src/session/open.js';
import { Session, type SessionOptions } from '../../src/session/session.js';
import type { Open, Way } from '../../src/session/way.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';
import { memoryTransport, shell, type MemoryTransport } from '../fakes/memory-transport.js';

const { signal } = new AbortController();

let clock: FakeClock;
let opened: { readonly transport: MemoryTransport; readonly lost: LostSession | undefined }[];
let losses: number;
let session: Session;

/** The far side answers commands. */
const answering = (): MemoryTransport => memoryTransport(shell());

const opening: Open = (_, lost) => {
  const transport = answering();
  opened.push({ transport, lost });
  return Promise.resolve({ transport, attempts: 3, elapsedMs: 5_000 });
};

function way(open: Open = opening, more: Partial<Way> = {}): Way {
  return { open: () => Promise.resolve(open), emit: () => undefined, deadlineMs: 90_000, ...more };
}

function make(options: Partial<SessionOptions> = {}): Session {
  return new Session({ clock, onLost: () => (losses += 1), ...options });
}

beforeEach(() => {
  clock = fakeClock();
  opened = [];
  losses = 0;
  session = make();
});

const cut = (): void => opened.at(-1)?.transport.cut();
/** Everything that follows from what has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('a session that is kept', () => {
  it('is opened for the first who needs it, and is warm for the next', async () => {
    const first = await session.borrower(way())(signal);
    expect(first).toMatchObject({ attempts: 3, elapsedMs: 5_000, warm: false });
    await first.transport.close();
    const second = await session.borrower(way())(signal);
    expect(second).toMatchObject({ attempts: 1, elapsedMs: 0, warm: true });
    expect(await (await second.transport.exec('exit 4')).exit).toEqual({ kind: 'code', code: 4 });
    expect(opened).toHaveLength(1);
  });

  it('that is lost in between says so, and is opened anew with the loss as the reason', async () => {
    const { transport } = await session.borrower(way())(signal);
    await transport.close();
    cut();
    await settled();
    expect(losses).toBe(1);
    expect(session.connection).toBeUndefined();
    expect(await session.borrower(way())(signal)).toMatchObject({ warm: false });
    expect(opened[1]?.lost).toMatchObject({ error: { code: 'ssh.connection_lost' }, attempts: 1, elapsedMs: 0 });
  });

  it('that nobody was told of losing is opened as if for the first time, without a wait', async () => {
    session = new Session({ clock });
    await (await session.borrower(way())(signal)).transport.close();
    cut();
    await settled();
    expect(session.state).toMatchObject({ kind: 'lost' });
    await session.borrower(way())(signal);
    expect(opened[1]?.lost).toBeUndefined();
  });

  it('that is lost while it is lent is for the one who has it to open again', async () => {
    const borrow = session.borrower(way());
    const { transport } = await borrow(signal);
    cut();
    await settled();
    expect(losses).toBe(0);
    await transport.close();
    const lost = lostBy('the connection broke');
    await borrow(signal, lost);
    expect(opened[1]?.lost).toBe(lost);
  });

  it('is opened without waking its machine for those who ask for that', async () => {
    const wakes: (boolean | undefined)[] = [];
    const noting: Open = (within, lost, { wake } = {}) => (wakes.push(wake), opening(within, lost));
    const borrow = session.borrower(way(noting));
    await borrow(signal);
    cut();
    await borrow(signal, lostBy('the connection broke'), { wake: false });
    expect(wakes).toEqual([undefined, false]);
  });

  it('is opened once for two who lost it together', async () => {
    const [one, two] = [session.borrower(way()), session.borrower(way())];
    await Promise.all([one(signal), two(signal)]);
    expect(opened).toHaveLength(1);
    cut();
    await settled();
    const again = await Promise.all([one(signal, lostBy('one')), two(signal, lostBy('two'))]);
    expect(opened).toHaveLength(2);
    expect(again[0].connection).toBe(again[1].connection);
  });

  it('that could not be opened again is opened as if for the first time', async () => {
    await (await session.borrower(way())(signal)).transport.close();
    cut();
    await settled();
    const reasons: unknown[] = [];
    const failing: Open = (_, lost) => {
      reasons.push(lost?.error.code);
      return Promise.reject(new SidecarError('ssh.unreachable'));
    };
    await expect(session.borrower(way(failing))(signal)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(session.state).toMatchObject({ kind: 'idle', error: { code: 'ssh.unreachable' } });
    await expect(session.borrower(way(failing))(signal)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(reasons).toEqual(['ssh.connection_lost', undefined]);
  });

  it('is closed for good, which is no loss', async () => {
    const { transport, connection } = await session.borrower(way())(signal);
    await transport.close();
    await session.close();
    await settled();
    expect(losses).toBe(0);
    expect(await connection.closed).toBeUndefined();
    await expect(session.borrower(way())(signal)).rejects.toMatchObject({ code: 'ssh.connection_lost' });
  });
});

describe('those who need a session that is being opened', () => {
  it('wait together, and are told what the first one was told', async () => {
    let boot = (): void => undefined;
    const booted = new Promise<void>((resolve) => (boot = resolve));
    const tells: Way['open'] = (emit) =>
      Promise.resolve(async (within, lost) => {
        emit(waiting);
        await booted;
        return opening(within, lost);
      });
    const heard: SidecarEvent[] = [];
    const first = session.borrower({ ...way(), open: tells })(signal);
    await settled();
    const second = session.borrower(way(opening, { emit: (event) => heard.push(event) }))(signal);
    await settled();
    expect(heard).toEqual([waiting]);
    boot();
    expect((await first).connection).toBe((await second).connection);
    expect(await second).toMatchObject({ attempts: 3, warm: false });
    expect(opened).toHaveLength(1);
  });

  it('keep to their own time', async () => {
    void session
      .borrower(way(() => new Promise(() => undefined)))(signal)
      .catch(() => undefined);
    await settled();
    const hasty = session.borrower(way(opening, { deadlineMs: 5_000 }))(signal);
    await expect(clock.until(hasty)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(clock.now()).toBe(5_000);
  });

  it('go their own way when the first one gives up', async () => {
    const gone = new AbortController();
    const stuck: Open = (within) =>
      new Promise((_, reject) => within.addEventListener('abort', () => reject(within.reason as Error)));
    const first = session.borrower(way(stuck))(gone.signal);
    await settled();
    const second = session.borrower(way())(signal);
    await settled();
    gone.abort(new Error('Ctrl-C'));
    await expect(first).rejects.toThrow('Ctrl-C');
    expect(await second).toMatchObject({ attempts: 3 });
  });

  it('go their own way for what is left of their time', async () => {
    const limits: number[] = [];
    const noting: Way['open'] = (_, deadlineMs) =>
      Promise.resolve((...asked) => (limits.push(deadlineMs), opening(...asked)));
    const first = session.borrower(way(givingUpAfter(80_000)))(signal);
    await clock.advance(5_000);
    const second = session.borrower({ ...way(), open: noting })(signal);
    await expect(clock.until(first)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(await second).toMatchObject({ attempts: 3 });
    expect(limits).toEqual([15_000]);
  });

  it('do not begin anew where nothing is left of it', async () => {
    const refused = new SidecarError('ssh.unreachable', { reason: 'connection refused' }, { retryable: true });
    const fails: Way['open'] = (emit) =>
      Promise.resolve((within) => {
        emit({ kind: 'connect.failed', attempt: 1, error: refused });
        return givingUpAfter(90_000)(within);
      });
    const first = session.borrower({ ...way(), open: fails })(signal);
    const second = session.borrower(way())(signal);
    const [gaveUp, late] = await clock.until(Promise.allSettled([first, second]));
    expect(gaveUp).toMatchObject({ status: 'rejected' });
    expect(late).toMatchObject({
      reason: {
        code: 'ssh.unreachable',
        facts: { reason: 'connection refused', attempts: 1, elapsedMs: 90_000 },
        retryable: false,
      },
    });
    expect(opened).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });
});

describe('a session that nobody uses', () => {
  it('is closed after a while, and not before', async () => {
    session = make({ idleMs: 600_000 });
    const { transport, connection } = await session.borrower(way())(signal);
    await clock.advance(3_600_000);
    await transport.close();
    await clock.advance(599_999);
    expect(session.connection).toBe(connection);
    await clock.advance(1);
    expect(session.state.kind).toBe('idle');
    expect(await connection.closed).toBeUndefined();
    expect(losses).toBe(0);
    expect(clock.sleeping).toBe(0);
  });

  it('is opened again when it is lost, with nobody to be asked', async () => {
    const reopened: unknown[] = [];
    const reopen = (): Promise<Open> =>
      Promise.resolve((within, lost) => {
        reopened.push(lost);
        return opening(within, lost);
      });
    session = new Session({ clock });
    await (await session.borrower(way(opening, { reopen }))(signal)).transport.close();
    cut();
    await settled();
    expect(session.state).toMatchObject({ kind: 'open', users: 0 });
    expect(reopened).toEqual([undefined]);
    expect(await session.borrower(way())(signal)).toMatchObject({ warm: true });
  });

  it('is opened at once by somebody who needs it while that is under way', async () => {
    const reopen = (): Promise<Open> => Promise.resolve(() => new Promise(() => undefined));
    session = new Session({ clock });
    await (await session.borrower(way(opening, { reopen }))(signal)).transport.close();
    cut();
    await settled();
    expect(session.state.kind).toBe('connecting');
    expect(await session.borrower(way())(signal)).toMatchObject({ warm: false });
    expect(opened).toHaveLength(2);
  });
});

describe('a connection that is probed', () => {
  it('tells how long a round trip takes', async () => {
    await (await session.borrower(way())(signal)).transport.close();
    expect(session.rttMs).toBeUndefined();
    await session.probe();
    expect(session.rttMs).toBe(0);
    expect(session.state.kind).toBe('open');
  });

  it('and does not answer is lost', async () => {
    const mute = answering();
    const open: Open = () =>
      Promise.resolve({ transport: { ...mute, exec: () => new Promise(() => undefined) }, attempts: 1, elapsedMs: 0 });
    await (await session.borrower(way(open))(signal)).transport.close();
    await clock.until(session.probe());
    expect(clock.now()).toBe(5_000);
    expect(session.state).toMatchObject({ kind: 'lost', error: { code: 'ssh.connection_lost' } });
    expect(losses).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  it('is probed beside its use, where nobody has used it for a while', async () => {
    await (await session.borrower(way())(signal)).transport.close();
    await clock.advance(3_001);
    await (await session.borrower(way())(signal)).transport.close();
    await session.probe();
    expect(session.rttMs).toBeDefined();
  });
});

/** An attempt that fails in the end. */
const givingUpAfter =
  (ms: number): Open =>
  async (within) => {
    await clock.sleep(ms, within);
    throw new SidecarError('ssh.unreachable');
  };

const lostBy = (reason: string): LostSession => ({
  error: new SidecarError('ssh.connection_lost', { reason }, { retryable: true }),
  attempts: 3,
  elapsedMs: 5_000,
});

const waiting: SidecarEvent = {
  kind: 'connect.waiting',
  host: 'box',
  error: new SidecarError('ssh.unreachable'),
  delayMs: 2_000,
  deadlineMs: 90_000,
};
