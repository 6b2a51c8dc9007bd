import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { SidecarError } from '../../src/errors.js';
import { DetachedRuns } from '../../src/run/detached.js';
import type { RunState } from '../../src/run/detached-list.js';
import { Talk, type RunsPlace } from '../../src/run/talk.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { randomFrom, type Random } from '../fakes/random.js';
import { removeDirectory } from '../fakes/remove-directory.js';
import type { Exit } from '../../src/transport/transport.js';
import { memoryTransport, shell, type Cut, type Handler } from '../fakes/memory-transport.js';

let home: Scratch;
let place: Scratch;
beforeEach(() => {
  home = scratch();
  place = scratch();
});
afterEach(() => {
  // A supervisor may be writing its last word.
  for (const { path: directory } of [home, place]) removeDirectory(directory);
});

const inPlace = (name: string): string => path.join(place.path, name);
const env = (): NodeJS.ProcessEnv => ({ ...process.env, HOME: home.path, XDG_STATE_HOME: '' });

/** Runs over connections each of which breaks as the next cut says, and then over whole ones. */
function runsOver(cuts: Iterable<Cut> = [], onOpen: () => void = () => undefined): DetachedRuns & { opened: number } {
  const left = cuts[Symbol.iterator]();
  const runs = new DetachedRuns({
    ...farPlace(),
    open: () => {
      onOpen();
      runs.opened += 1;
      const next = left.next();
      const transport = memoryTransport(shell({ env: env() }), next.done === true ? {} : next.value);
      return Promise.resolve({ transport, attempts: 1, elapsedMs: 0 });
    },
  }) as DetachedRuns & { opened: number };
  return Object.assign(runs, { opened: 0 });
}

const farPlace = (): Omit<RunsPlace, 'open'> => ({
  ...{ sidecar: 'web', workspace: place.path, clock: systemClock, signal: new AbortController().signal },
});

async function all(runs: DetachedRuns): Promise<{ stdout: Buffer; stderr: Buffer } & RunState> {
  const followed = await runs.follow({ follow: true });
  const [stdout, stderr, state] = await Promise.all([buffer(followed.stdout), buffer(followed.stderr), followed.ended]);
  return { stdout, stderr, ...state };
}

function bytesOf(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

describe('what a run printed', () => {
  it.each([0, 1, 100, 300, 1_000, 65_000, 66_000, 131_000, 262_144, 299_999, 300_200])(
    'is read to the last byte, and none twice, when the connection is cut after %i bytes',
    async (receivedBytes) => {
      const random = randomFrom(receivedBytes + 1);
      const [out, err] = [bytesOf(random, 200_000), bytesOf(random, 100_000)];
      writeFileSync(inPlace('out'), out);
      writeFileSync(inPlace('err'), err);
      await runsOver().start({ command: ['sh', '-c', 'cat out; cat err >&2; exit 3'], variables: {} });
      await all(runsOver());
      const runs = runsOver([{ receivedBytes }]);
      const { stdout, stderr, ...state } = await all(runs);
      expect([stdout.equals(out), stderr.equals(err), state]).toEqual([true, true, { state: 'exited', code: 3 }]);
      expect(runs.opened).toBe(2);
    },
  );

  /** What reads the run is killed so often, the connections stand. */
  async function killed(times: number): Promise<{ readonly opened: number; readonly outcome: unknown }> {
    await runsOver().start({ command: ['sh', '-c', 'echo up; exit 3'], variables: {} });
    await all(runsOver());
    const inShell = shell({ env: env() });
    let opened = 0;
    const runs = new DetachedRuns({
      ...farPlace(),
      open: () => {
        const isKilled = ++opened <= times;
        const far: Handler = (command, { stdin, ...io }) => {
          let kill: (exit: Exit) => void = () => undefined;
          const dies = new Promise<Exit>((resolve) => (kill = resolve));
          const onSent: Tamper = (chunk) => {
            const isLast = isKilled && chunk.toString().startsWith('follow ');
            if (isLast) kill({ kind: 'signal', signal: 'KILL' });
            return !isLast;
          };
          return Promise.race([dies, inShell(command, { ...io, stdin: stdin.pipe(tampered(onSent)) })]);
        };
        return Promise.resolve({ transport: memoryTransport(far), attempts: 1, elapsedMs: 0 });
      },
    });
    const outcome = await all(runs).then(
      ({ stdout, ...state }) => ({ ...state, stdout: stdout.toString() }),
      (error: unknown) => error,
    );
    return { opened, outcome };
  }

  it('is read on where what reads it there is killed, but not for ever', async () => {
    expect(await killed(5)).toMatchObject({ opened: 6, outcome: { state: 'exited', code: 3, stdout: 'up\n' } });
    const facts = { reason: 'the remote shell ended with signal KILL' };
    expect(await killed(100)).toMatchObject({ opened: 6, outcome: { code: 'run.remote_failed', facts } });
  });

  it('comes whole over 200 connections that break at random, while it is printed', async () => {
    const seed = 20_261_122;
    const random = randomFrom(seed);
    for (const fifo of ['out', 'err']) execFileSync('mkfifo', [inPlace(fifo)]);
    await runsOver().start({ command: ['sh', '-c', 'cat err >&2 & cat out; wait; exit 9'], variables: {} });
    const printed = await Promise.all(
      ['out', 'err'].map(async (name) => ({ file: await openFile(inPlace(name), 'w'), bytes: [] as Buffer[] })),
    );
    let printing = Promise.resolve();
    const printMore = (): void => {
      printing = printing.then(async () => {
        for (const { file, bytes } of printed) {
          const more = bytesOf(random, Math.floor(random() ** 2 * 40_000));
          bytes.push(more);
          await file.write(more);
        }
      });
    };
    const cuts = Array.from({ length: 200 }, () => ({ receivedBytes: Math.floor(random() ** 2 * 20_000) }));
    const whole = (): void => {
      printMore();
      if (runs.opened === cuts.length) printing = printing.then(closeAll);
    };
    const closeAll = async (): Promise<void> => {
      await Promise.all(printed.map(({ file }) => file.close()));
    };
    const runs = runsOver(cuts, whole);
    const { stdout, stderr, ...state } = await all(runs);
    const [out, err] = printed.map(({ bytes }) => Buffer.concat(bytes));
    expect([stdout.length, stderr.length]).toEqual([out?.length, err?.length]);
    expect([out?.equals(stdout), err?.equals(stderr), state]).toEqual([true, true, { state: 'exited', code: 9 }]);
    expect(runs.opened).toBe(cuts.length + 1);
  }, 300_000);
});

describe('a run is begun once, or never', () => {
  /** What comes of it when the first connection breaks so. */
  async function begin(cut: Cut): Promise<string> {
    const runs = runsOver([cut]);
    const command = ['sh', '-c', 'echo "$LINES" >>times'];
    const variables = { LINES: 'ran\nonce', LONG: 'x'.repeat(500) };
    const outcome = await runs.start({ command, variables }).then(
      ({ id }) => id,
      (error: unknown) => (error instanceof SidecarError ? error.code : Promise.reject(error as Error)),
    );
    const known = (await runsOver().list()).runs.map(({ id }) => id);
    if (outcome === 'run.not_started') {
      expect(known).toEqual([]);
      expect(existsSync(inPlace('times'))).toBe(false);
      return 'never';
    }
    expect(known).toEqual([outcome]);
    expect((await all(runsOver())).state).toBe('exited');
    expect(readFileSync(inPlace('times'), 'utf8')).toBe('ran\nonce\n');
    return 'once';
  }

  it('when the connection breaks while it is asked for', async () => {
    const seen = new Set<string>();
    for (const sentBytes of [0, 50, 3_000, 9_000, ...Array.from({ length: 24 }, (_, index) => 9_300 + index * 60)]) {
      seen.add(await begin({ sentBytes }));
      rmSync(inPlace('times'), { force: true });
      removeDirectory(path.join(home.path, '.local'));
    }
    expect([...seen].sort()).toEqual(['never', 'once']);
  });

  it('when the connection breaks before the answer is heard', async () => {
    for (let receivedBytes = 0; receivedBytes < 160; receivedBytes += 12) {
      expect(await begin({ receivedBytes })).toBe('once');
      rmSync(inPlace('times'), { force: true });
      removeDirectory(path.join(home.path, '.local'));
    }
  });

  it('when its beginning hangs, and somebody has been told that it never will', async () => {
    const transport = memoryTransport(shell({ env: env() }));
    const session = { transport, attempts: 1, elapsedMs: 0 };
    const world = { ...farPlace(), open: () => Promise.resolve(session) };
    const [hanging, asking] = [await Talk.begin(session, world), await Talk.begin(session, world)];
    hanging.ask('start 0123abcd touch times');
    hanging.ask('["touch","times"]');
    while (!existsSync(path.join(home.path, '.local/state/sidecar/runs/0123abcd'))) await systemClock.sleep(5);
    asking.ask('settle 0123abcd');
    expect(await asking.answer()).toEqual({ word: 'never', rest: '' });
    hanging.ask('. 0');
    await expect(hanging.answer()).rejects.toMatchObject({ code: 'run.not_started' });
    asking.ask('settle 0123abcd');
    expect(await asking.answer()).toEqual({ word: 'never', rest: '' });
    expect(existsSync(inPlace('times'))).toBe(false);
    await transport.close();
  });

  it('when nobody can be asked, which is said', async () => {
    const first = memoryTransport(shell({ env: env() }), { receivedBytes: 100 });
    const runs = new DetachedRuns({
      ...farPlace(),
      open: (_, lost) =>
        lost === undefined
          ? Promise.resolve({ transport: first, attempts: 1, elapsedMs: 0 })
          : Promise.reject(lost.error),
    });
    await expect(runs.start({ command: ['true'], variables: {} })).rejects.toMatchObject({
      code: 'run.uncertain',
      facts: { run: expect.stringMatching(/^[0-9a-f]{8}$/) as string },
    });
  });
});

describe('a run that is interrupted while it is begun', () => {
  /** Begins one over a connection whose channels can be tampered with, and can be interrupted. */
  function begin({ onSent, onHeard }: { onSent?: Tamper; onHeard?: Tamper }): {
    readonly started: Promise<{ readonly id: string }>;
    readonly interrupt: () => void;
  } {
    const interrupted = new AbortController();
    const inShell = shell({ env: env() });
    const far: Handler = (command, { stdin, stdout, ...io }) => {
      const heard = tampered(onHeard);
      heard.pipe(stdout);
      return inShell(command, { ...io, stdin: stdin.pipe(tampered(onSent)), stdout: heard });
    };
    const runs = new DetachedRuns({
      ...{ ...farPlace(), signal: interrupted.signal },
      open: () => Promise.resolve({ transport: memoryTransport(far), attempts: 1, elapsedMs: 0 }),
    });
    const started = runs.start({ command: ['touch', 'x'], variables: {} });
    started.catch(() => undefined);
    return { started, interrupt: () => interrupted.abort(new Error('interrupted')) };
  }

  it('never begins where it has not', async () => {
    // The variables never arrive.
    const { started, interrupt } = begin({ onSent: (chunk) => chunk.toString() !== '. 0\n' });
    const runsThere = path.join(home.path, '.local/state/sidecar/runs');
    while (!existsSync(runsThere) || readdirSync(runsThere).length === 0) await systemClock.sleep(5);
    interrupt();
    await expect(started).rejects.toMatchObject({ code: 'run.not_started' });
    expect((await runsOver().list()).runs).toEqual([]);
    expect(existsSync(inPlace('x'))).toBe(false);
  });

  it('is told of where it has, for it goes on', async () => {
    const { started, interrupt } = begin({
      onHeard: (chunk) => {
        if (isInterrupted || !chunk.includes(' begun ')) return true;
        isInterrupted = true;
        interrupt();
        return false;
      },
    });
    let isInterrupted = false;
    const { id } = await started;
    expect((await runsOver().list()).runs).toMatchObject([{ id }]);
    await all(runsOver());
  });

  it('is told of where nobody knows', async () => {
    let isDead = false;
    const { started, interrupt } = begin({
      onHeard: (chunk) => {
        if (!isDead && chunk.includes(' begun ')) {
          isDead = true;
          interrupt();
        }
        return !isDead;
      },
    });
    const run = expect.stringMatching(/^[0-9a-f]{8}$/) as string;
    await expect(started).rejects.toMatchObject({ code: 'run.uncertain', facts: { run } });
    await all(runsOver());
  });
});

describe('an interrupt', () => {
  it('that the link swallows is sent again over the next one', async () => {
    const command = ['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo up; sleep 1000 & wait'];
    await runsOver().start({ command, variables: {} });
    const inShell = shell({ env: env() });
    const onSent: Tamper = (chunk) => {
      if (chunk.toString() !== 'interrupt\n') return true;
      setImmediate(() => dead.cut());
      return false;
    };
    const dead = memoryTransport((line, { stdin, ...io }) =>
      inShell(line, { ...io, stdin: stdin.pipe(tampered(onSent)) }),
    );
    const runs = new DetachedRuns({
      ...farPlace(),
      open: (_, lost) => {
        const transport = lost === undefined ? dead : memoryTransport(inShell);
        return Promise.resolve({ transport, attempts: 1, elapsedMs: 0 });
      },
    });
    const followed = await runs.follow({ follow: true });
    followed.stderr.resume();
    let said = '';
    let heard: Promise<void> | undefined;
    followed.stdout.on('data', (chunk: Buffer) => {
      heard ??= followed.interrupt();
      said += chunk.toString();
    });
    expect({ ...(await followed.ended), said }).toEqual({ state: 'exited', code: 5, said: 'up\ninterrupted\n' });
    await heard;
  });
});

/** Whether this piece is passed on. */
type Tamper = (chunk: Buffer) => boolean;

const tampered = (passes: Tamper = () => true): Transform =>
  new Transform({ transform: (chunk: Buffer, _encoding, done) => (passes(chunk) ? done(null, chunk) : done()) });

describe('what a sidecar says of a beginning', () => {
  it('is no text but a time', async () => {
    const odd = shell({ env: env() });
    const far: Handler = (command, { stdout, ...io }) => {
      const pass = new Transform({
        transform: (chunk: Buffer, _encoding, done) =>
          done(null, Buffer.from(chunk.toString('latin1').replace(/(?<= begun ).*/, '\x1b[2Jnow'), 'latin1')),
      });
      pass.pipe(stdout);
      return odd(command, { ...io, stdout: pass });
    };
    const runs = new DetachedRuns({
      ...farPlace(),
      open: () => Promise.resolve({ transport: memoryTransport(far), attempts: 1, elapsedMs: 0 }),
    });
    const reason = 'it answered in a way that makes no sense: begun';
    await expect(runs.start({ command: ['true'], variables: {} })).rejects.toMatchObject({
      ...{ code: 'run.uncertain', facts: { reason } },
    });
    await all(runsOver());
  });
});

describe('runs that have ended', () => {
  it('are kept, the last 20 of them, and one that goes on is, however old it is', async () => {
    const runs = runsOver();
    const line = 'until [ -e go ]; do sleep 0.1; done; echo done';
    const first = await runs.start({ command: ['sh', '-c', line], variables: {} });
    const ids: string[] = [];
    for (let count = 0; count < 23; count += 1) {
      const { id } = await runs.start({ command: ['echo', String(count)], variables: {} });
      ids.unshift(id);
      await all(runs);
    }
    expect((await runs.list()).runs.map(({ id }) => id)).toEqual([...ids.slice(0, 21), first.id]);
    writeFileSync(inPlace('go'), '');
    const followed = await runs.follow({ id: first.id, follow: true });
    followed.stderr.resume();
    expect((await buffer(followed.stdout)).toString()).toBe('done\n');
  });
});
