import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { SidecarEvent } from '../../src/events.js';
import { classify } from '../../src/retry/classify.js';
import { sshConnect } from '../../src/session/connect.js';
import { openSession, type Connect, type OpenSession, type OpenSessionOptions } from '../../src/session/open.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import type { SshTarget } from '../../src/transport/target.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';
import { memoryTransport, shell } from '../fakes/memory-transport.js';
import { describeWith } from '../fakes/parts.js';
import { targetFor } from '../fakes/ssh-client.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { unusedPort } from '../fakes/unused-port.js';
import { sshdParts, startSshd, type Sshd } from '../fakes/sshd.js';

const record: SidecarRecord = {
  name: 'dev-1',
  createdAt: '2026-01-01T00:00:00.000Z',
  hostKeys: [],
  provider: { kind: 'ssh', host: 'dev.example' },
};
const target: SshTarget = targetFor({ host: 'dev.example', port: 2222 });

const refused = new SidecarError('ssh.unreachable', { reason: 'connection refused' }, { retryable: true });
const wrongKey = new SidecarError('ssh.auth_refused', { user: 'dev', tried: [] }, { retryable: false });
const transport = memoryTransport(shell());

/** Fails with these errors, one after another, then connects. */
function connecting(...errors: Error[]): Connect {
  return () => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve(transport) : Promise.reject(error);
  };
}

interface Opened {
  readonly clock: FakeClock;
  readonly events: SidecarEvent[];
  readonly outcome: OpenSession | Error;
}

/** Opens a session on a clock that runs as far as it takes. */
async function open(options: Partial<OpenSessionOptions>): Promise<Opened> {
  const clock = fakeClock();
  const events: SidecarEvent[] = [];
  const work = openSession({
    record,
    locator: { target: () => Promise.resolve(target) },
    connect: connecting(),
    clock,
    emit: (event) => events.push(event),
    ...options,
  });
  const outcome = await clock.until(work).catch((error: unknown) => error as Error);
  expect(clock.sleeping).toBe(0);
  return { clock, events, outcome };
}

const kindsOf = (events: readonly SidecarEvent[]): string[] => events.map(({ kind }) => kind);

describe('openSession', () => {
  it('connects at once to a machine that is up, and announces no wait', async () => {
    const { events, outcome } = await open({});
    expect(outcome).toEqual({ transport, attempts: 1, elapsedMs: 0 });
    expect(events).toEqual([
      { kind: 'connect.attempt', attempt: 1, host: 'dev.example', port: 2222 },
      { kind: 'connect.open', host: 'dev.example', attempts: 1, elapsedMs: 0 },
    ]);
  });

  it('waits out a boot, announcing the first wait only, with the reason and how long it will try', async () => {
    const { events, outcome } = await open({ connect: connecting(refused, refused, refused) });
    expect(outcome).toEqual({ transport, attempts: 4, elapsedMs: 9_500 });
    expect(events.filter(({ kind }) => kind === 'connect.waiting')).toEqual([
      { kind: 'connect.waiting', host: 'dev.example', error: refused, delayMs: 2_000, deadlineMs: 90_000 },
    ]);
    expect(kindsOf(events)).toEqual([
      ...['connect.attempt', 'connect.failed', 'connect.waiting'],
      ...['connect.attempt', 'connect.failed'],
      ...['connect.attempt', 'connect.failed'],
      ...['connect.attempt', 'connect.open'],
    ]);
  });

  it('throws a permanent failure as it is, at once and unannounced', async () => {
    const { clock, events, outcome } = await open({ connect: connecting(wrongKey) });
    expect(outcome).toBe(wrongKey);
    expect(clock.now()).toBe(0);
    expect(kindsOf(events)).toEqual(['connect.attempt']);
  });

  it('says at which attempt a permanent failure came when it was not the first', async () => {
    const { outcome } = await open({ connect: connecting(refused, wrongKey) });
    expect(outcome).toMatchObject({
      code: 'ssh.auth_refused',
      retryable: false,
      facts: { user: 'dev', tried: [], attempts: 2 },
      cause: wrongKey,
    });
  });

  it('opens a lost session again after a wait, says so, and goes on in the same budget', async () => {
    const error = new SidecarError('ssh.connection_lost', { reason: 'connection reset' }, { retryable: true });
    const { events, outcome } = await open({
      connect: connecting(refused),
      lost: { error, attempts: 3, elapsedMs: 5_000 },
    });
    // After the third attempt 4.5 s are waited for, after the fourth 6.75 s.
    expect(outcome).toEqual({ transport, attempts: 5, elapsedMs: 5_000 + 4_500 + 6_750 });
    expect(events.filter(({ kind }) => kind !== 'connect.attempt')).toEqual([
      { kind: 'connect.lost', error, delayMs: 4_500, remainingMs: 85_000 },
      { kind: 'connect.failed', attempt: 4, error: refused },
      { kind: 'connect.open', host: 'dev.example', attempts: 5, elapsedMs: 16_250 },
    ]);
  });

  it('gives up a lost session where no time is left, with the loss as the error', async () => {
    const error = new SidecarError('ssh.connection_lost', { reason: 'connection reset' }, { retryable: true });
    const { clock, events, outcome } = await open({ lost: { error, attempts: 9, elapsedMs: 80_000 } });
    expect(outcome).toBe(error);
    expect(clock.now()).toBe(0);
    expect(events).toEqual([]);
  });

  it('does not retry an error that says nothing of itself', async () => {
    const odd = new Error('odd');
    const { outcome } = await open({ connect: connecting(odd) });
    expect(outcome).toBe(odd);
  });

  it('asks the provider where the machine is before every attempt', async () => {
    const targets = [target, { ...target, host: 'elsewhere.example', port: 22 }];
    const seen: unknown[] = [];
    const connect: Connect = ({ host, port }) => {
      seen.push({ host, port });
      return seen.length === 1 ? Promise.reject(refused) : Promise.resolve(transport);
    };
    const locator = { target: () => Promise.resolve(targets.shift() ?? target) };
    await open({ connect, locator });
    expect(seen).toEqual([
      { host: 'dev.example', port: 2222 },
      { host: 'elsewhere.example', port: 22 },
    ]);
  });

  it('asks the provider no longer when the time is over', async () => {
    let asked: AbortSignal | undefined;
    const locator: OpenSessionOptions['locator'] = {
      target: (_record, { signal } = {}) => {
        asked = signal;
        return new Promise(() => undefined);
      },
    };
    const { outcome } = await open({ locator });
    expect(outcome).toMatchObject({ code: 'ssh.unreachable' });
    expect(asked?.aborted).toBe(true);
  });

  it("fails at once with the provider's own error", async () => {
    const gone = new SidecarError('provider.failed', {}, { retryable: false });
    const { events, outcome } = await open({ locator: { target: () => Promise.reject(gone) } });
    expect(outcome).toBe(gone);
    expect(events).toEqual([]);
  });

  describe('until the deadline', () => {
    interface Attempt {
      readonly atMs: number;
      readonly timeoutMs: number;
      readonly remainingMs: number | undefined;
    }

    /** Attempts that each take their whole time limit. */
    async function exhaust(deadlineMs?: number): Promise<{ attempts: Attempt[]; opened: Opened }> {
      const attempts: Attempt[] = [];
      const clock = fakeClock();
      const connect: Connect = async (_target, { timeoutMs, remainingMs }) => {
        attempts.push({ atMs: clock.now(), timeoutMs, remainingMs });
        await clock.sleep(timeoutMs);
        throw refused;
      };
      const events: SidecarEvent[] = [];
      const locator = { target: () => Promise.resolve(target) };
      const limit = deadlineMs === undefined ? {} : { deadlineMs };
      const work = openSession({ record, locator, connect, clock, emit: (event) => events.push(event), ...limit });
      const outcome = await clock.until(work).catch((error: unknown) => error as Error);
      return { attempts, opened: { clock, events, outcome } };
    }

    it('gives each attempt 10 s, and gives up with attempts, time and the last cause', async () => {
      const { attempts, opened } = await exhaust();
      expect(attempts.map(({ atMs }) => atMs)).toEqual([0, 12_000, 25_000, 39_500, 56_250, 76_375]);
      expect(attempts.every(({ timeoutMs }) => timeoutMs === 10_000)).toBe(true);
      expect(opened.outcome).toMatchObject({
        code: 'ssh.unreachable',
        facts: { host: 'dev.example', port: 2222, attempts: 6, elapsedMs: 86_375, reason: 'connection refused' },
        cause: refused,
      });
    });

    it('is the end of it: whoever called may not start over', async () => {
      const { opened } = await exhaust();
      expect(classify(opened.outcome, { unknown: 'retry' })).toBe('fail');
    });

    it('gives the last attempt only the time that is left, and tells each what is left for all', async () => {
      const { attempts, opened } = await exhaust(30_000);
      expect(attempts).toEqual([
        { atMs: 0, timeoutMs: 10_000, remainingMs: 30_000 },
        { atMs: 12_000, timeoutMs: 10_000, remainingMs: 18_000 },
        { atMs: 25_000, timeoutMs: 5_000, remainingMs: 5_000 },
      ]);
      expect(opened.outcome).toMatchObject({ facts: { attempts: 3, elapsedMs: 30_000 } });
    });

    it('announces no wait when there is time for one attempt only', async () => {
      const { attempts, opened } = await exhaust(5_000);
      expect(attempts).toEqual([{ atMs: 0, timeoutMs: 5_000, remainingMs: 5_000 }]);
      expect(kindsOf(opened.events)).toEqual(['connect.attempt', 'connect.failed']);
    });

    it('counts a provider that does not answer', async () => {
      const { clock, outcome } = await open({ locator: { target: () => new Promise(() => undefined) } });
      expect(clock.now()).toBe(90_000);
      expect(outcome).toMatchObject({ code: 'ssh.unreachable', facts: { host: 'dev-1', attempts: 1 } });
    });
  });

  it('tells what failed before where the provider does not answer until the deadline', async () => {
    const outage = new SidecarError('server.unreachable', { reason: 'it answers 503' }, { retryable: true });
    const answers = [Promise.reject(outage), new Promise<never>(() => undefined)];
    answers[0]?.catch(() => undefined);
    const { outcome } = await open({ locator: { target: () => answers.shift() ?? Promise.reject(outage) } });
    expect(outcome).toMatchObject({
      ...{ code: 'ssh.unreachable', facts: { attempts: 2, reason: 'it answers 503' }, cause: outage },
    });
  });

  describe('aborted', () => {
    const reason = new Error('Ctrl-C');

    it('during a wait: ends at once', async () => {
      const controller = new AbortController();
      const { clock, outcome } = await open({
        connect: connecting(refused),
        signal: controller.signal,
        emit: ({ kind }) => {
          if (kind === 'connect.waiting') queueMicrotask(() => controller.abort(reason));
        },
      });
      expect(outcome).toBe(reason);
      expect(clock.now()).toBe(0);
    });

    it('during an attempt: hands the signal to it, and throws its reason', async () => {
      const controller = new AbortController();
      const connect: Connect = (_target, { signal }) => {
        expect(signal).toBe(controller.signal);
        controller.abort(reason);
        return Promise.reject(refused);
      };
      const { outcome } = await open({ connect, signal: controller.signal });
      expect(outcome).toBe(reason);
    });

    it('while the provider is asked: ends at once', async () => {
      const controller = new AbortController();
      const locator = {
        target: () => {
          queueMicrotask(() => controller.abort(reason));
          return new Promise<SshTarget>(() => undefined);
        },
      };
      const { clock, outcome } = await open({ locator, signal: controller.signal });
      expect(outcome).toBe(reason);
      expect(clock.now()).toBe(0);
    });
  });
});

describeWith(sshdParts, 'openSession with a real sshd that comes up 6 s later', () => {
  it('opens at the fourth attempt, after one announcement', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sidecar-session-'));
    const key = await makeKey(directory, 'id');
    const port = await unusedPort();
    const clock = fakeClock();
    const events: SidecarEvent[] = [];
    const target = targetFor({ port, user: userInfo().username, keys: [key.path] });
    const locator = { target: () => Promise.resolve(target) };
    const pinned: string[] = [];
    const pin = (line: string): Promise<void> => Promise.resolve(void pinned.push(line));
    const emit = (event: SidecarEvent): void => void events.push(event);
    const connectOverSsh = sshConnect({ env: {}, pin, emit });
    let sshd: Sshd | undefined;
    const connect: Connect = async (...attempt) => {
      if (clock.now() >= 6_000) sshd ??= await startSshd({ port, authorizedKeys: [key.line] });
      return connectOverSsh(...attempt);
    };
    try {
      const session = await clock.until(openSession({ record, locator, connect, clock, emit }));
      expect(session).toMatchObject({ attempts: 4, elapsedMs: 9_500 });
      expect(kindsOf(events).filter((kind) => kind === 'connect.waiting')).toHaveLength(1);
      expect(pinned).toEqual([sshd?.hostKeyLine]);
      await session.transport.close();
    } finally {
      await sshd?.stop();
      await rm(directory, { recursive: true });
    }
  });
});
