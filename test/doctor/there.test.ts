import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkWords, type CheckWords } from '../../cmd/ui/check-words.js';
import { systemClock } from '../../src/clock.js';
import { runChecks, type CheckId, type Finding } from '../../src/doctor/check.js';
import { available, lookThere } from '../../src/doctor/there.js';
import { thereChecks } from '../../src/doctor/there-checks.js';
import { unprivilegedLogin } from '../faults/machine/another-user.js';
import { describeAsRoot, Mount } from '../faults/machine/mounts.js';
import { memoryTransport, type Handler } from '../fakes/memory-transport.js';
import { findPart } from '../fakes/parts.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => (side = new FarSide()));
afterEach(() => side.remove());

type Told = Pick<Finding, 'result'> & CheckWords;

interface Looking {
  readonly login?: Handler;
  readonly workspace?: string;
  /** How far the clock here is behind. */
  readonly behindMs?: number;
}

async function look({ login = side.login(), workspace = 'app', behindMs = 0 }: Looking = {}) {
  const transport = memoryTransport(login);
  const there = lookThere(transport, {
    ...{ format: 'sha1', workspace, clock: systemClock, signal: new AbortController().signal },
    timeOfDay: () => Date.now() - behindMs,
  } as const);
  const findings = await runChecks(thereChecks(there));
  await transport.close();
  const told = findings.map((finding) => [finding.check, { result: finding.result, ...checkWords(finding) }]);
  return Object.fromEntries(told) as Record<CheckId, Told>;
}

const within = (name: string): string => path.join(path.dirname(side.home), name);

function bin(programs: readonly string[]): string {
  const directory = within('bin');
  mkdirSync(directory);
  for (const program of programs) symlinkSync(findPart(program) ?? '', path.join(directory, program));
  return directory;
}

describe('a sidecar on which all is well', () => {
  it('is told so, and nothing is left behind in it', async () => {
    const told = await look();
    expect(Object.values(told).filter(({ result }) => result !== 'ok')).toEqual([]);
    expect(told['remote.workspace'].detail).toBe(`${side.workspace}, made by the first landing`);
    expect(side.far('find', '.')).toBe('.\n');
  });

  it('is told so where start files print, where a tree has landed, and in another shell', async () => {
    side.repo.write('file', 'content');
    await side.sync({ warm: false });
    const noisy = within('login');
    writeFileSync(noisy, '#!/bin/sh\necho welcome\necho motd >&2\nexec /bin/bash "$@"\n', { mode: 0o755 });
    const told = await look({ login: side.login(noisy) });
    expect(told['remote.workspace']).toEqual({ result: 'ok', detail: side.workspace });
    expect(told['remote.landing'].result).toBe('ok');
  });
});

describe('a sidecar', () => {
  it('that lacks git and tools is told which, all at once', async () => {
    const PATH = bin(['sh', 'cat', 'ls', 'rm', 'head', 'date', 'df']);
    const told = await look({ login: side.login('/bin/sh', { PATH }) });
    expect(told['remote.git']).toMatchObject({ result: 'failed', fix: expect.stringContaining('2.20') as string });
    expect(told['remote.tools'].detail).toMatch(/awk, cmp, cut, find, grep/);
    expect(told['remote.workspace_space'].result).toBe('ok');
  });

  it('whose git is too old is told its version', async () => {
    const directory = bin([]);
    writeFileSync(path.join(directory, 'git'), '#!/bin/sh\necho git version 2.11.0\n', { mode: 0o755 });
    const told = await look({ login: side.login('/bin/sh', { PATH: `${directory}:${process.env['PATH'] ?? ''}` }) });
    expect(told['remote.git'].detail).toContain('2.11.0 is too old');
  });

  it('has no workspace where a file, the home directory or the root directory is', async () => {
    writeFileSync(side.workspace, 'a file');
    expect((await look())['remote.workspace']).toMatchObject({ result: 'failed' });
    expect((await look({ workspace: '.' }))['remote.workspace'].detail).toContain('the home directory');
    expect((await look({ workspace: '/' }))['remote.workspace'].detail).toContain('the root directory');
  });

  it('whose workspace holds something else is warned of --adopt, unless that is a repository', async () => {
    mkdirSync(side.workspace);
    expect((await look())['remote.workspace'].result).toBe('ok');
    writeFileSync(path.join(side.workspace, 'theirs'), '');
    expect((await look())['remote.workspace']).toMatchObject({
      result: 'warning',
      fix: expect.stringContaining('--adopt') as string,
    });
    side.far('git', 'init', '-q', 'app');
    expect((await look())['remote.workspace'].result).toBe('ok');
  });

  it('that has no home directory is told so', async () => {
    const told = await look({ login: side.login('/bin/sh', { HOME: '/nowhere/at/all' }) });
    expect(told['remote.workspace']).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('home') as string,
    });
    expect(told['remote.git'].result).toBe('ok');
  });

  it('whose clock is ahead is told how far', async () => {
    expect((await look({ behindMs: 90_000 }))['remote.clock']).toMatchObject({
      result: 'warning',
      // As long as its answer takes, it seems to be less.
      detail: expect.stringMatching(/^(8\d|90|91)(\.\d)? s ahead/) as string,
    });
  });

  it('whose shell ends at once is told that, and nothing else is guessed', async () => {
    const login: Handler = () => Promise.resolve({ kind: 'code', code: 7 });
    const told = await look({ login });
    expect(told['remote.shell']).toMatchObject({ result: 'failed', detail: expect.stringContaining('7') as string });
    expect(told['remote.git']).toEqual({ result: 'skipped', detail: 'not tried: see shell' });
  });

  it('that says whatever it likes is not believed', async () => {
    const login: Handler = async (_command, { stdin, stdout }) => {
      const script = await new Promise<string>((resolve) =>
        stdin.once('data', (line: Buffer) => resolve(String(line))),
      );
      const nonce = /nonce=([0-9a-f]+)/.exec(script)?.[1] ?? '';
      stdout.write(`${nonce} surprise\n`.repeat(1000));
      return new Promise((resolve) => stdin.on('end', () => resolve({ kind: 'code', code: 0 })).resume());
    };
    expect((await look({ login }))['remote.shell'].result).toBe('failed');
  });

  it('on which another landing is under way is told so; a lock that a killed one left is no matter', async () => {
    side.repo.write('file', 'content');
    await side.sync({ warm: false });
    const shadow = side.far('sh', '-c', 'echo .local/state/sidecar/workspaces/*').trim();
    const boot = side.far('sh', '-c', 'cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid').trim();
    const holder = (pid: number, started: string): string => `${pid}:${started}:${boot.replace('\n', '.')}`;
    // Its 22nd field, of which the second is a name in parentheses: see proc(5).
    const started = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
    const lock = path.join(side.home, shadow, 'sidecar/lock');
    symlinkSync(holder(process.pid, started), lock);
    expect((await look())['remote.landing']).toMatchObject({
      result: 'warning',
      detail: `one is under way (process ${process.pid} there): a sync waits for it`,
    });
    side.far('ln', '-sfn', holder(process.pid, '1'), lock);
    expect((await look())['remote.landing']).toMatchObject({ result: 'ok' });
  });
});

describeAsRoot('a sidecar', () => {
  it('whose disk is full is told what is left where', async () => {
    const disk = new Mount(path.join(side.home, '.local'), 'size=1m,nr_inodes=200');
    try {
      mkdirSync(path.join(side.home, '.local/state'));
      writeFileSync(path.join(side.home, '.local/large'), Buffer.alloc(1024 * 1024 - 8192));
      const told = await look();
      expect(told['remote.state_space'].result).toBe('failed');
      expect(told['remote.state']).toMatchObject({
        result: 'failed',
        detail: expect.stringMatching(/No space/) as string,
      });
      expect(told['remote.workspace_space'].result).toBe('ok');
    } finally {
      disk.remove();
    }
  });

  it('whose user may not write in the workspace is told where', async () => {
    const login = side.login(unprivilegedLogin(side));
    mkdirSync(side.workspace);
    chmodSync(side.workspace, 0o755);
    const told = await look({ login });
    expect(told['remote.workspace']).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining(`no permission in ${side.workspace}`) as string,
    });
    expect(told['remote.state'].result).toBe('ok');
  });
});

describe('what df prints', () => {
  it.each([
    ['overlay 102400 51200 51200 50% /', 51_200],
    ['//server/my share 100 40 60 40% /mnt/my share', 60],
    ['/dev/sda1 100 120 -20 120% /', 0],
    ['btrfs 0 0 0 - /', undefined],
    ['df: no such file', undefined],
  ])('as %j is understood', (line, free) => {
    expect(available(['Filesystem 1024-blocks Used Available Capacity Mounted on', line])).toBe(free);
  });
});
