import { cpSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DaemonStatus } from '../../src/daemon/status.js';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram, packageRoot } from '../fakes/built-program.js';
import { hasEnded, processEnded } from '../fakes/processes.js';
import { describeWith } from '../fakes/parts.js';
import { removeDirectory } from '../fakes/remove-directory.js';
import { startAgent } from '../fakes/ssh-agent.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd } from '../fakes/sshd.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram({ daemon: true });
  user.project.write('hello.txt', 'hello\n');
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const stateDir = (): string => user.env['SIDECAR_HOME'] ?? '';
const log = (): string => readFileSync(path.join(stateDir(), 'daemon/log'), 'utf8');

async function sync(...argv: string[]): Promise<SyncResult> {
  const { code, stdout, stderr } = await user.type('sync', '--json', ...argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as SyncResult;
}

/** What stands in the workspace. */
const landed = ({ workspace }: SyncResult, name = 'hello.txt'): string =>
  readFileSync(path.join(workspace, name), 'utf8');

async function daemon(): Promise<DaemonStatus> {
  const { stdout } = await user.type('daemon', 'status', '--json');
  const status = JSON.parse(stdout) as DaemonStatus & { running: boolean };
  expect(status.running).toBe(true);
  return status;
}

describe('the daemon', () => {
  it('is started by the first sync, and has a session open for the next one', async () => {
    await user.type('create', 'web');
    expect((await user.type('daemon', 'status')).stdout).toContain('no daemon is running');
    expect(await sync()).toMatchObject({ warm: false, upToDate: false, verified: true });
    user.project.write('hello.txt', 'changed\n');
    const second = await sync();
    expect(second).toMatchObject({ warm: true, attempts: 1, verified: true, changed: { modified: 1 } });
    expect(second.ms.connect).toBe(0);
    expect(landed(second)).toBe('changed\n');
    expect((await daemon()).sessions).toMatchObject([
      { sidecar: 'web', state: 'open', syncs: 1, rttMs: expect.any(Number) as number },
    ]);
    expect((await user.type('daemon', 'status')).stdout).toMatch(/^daemon \S+, process \d+, .* 1 session\n/);
  });

  it('is not used, nor started, where the user wants none', async () => {
    await user.type('create', 'web');
    await sync('--no-daemon');
    await user.startWith({ SIDECAR_NO_DAEMON: '1' }, 'sync').ended;
    expect(JSON.parse((await user.type('daemon', 'status', '--json')).stdout)).toEqual({ running: false });
    await sync();
    expect(await sync('--no-daemon')).toMatchObject({ warm: false });
    expect(await sync()).toMatchObject({ warm: true });
  });

  it('tells of what goes on as if the command did it itself', async () => {
    await user.type('create', 'other');
    await sync();
    await user.type('create', 'web', '--boot-delay', '6');
    const { code, stdout, stderr } = await user.type('sync');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ web:.*: 1 added .* proved\n$/);
    const [first = '', second = '', ...rest] = stderr.split('\n');
    expect(first).toBe('sidecar: web is not reachable yet (connection refused); trying for up to 90 s…');
    expect(second).toMatch(/^sidecar: connected after \d.* s \([2-9] attempts\)$/);
    expect(rest).toEqual(['']);
    expect(await sync()).toMatchObject({ warm: true });
  });

  it('tells of what goes on once, whatever number of channels a command waits for', async () => {
    await user.type('create', 'other');
    await sync();
    await user.type('create', 'web', '--boot-delay', '3');
    const { stderr } = await user.type('exec', '-v', '--', 'true');
    const told = stderr.match(/attempt \d+ failed|attempt \d+: connecting|connected after/g) ?? [];
    expect(told).toContain('connected after');
    expect(new Set(told).size, stderr).toBe(told.length);
  });

  it('opens the session for wait, too, and keeps it', async () => {
    await user.type('create', 'web');
    expect(await user.type('wait')).toMatchObject({ code: 0, stdout: '✓ web is ready\n' });
    expect(await sync()).toMatchObject({ warm: true });
  });

  it('says the same errors, with the same exit codes', async () => {
    await user.type('create', 'web');
    await sync();
    const { workspace } = await sync();
    writeFileSync(path.join(workspace, 'hello.txt'), 'edited there\n');
    user.project.write('hello.txt', 'edited here\n');
    const by = async (...how: string[]) => user.type('sync', '--drift', 'refuse', '--json', ...how);
    const [through, directly] = [await by(), await by('--no-daemon')];
    expect(through.code).toBe(3);
    expect(through).toEqual(directly);
    for (const argv of [
      ['sync', '-s', 'nobody'],
      ['sync', '--connect-timeout', 'soon'],
      ['wait', '--timeout', 'soon'],
    ]) {
      expect(await user.type(...argv)).toEqual(await user.type(...argv, '--no-daemon'));
    }
  });

  it('drops the session of a sidecar that is off the list', async () => {
    await user.type('create', 'web');
    await sync();
    await user.type('delete', 'web');
    expect((await daemon()).sessions).toEqual([]);
  });

  it('is one, however many start it at once', async () => {
    await user.type('create', 'web');
    await Promise.all([1, 2, 3].map(async () => user.type('sync')));
    const { pid } = await daemon();
    expect(await sync()).toMatchObject({ warm: true });
    expect((await daemon()).pid).toBe(pid);
    expect(log().match(/"event":"started"/g)).toHaveLength(1);
  });

  it('has as many files open and processes running after many syncs as after a few', async () => {
    await user.type('create', 'web');
    await sync();
    await sync();
    const held = async (): Promise<number> => {
      const { pid } = await user.restedDaemon();
      return readdirSync(`/proc/${pid}/fd`).length;
    };
    const before = await held();
    for (let round = 0; round < 20; round += 1) {
      user.project.write('hello.txt', `round ${round}\n`);
      expect(await sync()).toMatchObject({ warm: true, changed: { modified: 1 } });
    }
    // The connection of whoever has just asked may be open still.
    await vi.waitFor(async () => expect(await held()).toBeLessThanOrEqual(before), { timeout: 60_000 });
  });

  it('writes no secret to its log', async () => {
    await user.type('create', 'web');
    await user.startWith({ API_TOKEN: 'hunter2hunter2' }, 'sync').ended;
    await user.startWith({ API_TOKEN: 'hunter2hunter2' }, 'sync').ended;
    const { pid } = await daemon();
    expect(log()).toContain('"event":"sync"');
    expect(log()).not.toContain('hunter2');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('hunter2');
  });

  it('is gone, with all that it had open, once stop says so', async () => {
    await user.type('create', 'web');
    await sync();
    const { pid } = await daemon();
    expect(await user.type('daemon', 'stop')).toMatchObject({ code: 0, stdout: '✓ stopped the daemon\n' });
    expect(hasEnded(pid)).toBe(true);
    expect((await user.type('daemon', 'stop')).stdout).toBe('no daemon is running\n');
  });

  it('works where the state directory has too long a path for a socket', async () => {
    const long = user.directory(`deep/${'x'.repeat(120)}`);
    const env = { SIDECAR_HOME: long };
    const type = async (...argv: string[]) => user.startWith(env, ...argv).ended;
    await type('create', 'web');
    await type('sync');
    expect(JSON.parse((await type('sync', '--json')).stdout)).toMatchObject({ warm: true });
    await type('delete', 'web');
    expect(await type('daemon', 'stop')).toMatchObject({ code: 0, stdout: '✓ stopped the daemon\n' });
  });
});

describe('without a daemon that answers, a sync lands all the same', () => {
  beforeEach(async () => {
    await user.type('create', 'web');
    await sync();
    user.project.write('hello.txt', 'changed\n');
  });

  it('after it was killed, and starts another one', async () => {
    const { pid } = await daemon();
    process.kill(pid, 'SIGKILL');
    await processEnded(pid);
    const result = await sync();
    expect(result).toMatchObject({ warm: false, verified: true });
    expect(landed(result)).toBe('changed\n');
    expect((await daemon()).pid).not.toBe(pid);
    expect(await sync()).toMatchObject({ warm: true });
  });

  it('while it hangs; another one takes its place, and it ends by itself once it goes on', async () => {
    const { pid } = await daemon();
    process.kill(pid, 'SIGSTOP');
    const result = await sync();
    expect(landed(result)).toBe('changed\n');
    expect((await daemon()).pid).not.toBe(pid);
    expect(await sync()).toMatchObject({ warm: true });
    process.kill(pid, 'SIGCONT');
    await processEnded(pid);
    expect(await sync()).toMatchObject({ warm: true });
  });

  it('after it was replaced by one of a newer build, which leaves the old one to end', async () => {
    const { pid } = await daemon();
    const newer = user.directory('newer');
    for (const part of ['dist', 'src/sync/remote', 'package.json']) {
      cpSync(path.join(packageRoot, part), path.join(newer, part), { recursive: true });
    }
    symlinkSync(path.join(packageRoot, 'node_modules'), path.join(newer, 'node_modules'));
    const syncByNewer = async (): Promise<SyncResult> => {
      const program = path.join(newer, 'dist/cmd/sidecar.js');
      const { stdout } = await user.startProgram(process.execPath, [program, 'sync', '--json']).ended;
      return JSON.parse(stdout) as SyncResult;
    };
    expect(landed(await syncByNewer())).toBe('changed\n');
    await processEnded(pid);
    expect((await daemon()).pid).not.toBe(pid);
    expect(await syncByNewer()).toMatchObject({ warm: true });
    // The older one goes without.
    expect(await sync()).toMatchObject({ warm: false, verified: true });
    expect(await syncByNewer()).toMatchObject({ warm: true });
  });

  it('when it is killed while it waits for the machine, without waiting longer or saying so again', async () => {
    const { pid } = await daemon();
    await user.type('create', 'slow', '--boot-delay', '12');
    const running = user.start('sync', '-v');
    await running.said('slow is not reachable yet');
    process.kill(pid, 'SIGKILL');
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr.match(/is not reachable yet/g)).toHaveLength(1);
    expect(stderr).toContain('the daemon ended; going on without it');
  });

  it('where none can be started', async () => {
    await user.type('daemon', 'stop');
    rmSync(path.join(stateDir(), 'daemon'), { recursive: true });
    writeFileSync(path.join(stateDir(), 'daemon'), 'in the way\n');
    expect(landed(await sync())).toBe('changed\n');
    expect(await sync()).toMatchObject({ warm: false, upToDate: true });
    rmSync(path.join(stateDir(), 'daemon'));
  });

  it('and a daemon whose state directory went ends, with nothing left behind', async () => {
    const { pid } = await daemon();
    await user.type('delete', 'web');
    removeDirectory(stateDir()); // in which it may be writing
    await processEnded(pid);
    expect(readdirSync(path.dirname(stateDir())).sort()).toEqual(['home', 'project']);
  });
});

describeWith([...sshdParts, 'ssh-agent', 'ssh-add', 'script', 'setsid'], 'keys, with the daemon', () => {
  it('are those of the agent of the one who asks', async () => {
    const key = await makeKey(user.directory('keys'), 'own');
    await using sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far') });
    const agent = await startAgent(user.directory('agent'));
    await agent.add(key.path);
    await user.type('add', 'box', `${sshd.user}@127.0.0.1:${sshd.port}`, '--host-key', sshd.hostKeyLine);
    const withAgent = async () => user.startWith({ SSH_AUTH_SOCK: agent.socket }, 'sync', '--json').ended;
    expect(await withAgent()).toMatchObject({ code: 0 });
    expect(JSON.parse((await withAgent()).stdout)).toMatchObject({ warm: true });
    expect(await user.startWith({ SSH_AUTH_SOCK: '' }, 'sync').ended).toMatchObject({ code: 255 });
    await agent.stop();
  });

  it('that are locked are asked for on the terminal of the one who asks, and only once', async () => {
    const locked = await makeKey(user.directory('keys'), 'locked', { passphrase: 'correct horse' });
    await using sshd = await startSshd({ authorizedKeys: [locked.line], home: user.directory('far') });
    await user.type('create', 'first');
    await sync();
    const host = `${sshd.user}@127.0.0.1:${sshd.port}`;
    await user.type('add', 'box', host, '--identity', locked.path, '--host-key', sshd.hostKeyLine);
    const terminal = user.startOnTerminal('sidecar sync; echo ended with $?; sidecar sync --json');
    await terminal.said(`Passphrase for ${locked.path}: `);
    terminal.child.stdin?.write('wrong\r');
    await terminal.said('That was wrong. Passphrase for');
    terminal.child.stdin?.write('correct horse\r');
    const { stdout } = await terminal.ended;
    expect(stdout).toContain('ended with 0');
    expect(stdout).toContain('"warm":true');
    expect(stdout).not.toContain('correct horse');
    expect(log()).not.toContain('correct horse');
    // Nobody is there to be asked.
    await user.type('daemon', 'stop');
    expect(await user.startProgram('setsid', ['-w', ...user.command('sync')]).ended).toMatchObject({ code: 255 });
  });
});
