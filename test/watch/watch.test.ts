import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.js';
import { SidecarError } from '../../src/errors.js';
import { hurried, Watched } from './watched.js';

let watched: Watched;
beforeEach(() => {
  watched = new Watched();
  watched.repo.write('file', 'one\n');
  watched.repo.commit();
});
afterEach(() => watched[Symbol.asyncDispose]());

describe('a watch', () => {
  it('lands one change at a time, and everything that changes meanwhile in exactly one more landing', async () => {
    let running = 0;
    watched.onLand = async () => {
      running += 1;
      expect(running).toBe(1);
      if (watched.landings.length === 1) {
        for (const name of ['a', 'b', 'c']) {
          watched.repo.write(name, 'x\n');
          // The events of each are told before the next.
          await systemClock.sleep(80);
        }
      }
      running -= 1;
    };
    await watched.start();
    await watched.inStep();
    watched.repo.write('file', 'two\n');
    await watched.until(() => watched.landings.length === 2);
    await watched.inStep();
    expect(watched.landings).toHaveLength(3);
  });

  it('waits while git works and lands the end', async () => {
    await watched.start();
    await watched.inStep();
    const lock = path.join(watched.repo.root, '.git/index.lock');
    writeFileSync(lock, '');
    watched.repo.write('file', 'half\n');
    await watched.until(() => watched.said('watch.held'));
    watched.repo.write('file', 'whole\n');
    rmSync(lock);
    await watched.inStep();
    expect(watched.landings).toHaveLength(2);
    expect(watched.said('watch.stuck')).toBe(false);
  });

  it('lands at once from a repository whose index.lock was waited for before', async () => {
    await using other = new Watched();
    writeFileSync(path.join(other.repo.root, '.git/index.lock'), '');
    let nowMs = 0;
    // Each look at git takes a minute.
    const clock: Clock = { now: () => (nowMs += 60_000), sleep: (_, signal) => systemClock.sleep(1, signal) };
    await other.start({ clock });
    await other.inStep();
    expect(other.events.filter(({ kind }) => kind === 'watch.stuck')).toHaveLength(1);
    other.repo.write('file', 'two\n');
    await other.inStep();
    expect(other.events.filter(({ kind }) => kind === 'watch.stuck')).toHaveLength(1);
  });

  it('tries a landing again that failed in a way that may pass, and says so', async () => {
    const error = new SidecarError('sync.changing', { paths: ['file'] });
    let failures = 0;
    watched.onLand = () => {
      failures += 1;
      if (failures < 3) throw error;
    };
    await watched.start({ clock: hurried(1_000) });
    await watched.until(() => watched.landings.length > 0);
    expect(watched.events.filter(({ kind }) => kind === 'watch.failed')).toEqual([
      { kind: 'watch.failed', error, retryMs: 5_000 },
      { kind: 'watch.failed', error, retryMs: 10_000 },
    ]);
  });

  it('tries a landing that failed again when something changes', async () => {
    watched.onLand = () => {
      if (!watched.said('watch.failed')) throw new SidecarError('ssh.unreachable');
    };
    await watched.start();
    await watched.until(() => watched.said('watch.failed'));
    watched.repo.write('file', 'two\n');
    await watched.inStep();
  });

  it('lands again after a loss, but leaves a machine that sleeps alone until something changes', async () => {
    let isAsleep = false;
    watched.onLand = ({ wake }) => {
      if (isAsleep && !wake) throw new SidecarError('provider.stopped', {}, { retryable: false });
      isAsleep = false;
    };
    await watched.start();
    await watched.inStep();
    watched.lose();
    await watched.until(() => watched.landings.length === 2);
    isAsleep = true;
    watched.lose();
    await watched.until(() => watched.said('watch.asleep'));
    expect(watched.landings).toHaveLength(2);
    watched.repo.write('file', 'two\n');
    await watched.inStep();
    expect(isAsleep).toBe(false);
    expect(watched.said('watch.failed')).toBe(false);
  });

  it.each(['ssh.auth_refused', 'ssh.host_key_changed', 'sync.drifted', 'sync.not_empty'] as const)(
    'ends with %s, which waiting does not cure',
    async (code) => {
      const error = new SidecarError(code);
      watched.onLand = () => {
        throw error;
      };
      await watched.start();
      expect(await watched.ended).toBe(error);
    },
  );

  it('ends at once when it is told to, in the middle of a landing too', async () => {
    const reason = new Error('Ctrl-C');
    await watched.start();
    await watched.inStep();
    watched.onLand = () => {
      watched.stop(reason);
      throw new SidecarError('ssh.connection_lost');
    };
    watched.repo.write('file', 'two\n');
    expect(await watched.ended).toBe(reason);
  });

  it('watches a linked worktree, whose index is elsewhere', async () => {
    await using other = new Watched();
    other.repo.write('.gitignore', '*.log\n');
    other.repo.commit();
    const linked = path.join(other.directory('trees'), 'linked');
    other.repo.git('worktree', 'add', '-q', linked);
    await other.start({ root: linked });
    await other.until(() => other.landings.length === 1);
    writeFileSync(path.join(linked, 'x.log'), 'x\n');
    const dealtWith = (): number => other.looks + other.landings.length;
    const before = dealtWith();
    other.repo.git('-C', linked, 'add', '-f', 'x.log');
    await other.until(() => dealtWith() > before);
  });
});
