import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (let file = 0; file < 50; file++) side.repo.write(`d${file % 7}/f${file}`, `first ${file}\n`);
  side.repo.commit();
});
afterEach(() => side.remove());

describe('syncs that run together', () => {
  it('from one working tree all end well, and the tree stands', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => side.sync()));
    expect(new Set(results.map((result) => result.tree)).size).toBe(1);
    expect(side.there()).toEqual(side.here());
  });

  it('from two working trees leave one of the two trees, whole', async () => {
    await side.sync();
    const clone = path.join(side.repo.root, '../second/app');
    side.repo.git('clone', '-q', side.repo.root, clone);
    for (let file = 0; file < 50; file++) {
      side.repo.write(`d${file % 7}/f${file}`, `from the first ${file}\n`);
      writeFileSync(path.join(clone, `d${file % 7}/f${file}`), `from the second ${file}\n`);
    }
    const secondState = side.otherState();
    await Promise.all([side.sync(), side.sync({ directory: clone, stateDir: secondState })]);
    const writers = new Set(side.far('sh', '-c', 'cat app/d*/f*').match(/first|second/g));
    expect(writers.size).toBe(1);
  });
});

describe('the lock on a workspace', () => {
  const lock = (): string => {
    const workspaces = path.join(side.home, '.local/state/sidecar/workspaces');
    return path.join(workspaces, side.far('ls', workspaces).trim(), 'sidecar/lock');
  };
  const boot = (): string =>
    `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}.${side.far('readlink', '/proc/self/ns/pid').trim()}`;
  const started = (pid: number): string =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';

  it('is waited for while its holder lives, and the wait is told once', async () => {
    await side.sync();
    symlinkSync(`${process.pid}:${started(process.pid)}:${boot()}`, lock());
    const stop = new AbortController();
    const running = side.sync({
      signal: stop.signal,
      emit: (event) => {
        side.events.push(event);
        if (event.kind === 'sync.waiting') setImmediate(() => stop.abort(new Error('enough')));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(side.events.filter((event) => event.kind === 'sync.waiting')).toHaveLength(1);
  });

  it.each([
    ['a process that is gone', () => `999999999:1:${boot()}`],
    ['a number that now belongs to another process', () => `${process.pid}:1:${boot()}`],
  ])('is taken over from %s', async (_, holder) => {
    await side.sync();
    symlinkSync(holder(), lock());
    side.repo.write('new', 'x');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(side.far('sh', '-c', `ls -A "$(dirname ${lock()})"`)).not.toContain('lock');
  });

  it('is taken over by one of many that find the same dead holder', async () => {
    await side.sync();
    symlinkSync(`999999999:1:${boot()}`, lock());
    side.repo.write('new', 'x');
    await Promise.all([1, 2, 3, 4, 5].map(() => side.sync({ stateDir: side.stateDir })));
    expect(side.there()).toEqual(side.here());
  });
});

describe('a local lock file of the user’s git', () => {
  it('does not hinder a sync', async () => {
    writeFileSync(path.join(side.repo.root, '.git/index.lock'), '');
    side.repo.write('new', 'x');
    mkdirSync(path.join(side.repo.root, 'empty'));
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});
