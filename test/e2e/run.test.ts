import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram, type Running } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';

let user: BuiltProgram;
let key: MadeKey;
let sshd: Sshd;
let proxy: CuttableProxy;
let workspace: string;
let here: string;

beforeEach(async () => {
  user = new BuiltProgram();
  key = await makeKey(user.directory('keys'), 'id');
  const far = user.directory('far-home');
  workspace = path.join(far, 'project');
  here = user.project.root;
  sshd = await startSshd({ authorizedKeys: [key.line], home: far });
  proxy = await startProxy(sshd.port);
  await user.type('add', 'web', `127.0.0.1:${proxy.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
});
afterEach(async () => {
  await proxy.stop();
  await sshd.stop();
  await user[Symbol.asyncDispose]();
});

const inTree = (name: string): string => path.join(here, name);
const run = (...argv: string[]): Running => user.start('run', ...argv);
function typed(running: Running, input: string | Buffer = ''): Running['ended'] {
  running.child.stdin?.end(input);
  return running.ended;
}

describeWith(sshdParts, 'run on a host with OpenSSH', () => {
  it('lands the tree, runs the command on it over the same connection, and exits with its code', async () => {
    writeFileSync(inTree('input'), 'as it is here');
    const { code, stdout, stderr } = await typed(run('--', 'sh', '-c', 'cat; cat input; exit 7'), 'typed, ');
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'typed, as it is here' });
    expect(stderr).toMatch(/^sidecar: landed on web:\S+: 1 added \(.* sent\) in .*, tree [0-9a-f]{10} proved\n$/);
    // The daemon, where there is one, opens another beside it.
    expect(proxy.connections).toBe(process.env['DAEMON'] === 'on' ? 2 : 1);
  });

  it('says nothing of its own with -q and with --json', async () => {
    for (const flag of ['-q', '--json']) {
      expect(await typed(run(flag, '-e', 'X=y', '--', 'sh', '-c', 'echo "$X"'))).toEqual({
        code: 0,
        stdout: 'y\n',
        stderr: '',
      });
    }
  });

  it('starts nothing where the sync is refused, fails, or finds nobody', async () => {
    const started = path.join(path.dirname(workspace), 'started');
    const touch = ['--', 'touch', started];
    mkdirSync(workspace);
    writeFileSync(path.join(workspace, 'theirs'), 'work');
    const refused = await typed(run('--json', ...touch));
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'sync.not_empty', sidecar: 'web' } });
    expect((await typed(run('--adopt', ...touch))).code).toBe(0);
    expect(existsSync(started)).toBe(true);

    writeFileSync(path.join(workspace, 'theirs'), 'drifted');
    const drifted = await typed(run('--drift', 'refuse', '--', 'touch', `${started}-again`));
    expect(drifted.code).toBe(3);
    expect(drifted.stderr).toContain('was changed over there');
    await proxy.stop();
    const { code, stderr } = await typed(run('--connect-timeout', '1s', '--', 'touch', `${started}-again`));
    expect([code, stderr]).toEqual([255, expect.stringContaining('cannot reach') as string]);
    expect(existsSync(`${started}-again`)).toBe(false);
  });

  it('shows paths of the workspace as paths here, on both streams, and no others', async () => {
    writeFileSync(inTree('x.sh'), 'echo "$PWD/x.ts:3:1 $PWD-old"; echo "file://$PWD/y.mjs" >&2; printf %s "$PWD"');
    const { stdout, stderr } = await typed(run('-q', '--', 'sh', 'x.sh'));
    expect(stdout).toBe(`${here}/x.ts:3:1 ${workspace}-old\n${here}`);
    expect(stderr).toBe(`file://${here}/y.mjs\n`);
    expect((await typed(run('-q', '--no-map-paths', '--', 'pwd'))).stdout).toBe(`${workspace}\n`);
  });

  it('carries all other bytes as they are', async () => {
    const bytes = randomBytes(3_000_000);
    writeFileSync(inTree('bytes'), bytes);
    const line = '"$@" run -q -- cat bytes | cmp - bytes && echo same';
    expect((await user.startProgram('sh', ['-c', line, 'sh', ...user.command()]).ended).stdout).toBe('same\n');
  });

  it('delays no prompt that ends like the beginning of a path', async () => {
    const running = run('-q', '--', 'sh', '-c', 'printf "where? /"; read -r x; echo "to $x"');
    await running.said('where? /');
    expect((await typed(running, 'there\n')).stdout).toBe('where? /to there\n');
  });

  it('with --no-sync runs on whatever stands there', async () => {
    mkdirSync(workspace);
    writeFileSync(path.join(workspace, 'theirs'), 'as it stands\n');
    const { stdout, stderr } = await typed(run('--no-sync', '--', 'sh', '-c', 'cat theirs; pwd'));
    expect({ stdout, stderr }).toEqual({ stdout: `as it stands\n${here}\n`, stderr: '' });
  });

  it('tells what had changed over there', async () => {
    writeFileSync(inTree('file'), 'here');
    await user.type('sync');
    writeFileSync(path.join(workspace, 'file'), 'there');
    const { stdout, stderr } = await typed(run('--', 'cat', 'file'));
    expect(stdout).toBe('here');
    expect(stderr).toContain('1 path in web:');
  });

  it.each([2_900, 3_200, 3_500, 3_700])(
    'runs the command once when the connection breaks after %i bytes',
    async (bytes) => {
      writeFileSync(inTree('file'), 'here');
      proxy.next('reset', { receivedBytes: bytes });
      const times = path.join(path.dirname(workspace), 'times');
      const running = run('--', 'sh', '-c', `echo ran >> ${times}; cat file; exec cat`);
      const { code, stdout, stderr } = await typed(running);
      // What may have started is not started again.
      if (code === 0)
        expect({ stdout, times: readFileSync(times, 'utf8') }).toEqual({ stdout: 'here', times: 'ran\n' });
      else expect([code, stderr]).toEqual([255, expect.stringContaining('the connection to web')]);
    },
  );

  it('ends what runs over there when it is interrupted', async () => {
    const running = run('--', 'sh', '-c', 'trap "echo interrupted; exit" INT; echo up; sleep 1000 & wait');
    await running.said('up');
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });
});

describeWith(sshdParts, 'run on a host that opens one channel at a time', () => {
  it('lands and runs', async () => {
    await sshd.stop();
    const config = ['MaxSessions 1'];
    sshd = await startSshd({ authorizedKeys: [key.line], home: path.dirname(workspace), config });
    await user.type('add', 'narrow', `127.0.0.1:${sshd.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    expect(await typed(run('-q', '--', 'sh', '-c', 'cat; exit 3'), 'input')).toEqual({
      code: 3,
      stdout: 'input',
      stderr: '',
    });
  });
});

describeWith([...sshdParts, 'script'], 'run on a terminal', () => {
  it('shows how the sync goes on a line that is gone before the command speaks, and paths of here', async () => {
    const running = user.startOnTerminal('sidecar run -t -- sh -c "tty -s && pwd; exit 5"; echo "code $?"');
    const { stdout } = await running.ended;
    expect(stdout).toContain('landing…');
    expect(stdout.slice(stdout.lastIndexOf('\x1b[K') + 3)).toBe(`${here}\r\ncode 5\r\n`);
  });
});
