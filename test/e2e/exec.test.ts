import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram, type Running } from '../fakes/built-program.js';
import { processEnded } from '../fakes/processes.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';

let user: BuiltProgram;
let sshd: Sshd;
let proxy: CuttableProxy;
let workspace: string;

beforeEach(async () => {
  user = new BuiltProgram();
  const key = await makeKey(user.directory('keys'), 'id');
  const far = user.directory('far-home');
  workspace = path.join(far, 'project');
  sshd = await startSshd({ authorizedKeys: [key.line], home: far });
  proxy = await startProxy(sshd.port);
  await user.type('add', 'web', `127.0.0.1:${proxy.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
});
afterEach(async () => {
  await proxy.stop();
  await sshd.stop();
  await user[Symbol.asyncDispose]();
});

function typed(running: Running, input: string | Buffer = ''): Running['ended'] {
  running.child.stdin?.end(input);
  return running.ended;
}
const exec = (...argv: string[]): Running => user.start('exec', ...argv);

describeWith(sshdParts, 'exec on a host with OpenSSH', () => {
  beforeEach(() => mkdirSync(workspace));

  it('gives input, output, errors and exit code as they are, from the workspace', async () => {
    const line = 'pwd; cat; echo "$1" >&2; exit 7';
    expect(await typed(exec('--', 'sh', '-c', line, 'sh', "it's *"), 'input')).toEqual({
      code: 7,
      stdout: `${workspace}\ninput`,
      stderr: "it's *\n",
    });
    expect((await typed(exec('--', 'sh', '-c', 'kill -TERM $$'))).code).toBe(143);
    expect((await typed(exec('--', 'no-such-command'))).code).toBe(127);
  });

  it('carries megabytes both ways, exactly', async () => {
    const bytes = randomBytes(20_000_000);
    writeFileSync(path.join(user.project.root, 'large'), bytes);
    const line = '"$@" exec -- cat < large | sha256sum';
    const said = await user.startProgram('sh', ['-c', line, 'sh', ...user.command()]).ended;
    expect(said.stdout).toContain(createHash('sha256').update(bytes).digest('hex'));
  });

  it('sets variables that no list of processes shows', async () => {
    writeFileSync(path.join(user.project.root, '.env'), 'TOKEN=s3cret-0\n');
    const line = 'echo "$TOKEN $PLAIN"; ps axww -o args >&2';
    const { stdout, stderr } = await typed(exec('-e', 'PLAIN=x', '--env-file', '.env', '--', 'sh', '-c', line));
    expect(stdout).toBe('s3cret-0 x\n');
    expect(stderr).not.toContain('s3cret-0');
  });

  it('without a workspace says what to do, and runs nothing in the home directory', async () => {
    const { code, stdout, stderr } = await typed(exec('-C', user.directory('other'), '-s', 'web', '--', 'pwd'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('other on web does not exist');
    expect(stderr).toContain('`sidecar sync`');
    const json = await typed(exec('--json', '-C', user.directory('other'), '-s', 'web', '--', 'pwd'));
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'run.no_workspace', sidecar: 'web' } });
    expect((await typed(exec('--workdir', '~', '--', 'pwd'))).stdout).toBe(`${path.dirname(workspace)}\n`);
  });

  it('waits for a machine that boots, and ends with 255 where there is none', async () => {
    await proxy.stop();
    await sshd.stop();
    const { code, stderr } = await typed(exec('--connect-timeout', '1s', '--json', '--', 'true'));
    expect(code).toBe(255);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ssh.unreachable' } });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('ends what runs over there on %s', async (signal) => {
    const running = exec('--', 'sh', '-c', 'echo "pid $$ runs"; sleep 1000 & wait; sleep 1000');
    await running.said('runs');
    running.child.kill(signal);
    const { code, stdout } = await running.ended;
    expect(code).toBe(signal === 'SIGKILL' ? 0 : 130);
    await processEnded(Number(/pid (\d+)/.exec(stdout)?.[1]));
  });

  it('says so and ends with 255 when the connection is lost, and what runs over there ends', async () => {
    const running = exec('--', 'sh', '-c', 'echo "pid $$ runs"; exec sleep 1000');
    await running.said('runs');
    proxy.reset();
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(255);
    expect(stderr).toContain('the connection to web');
    await processEnded(Number(/pid (\d+)/.exec(stdout)?.[1]));
  });

  it('ends what runs over there when nobody reads any more', async () => {
    const line = '{ "$@" exec -- sh -c "echo pid \\$\\$; exec yes"; echo "code $?" >&2; } | head -1';
    const { stdout, stderr } = await user.startProgram('sh', ['-c', line, 'sh', ...user.command()]).ended;
    expect(stderr).toBe('code 141\n');
    await processEnded(Number(/pid (\d+)/.exec(stdout)?.[1]));
  });

  it('can be interrupted while nobody takes its output', async () => {
    const running = exec('--', 'sh', '-c', 'echo "pid $$" >&2; exec yes');
    running.child.stdout?.pause();
    await running.said('pid ');
    running.child.kill('SIGINT');
    const [code] = (await once(running.child, 'exit')) as [number];
    expect(code).toBe(130);
    running.child.stdout?.resume();
    await processEnded(Number(/pid (\d+)/.exec((await running.ended).stderr)?.[1]));
  });

  it('reads no input with -n', async () => {
    const line = 'printf "a\\nb\\n" | while read -r x; do "$@" exec -n -- echo "$x"; done';
    const { stdout } = await user.startProgram('sh', ['-c', line, 'sh', ...user.command()]).ended;
    expect(stdout).toBe('a\nb\n');
  });
});

describeWith(sshdParts, 'exec on a host that opens one channel at a time', () => {
  it('does without the lifeline', async () => {
    mkdirSync(workspace);
    await sshd.stop();
    const [home, config] = [path.dirname(workspace), ['MaxSessions 1']];
    const key = await makeKey(user.directory('keys'), 'other');
    sshd = await startSshd({ authorizedKeys: [key.line], home, config });
    await user.type('add', 'narrow', `127.0.0.1:${sshd.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    expect(await typed(exec('--', 'sh', '-c', 'cat; exit 3'), 'input')).toEqual({
      code: 3,
      stdout: 'input',
      stderr: '',
    });
  });
});

describeWith(sshdParts, 'exec on a host that comes up late', () => {
  it('waits for it, and runs the command once', async () => {
    mkdirSync(workspace);
    await proxy.stop();
    await sshd.stop();
    const [home, { port }] = [path.dirname(workspace), sshd];
    const key = await makeKey(user.directory('keys'), 'late');
    await user.type('add', 'late', `127.0.0.1:${port}`, '--identity', key.path);
    const running = exec('--', 'sh', '-c', 'echo ran >> times; cat times');
    await running.said('trying for up to 90 s');
    sshd = await startSshd({ authorizedKeys: [key.line], home, port });
    const { code, stdout } = await typed(running);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' });
  });
});

describeWith([...sshdParts, 'script'], 'ssh to a host that comes up late', () => {
  it('gives its terminal the size that the one here has by then', async () => {
    mkdirSync(workspace);
    await proxy.stop();
    await sshd.stop();
    const [home, { port }] = [path.dirname(workspace), sshd];
    const key = await makeKey(user.directory('keys'), 'late');
    await user.type('add', 'late', `127.0.0.1:${port}`, '--identity', key.path);
    const until = 'until [ "$(stty size)" = "44 99" ]; do sleep 0.1; done; echo taken there';
    const resize = `(until [ -e ${home}/resize ]; do sleep 0.1; done; stty rows 44 cols 99 </dev/tty; echo given here) &`;
    const running = user.startOnTerminal(`stty rows 33 cols 111; ${resize} sidecar ssh -- sh -c '${until}'`);
    await running.said('trying for up to 90 s');
    writeFileSync(path.join(home, 'resize'), '');
    await running.said('given here');
    sshd = await startSshd({ authorizedKeys: [key.line], home, port });
    await running.said('taken there');
    await running.ended;
  });
});

describeWith([...sshdParts, 'script'], 'ssh to a host with OpenSSH', () => {
  beforeEach(() => mkdirSync(workspace));

  it('opens a login shell in the workspace on a terminal, and gives the one here back', async () => {
    const running = user.startOnTerminal(
      'stty rows 33 cols 111; a=$(stty -g); sidecar ssh; echo "code $?"; [ "$a" = "$(stty -g)" ] && echo same',
    );
    running.child.stdin?.write('stty size; pwd; echo ready $((1 + 1))\n');
    await running.said('ready 2');
    running.child.stdin?.write('exit 9\n');
    const { stdout } = await running.ended;
    expect(stdout).toContain('33 111\r\n');
    expect(stdout).toContain(`${workspace}\r\n`);
    expect(stdout).toMatch(/code 9\r\nsame\r\n$/);
  });

  it('has Ctrl-C go there, and hangs up at ~.', async () => {
    const running = user.startOnTerminal(
      'a=$(stty -g); sidecar ssh -- sh -c "trap \\"echo caught\\" INT; echo up; while :; do sleep 1; done"; echo "code $?"; [ "$a" = "$(stty -g)" ] && echo same',
    );
    await running.said('up');
    running.child.stdin?.write('\x03');
    await running.said('caught');
    running.child.stdin?.write('\r~.');
    const { stdout } = await running.ended;
    expect(stdout).toMatch(/code 255\r\nsame\r\n$/);
  });

  it('gives the terminal back when the connection is lost, screen and all', async () => {
    const running = user.startOnTerminal(
      'a=$(stty -g); sidecar ssh -- sh -c "printf \\"\\033[?1049h\\033[?25lup\\"; sleep 1000"; echo "code $?"; [ "$a" = "$(stty -g)" ] && echo same',
    );
    await running.said('up');
    proxy.reset();
    const { stdout } = await running.ended;
    expect(stdout).toContain('\x1b[?1049l\x1b[?25h');
    expect(stdout).toContain('the connection to web');
    expect(stdout).toMatch(/code 255\r\nsame\r\n$/);
  });

  it('takes commands from a pipe where there is no terminal', async () => {
    const { code, stdout } = await typed(user.start('ssh'), 'pwd; exit 4\n');
    expect({ code, stdout }).toEqual({ code: 4, stdout: `${workspace}\n` });
  });
});
