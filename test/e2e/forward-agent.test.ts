import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { startAgent, type RunningAgent } from '../fakes/ssh-agent.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';

let user: BuiltProgram;
let agent: RunningAgent;
let key: MadeKey;
let sshd: Sshd;
/** The transport that `add` was told. */
let transport = 'ssh2';

async function begin(config: readonly string[] = []): Promise<void> {
  user = new BuiltProgram({ daemon: true });
  user.project.write('hello.txt', 'hello\n');
  key = await makeKey(user.directory('keys'), 'id', { comment: 'key-of-the-agent' });
  agent = await startAgent(user.directory('agent'));
  await agent.add(key.path);
  sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far'), config });
  await type('add', 'web', `127.0.0.1:${sshd.port}`, '--transport', transport);
}
beforeEach(() => begin());
afterEach(end);
afterEach(() => (transport = 'ssh2'));

async function end(): Promise<void> {
  await user[Symbol.asyncDispose]();
  await Promise.all([sshd.stop(), agent.stop()]);
}

const type = (...argv: string[]) => user.startWith({ SSH_AUTH_SOCK: agent.socket }, ...argv).ended;
const keysThere = ['--', 'sh', '-c', 'ssh-add -l 2>/dev/null || echo "none: $SSH_AUTH_SOCK"'];

describeWith([...sshdParts, 'ssh', 'ssh-agent', 'ssh-add'], 'the ssh-agent of the user', () => {
  it('is not there for any command, unless it is asked for; then for that command alone, beside the daemon', async () => {
    expect((await type('sync')).code).toBe(0);
    expect((await type('exec', ...keysThere)).stdout).toBe('none: \n');
    const { stdout, stderr } = await type('exec', '-A', ...keysThere);
    expect(stdout).toContain('key-of-the-agent');
    expect(stderr).toBe('');
    expect((await type('exec', ...keysThere)).stdout).toBe('none: \n');
    expect((await user.restedDaemon()).sessions).toMatchObject([{ sidecar: 'web', state: 'open' }]);
  });

  it('is there for a run, after a landing that does not have it', async () => {
    user.project.write('hello.txt', 'changed\n');
    const { code, stdout } = await type('run', '--forward-agent', ...keysThere);
    expect(code).toBe(0);
    expect(stdout).toContain('key-of-the-agent');
    expect((await type('run', '--detach', '-A', '--', 'true')).code).toBe(2);
  });

  it('is there for a shell where ~/.ssh/config says so, and for nothing else', async () => {
    mkdirSync(path.join(user.home, '.ssh'));
    writeFileSync(path.join(user.home, '.ssh/config'), 'Host *\nForwardAgent yes\n');
    await type('sync');
    expect((await type('ssh', ...keysThere)).stdout).toContain('key-of-the-agent');
    expect((await type('ssh', '-a', ...keysThere)).stdout).toBe('none: \n');
    expect((await type('exec', ...keysThere)).stdout).toBe('none: \n');
  });

  it('goes over the connection of the own ssh of the user, too', async () => {
    await end();
    transport = 'openssh';
    await begin();
    expect((await type('sync')).code).toBe(0);
    expect((await type('exec', ...keysThere)).stdout).toBe('none: \n');
    const { stdout, stderr } = await type('exec', '-A', ...keysThere);
    expect(stdout).toContain('key-of-the-agent');
    expect(stderr).toBe('');
  });

  it.each(['ssh2', 'openssh'])('that a server does not take is said once, and the command runs, by %s', async (by) => {
    await end();
    transport = by;
    await begin(['AllowAgentForwarding no']);
    await type('sync');
    const { code, stdout, stderr } = await type('exec', '-A', '--', 'sh', '-c', 'echo "none: $SSH_AUTH_SOCK"; exit 7');
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'none: \n' });
    expect(stderr.match(/does not take your ssh-agent/g)).toHaveLength(1);
  });

  it('that is not there is said, and the command runs', async () => {
    await user.startWith({ SSH_AUTH_SOCK: agent.socket }, 'sync').ended;
    await user.type('forget', 'web');
    await user.type('add', 'web', `127.0.0.1:${sshd.port}`, '--identity', key.path);
    const { code, stderr } = await user.startWith({ SSH_AUTH_SOCK: '' }, 'exec', '-A', '--', 'true').ended;
    expect(code).toBe(0);
    expect(stderr).toContain('there is no ssh-agent to forward');
  });
});
