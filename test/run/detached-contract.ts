import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { DetachedRuns } from '../../src/run/detached.js';
import type { RunState } from '../../src/run/detached-list.js';
import type { DetachedStart } from '../../src/run/detached-start.js';
import type { FollowOptions } from '../../src/run/follow.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import type { FarRuns } from './contract.js';
import { gone, isAlive } from './groups.js';

/** A far side of which the home directory is known. */
export interface FarRunsAt {
  /** Each time another connection. */
  readonly open: () => Promise<FarRuns>;
  readonly home: () => string;
}

/** What a run that lives on without a connection promises, whatever server and login shell. To be called within a `describe`. */
export function detachedContract({ open, home }: FarRunsAt): void {
  let place: Scratch;
  let opened: FarRuns[];
  let groups: number[];

  beforeEach(() => {
    place = scratch("it's a place $HOME é ");
    opened = [];
    groups = [];
  });
  afterEach(async () => {
    for (const group of groups) if (isAlive(group)) process.kill(-group, 'SIGKILL');
    await Promise.all(groups.map(gone));
    await Promise.all(opened.map(({ transport }) => transport.close()));
    place.remove();
  });

  const runs = (signal = new AbortController().signal): DetachedRuns =>
    new DetachedRuns({
      ...{ sidecar: 'web', workspace: place.path, clock: systemClock, signal },
      open: async () => {
        const far = await open();
        opened.push(far);
        return { transport: far.transport, attempts: 1, elapsedMs: 0 };
      },
    });
  const start = (command: readonly string[], variables: Record<string, string> = {}): Promise<DetachedStart> =>
    runs().start({ command, variables });
  const directory = (id: string): string => path.join(home(), '.local/state/sidecar/runs', id);

  async function outcome(options: Partial<FollowOptions> = {}): Promise<{ stdout: string; stderr: string } & RunState> {
    const followed = await runs().follow({ follow: true, ...options });
    const [stdout, stderr, state] = await Promise.all([text(followed.stdout), text(followed.stderr), followed.ended]);
    return { stdout, stderr, ...state };
  }

  /** A run that tells the number of its process group, leaves a child in it, and does not end by itself. */
  async function endless(before = ''): Promise<{ id: string; group: number }> {
    const { id } = await start(['sh', '-c', `${before} sleep 1000 & echo $$; wait; sleep 1000`]);
    const followed = await runs().follow({ id, follow: true });
    followed.stderr.resume();
    const group = await new Promise<number>((resolve) => followed.stdout.once('data', (said) => resolve(Number(said))));
    followed.close();
    await followed.ended.catch(() => undefined);
    groups.push(group);
    expect(isAlive(group)).toBe(true);
    return { id, group };
  }

  it('runs in the workspace, and keeps its output and its exit code', async () => {
    const command = ['sh', '-c', 'pwd; echo oops >&2; exit 7'];
    const started = await start(command);
    expect(started).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{8}$/) as string, sidecar: 'web', workspace: place.path, command },
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    });
    const all = { stdout: `${place.path}\n`, stderr: 'oops\n', state: 'exited', code: 7 };
    expect(await outcome()).toEqual(all);
    expect(await outcome({ follow: false, id: started.id.slice(0, 3) })).toEqual(all);
    expect((await runs().list()).runs).toEqual([
      { id: started.id, startedAt: started.startedAt, command, state: 'exited', code: 7 },
    ]);
  });

  it('gets its words as they are, and an empty input', async () => {
    const words = ['a b', "it's", '$HOME', '`date`', '!x', '\\n', '\\', 'é\n\tü', '*', '', '-n', 'end'];
    const { command } = await start(['printf', '%s|', ...words]);
    expect(await outcome()).toMatchObject({ stdout: `${words.join('|')}|`, code: 0 });
    expect((await runs().list()).runs).toMatchObject([{ command }]);
    await start(['cat']);
    expect(await outcome()).toMatchObject({ stdout: '', code: 0 });
  });

  it('gets variables as they are, which are in no list of processes and in no file', async () => {
    const variables = {
      PATH: `/nowhere:${process.env['PATH'] ?? ''}`,
      ODD: ` it's "$HOME" \\n \`date\`\t `,
      LINES: 'one\ntwo\n\nthree\n',
      EMPTY: '',
      sidecar: 'é',
      run: 's3cret-0',
    };
    const line = 'printf "%s|" "$PATH" "$ODD" "$LINES" "$EMPTY" "$sidecar" "$run"; ps axww -o args >&2';
    const { id } = await start(['/bin/sh', '-c', line], variables);
    const { stdout, stderr } = await outcome();
    expect(stdout).toBe(`${Object.values(variables).join('|')}|`);
    expect(stderr).toContain('ps axww');
    expect(stderr).not.toContain('s3cret-0');
    for (const name of readdirSync(directory(id)).filter((each) => each !== 'stdout' && each !== 'supervisor')) {
      expect(readFileSync(path.join(directory(id), name), 'latin1')).not.toContain('s3cret-0');
    }
  });

  it('has the exit codes that a shell has for one that does not exist and one that was killed', async () => {
    await start(['no-such-command']);
    expect(await outcome()).toMatchObject({ stdout: '', code: 127 });
    await start(['sh', '-c', 'kill -KILL $$']);
    expect(await outcome()).toMatchObject({ code: 137 });
    await start(['sh', '-c', 'kill -TERM $$']);
    expect(await outcome()).toMatchObject({ code: 143 });
  });

  it('is followed while it goes on, and listed as running', async () => {
    const { id } = await start(['sh', '-c', 'echo one; until [ -e go ]; do sleep 0.05; done; echo two']);
    const followed = await runs().follow({ follow: true });
    let said = '';
    followed.stderr.resume();
    await new Promise<void>((resolve) =>
      followed.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        resolve();
      }),
    );
    expect(said).toBe('one\n');
    expect((await runs().list()).runs).toMatchObject([{ id, state: 'running' }]);
    expect(await outcome({ follow: false })).toEqual({ stdout: 'one\n', stderr: '', state: 'running' });
    writeFileSync(path.join(place.path, 'go'), '');
    expect(await followed.ended).toEqual({ state: 'exited', code: 0 });
    expect(said).toBe('one\ntwo\n');
  });

  it('lives on when every connection is lost', async () => {
    const { group } = await endless('trap "" HUP;');
    for (const far of opened) far.cut();
    await Promise.all(opened.map(({ transport }) => transport.closed));
    expect((await runs().list()).runs).toMatchObject([{ state: 'running' }]);
    expect(isAlive(group)).toBe(true);
  });

  it('prints bytes as they are, and keeps them where something opens /dev/stdout and /dev/stderr anew', async () => {
    const bytes = randomBytes(3_000_000);
    writeFileSync(path.join(place.path, 'bytes'), bytes);
    await start(['sh', '-c', 'cat bytes; echo x >/dev/stderr; cat bytes >/dev/stderr; echo end >/dev/stdout']);
    const followed = await runs().follow({ follow: true });
    const [stdout, stderr] = await Promise.all([buffer(followed.stdout), buffer(followed.stderr)]);
    expect(stdout.equals(Buffer.concat([bytes, Buffer.from('end\n')]))).toBe(true);
    expect(stderr.equals(Buffer.concat([Buffer.from('x\n'), bytes]))).toBe(true);
  });

  it('is interrupted with all that it started, and can end by itself then', async () => {
    await start(['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo up; sleep 1000 & wait']);
    const followed = await runs().follow({ follow: true });
    let said = '';
    followed.stderr.resume();
    followed.stdout.on('data', (chunk: Buffer) => {
      if (said === '') void followed.interrupt();
      said += chunk.toString();
    });
    expect({ ...(await followed.ended), said }).toEqual({ state: 'exited', code: 5, said: 'up\ninterrupted\n' });
  });

  it('is killed when it does not want to end, also when whoever interrupted it has gone', async () => {
    const line = 'trap "" TERM HUP; trap "echo no" INT; sleep 1000 & echo $$; while :; do wait; sleep 1; done';
    const { id } = await start(['sh', '-c', line]);
    const followed = await runs().follow({ id, follow: true });
    followed.stderr.resume();
    let said = '';
    followed.stdout.on('data', (chunk: Buffer) => {
      if (said === '') void followed.interrupt();
      said += chunk.toString();
      if (said.includes('no')) followed.close();
    });
    await followed.ended.catch(() => undefined);
    expect(await gone(Number(said.split('\n')[0]))).toBe(true);
    expect(await outcome({ id })).toMatchObject({ state: 'exited', code: 137 });
  });

  it('is not interrupted where its process group has gone, and another has its number', async () => {
    const { id, group } = await endless();
    const file = path.join(directory(id), 'group');
    const own = readFileSync(file, 'utf8');
    const [number, since = ''] = own.trim().split(' ');
    expect(Number(number)).toBe(group);
    if (!/^\d+$/.test(since)) return; // nobody can tell, where there is no /proc
    const followed = await runs().follow({ id, follow: true });
    for (const output of [followed.stdout, followed.stderr]) output.resume();
    writeFileSync(file, `${group} ${Number(since) - 1}\n`);
    await followed.interrupt();
    expect((await runs().list()).runs).toMatchObject([{ state: 'running' }]);
    writeFileSync(file, own);
    await followed.interrupt();
    expect(await followed.ended).toMatchObject({ state: 'exited' });
  });

  it('is lost once what sees to it is killed', async () => {
    const { id } = await endless();
    const supervisor = Number(readlinkSync(path.join(directory(id), 'supervisor')).split(':')[0]);
    process.kill(supervisor, 'SIGKILL');
    expect(await outcome({ id })).toMatchObject({ state: 'lost' });
    expect((await runs().list()).runs).toMatchObject([{ id, state: 'lost' }]);
    process.kill(-supervisor, 'SIGKILL'); // what is left of it
  });

  it('goes on beside another, and each has its own output', async () => {
    const one = await start(['sh', '-c', 'echo one; until [ -e go ]; do sleep 0.05; done']);
    const two = await start(['sh', '-c', 'echo two; until [ -e go ]; do sleep 0.05; done; exit 2']);
    expect((await runs().list()).runs).toMatchObject([
      { id: two.id, state: 'running' },
      { id: one.id, state: 'running' },
    ]);
    const both = [one, two].map(({ id }) => outcome({ id }));
    writeFileSync(path.join(place.path, 'go'), '');
    expect(await Promise.all(both)).toMatchObject([
      { stdout: 'one\n', code: 0 },
      { stdout: 'two\n', code: 2 },
    ]);
  });

  it('is not begun where there is no workspace', async () => {
    place.remove();
    await expect(start(['touch', 'x'])).rejects.toMatchObject({
      code: 'run.no_workspace',
      facts: { workspace: place.path },
    });
    expect((await runs().list()).runs).toEqual([]);
    mkdirSync(place.path);
  });

  it('of another name is unknown', async () => {
    await expect(outcome()).rejects.toMatchObject({ code: 'run.unknown', facts: { known: [] } });
    const { id } = await start(['true']);
    await expect(outcome({ id: 'x' })).rejects.toMatchObject({ code: 'run.unknown', facts: { id: 'x', known: [id] } });
  });

  it('can be read by its owner alone', async () => {
    const { id } = await start(['sh', '-c', 'umask']);
    const { stdout } = await outcome();
    expect(stdout).toBe(execFileSync('sh', ['-c', 'umask'], { encoding: 'utf8' }));
    expect(statSync(directory(id)).mode & 0o777).toBe(0o700);
    for (const name of ['stdout', 'stderr', 'command', 'exit', 'group']) {
      expect(statSync(path.join(directory(id), name)).mode & 0o777).toBe(0o600);
    }
    expect(existsSync(path.join(directory(id), 'code'))).toBe(false);
  });
}
