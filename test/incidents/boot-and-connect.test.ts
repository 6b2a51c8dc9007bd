import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../fakes/git-repo.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd, type SshdOptions } from '../fakes/sshd.js';
import { startTcpServer } from '../fakes/tcp-servers.js';
import { processesAbout } from '../faults/concurrency/witness.js';

let user: BuiltProgram;
let key: MadeKey;
beforeEach(async () => {
  user = new BuiltProgram();
  key = await makeKey(user.directory('keys'), 'id');
  user.project.write('f', 'x\n');
  user.project.commit();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const far = (): string => user.directory('far-home');
const sshd = (options: SshdOptions = {}): ReturnType<typeof startSshd> =>
  startSshd({ authorizedKeys: [key.line], home: far(), ...options });
const add = (name: string, port: number, ...flags: string[]): ReturnType<BuiltProgram['type']> =>
  user.type('add', name, `127.0.0.1:${String(port)}`, '--identity', key.path, ...flags);
const arrived = (): string[] => manifest(path.join(far(), 'project'), filesBelow(path.join(far(), 'project')));
const here = (): string[] => manifest(user.project.root, oraclePaths(user.project));
const codeOf = (stderr: string): string => (JSON.parse(stderr) as { error: { code: string } }).error.code;

describeWith(sshdParts, 'a machine behind a proxy', () => {
  // PostHog/posthog#99426: a proxy that took 4.6 to 5.8 s to reach the machine, and a client that gave up after 5 s.
  // openclaw/crabbox#1466, cli/cli#5739
  it('that accepts at once, and reaches the machine only later, is waited for', async () => {
    await using machine = await sshd();
    let heardFirst = '';
    await using proxy = await startTcpServer((near) => {
      // The client has said its first word and waits; only then does the proxy dial.
      near.once('data', (first: Buffer) => {
        heardFirst = first.toString('latin1');
        near.pause();
        setTimeout(() => passOn(near, machine.port, first), 1500);
      });
    });
    await add('web', proxy.port);
    const { code, stderr } = await user.type('sync');
    expect(heardFirst).toMatch(/^SSH-2\.0-/);
    expect(code).toBe(0);
    expect(stderr).not.toContain('not reachable yet');
    expect(arrived()).toEqual(here());
  });

  // CircleCI-Public/chunk-cli#319: the end of the connection in the handshake, "502" in place of a server, a refused
  // channel: each was taken for a failure for good, though the machine was only booting.
  it.each<[string, (near: Socket) => void]>([
    ['answers with 502 Bad Gateway', (near) => near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')],
    ['hangs up after a banner', (near) => near.end('SSH-2.0-booting\r\n')],
  ])('that %s while the machine boots is tried again', async (_, turnAway) => {
    await using machine = await sshd();
    let turnedAway = 0;
    await using proxy = await startTcpServer((near) => {
      if (turnedAway > 0) passOn(near, machine.port);
      else turnAway(near);
      turnedAway += 1;
    });
    await add('web', proxy.port);
    const { code, stderr } = await user.type('sync');
    expect(code).toBe(0);
    expect(stderr.match(/not reachable yet/g)).toHaveLength(1);
    expect(arrived()).toEqual(here());
  });
});

describe('an address where nobody ever says anything', () => {
  // databricks/cli#5456: hung for 360 s. vshulcz/deja-vu#1773: 446 s without a limit for the connection.
  it('is given up after the time that was asked for, with what was tried', async () => {
    await using silence = await startTcpServer(() => undefined);
    await add('web', silence.port);
    const { code, stderr } = await user.type('sync', '--connect-timeout', '2s', '--json');
    expect(code).toBe(255);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ssh.unreachable', sidecar: 'web' } });
    expect(silence.connections).toBeGreaterThan(0);
  });
});

describeWith(sshdParts, 'a sync', () => {
  // CircleCI-Public/chunk-cli: a connection for each command, 8 handshakes for a first sync.
  it('logs in once', async () => {
    await using machine = await sshd();
    await add('web', machine.port);
    await user.type('sync');
    user.project.write('f', 'y\n');
    await user.type('sync');
    expect(machine.log().match(/Accepted publickey/g)).toHaveLength(2);
  });

  // CircleCI-Public/chunk-cli#559: many keys in the agent, and the server hung up before the right one came.
  it('finds its key behind more of them than the server lets one try', async () => {
    await using machine = await sshd({ maxAuthTries: 3 });
    const directory = path.join(user.home, '.ssh');
    mkdirSync(directory, { mode: 0o700 });
    const names = ['id_rsa', 'id_ecdsa'];
    for (const name of names) await makeKey(directory, name, { type: name === 'id_rsa' ? 'rsa' : 'ecdsa' });
    const files = Array.from({ length: 6 }, (_, index) => path.join(directory, `wrong_${String(index)}`));
    for (const file of files) await makeKey(directory, path.basename(file));
    const lines = [...files, key.path].map((file) => `  IdentityFile ${file}\n`).join('');
    writeFileSync(
      path.join(directory, 'config'),
      `Host many\n  HostName 127.0.0.1\n  Port ${String(machine.port)}\n${lines}`,
    );
    await user.type('add', 'web', 'many');
    const { code, stderr } = await user.type('sync', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(arrived()).toEqual(here());
  });

  // CircleCI-Public/chunk-cli: the user's token went along with every remote command, and `.env.local` too.
  it('tells the machine nothing of the environment here', async () => {
    const seen = path.join(user.directory('seen'), 'env');
    const config = [
      'AcceptEnv *',
      `ForceCommand env >${seen}; cd ${far()} && HOME=${far()} exec sh -c "$SSH_ORIGINAL_COMMAND"`,
    ];
    await using machine = await sshd({ config });
    await add('web', machine.port);
    user.project.write('.env.local', 'SECRET=from-a-file\n');
    user.project.write('.gitignore', '.env.local\n');
    const secrets = { CIRCLE_TOKEN: 'a-secret', SECRET_KEY: 'a-secret', GIT_CONFIG_PARAMETERS: "'a.b'='a-secret'" };
    const { code, stdout } = await user.startWith(secrets, 'sync', '--json', '-v').ended;
    expect(code).toBe(0);
    expect(readFileSync(seen, 'utf8')).not.toContain('a-secret');
    expect(stdout).not.toContain('secret');
    expect(existsSync(path.join(far(), 'project/.env.local'))).toBe(false);
  });

  // openclaw/crabbox#1219: a connection that lingered kept a machine for 220 s. microsoft/vscode-remote-release#2692:
  // what was left running overloaded it. CircleCI-Public/chunk-cli: Ctrl-C left remote processes.
  it('leaves no process behind, neither here nor there, when it is done and when it is interrupted', async () => {
    await using machine = await sshd();
    await add('web', machine.port);
    expect((await user.type('sync')).code).toBe(0);
    const around = path.dirname(far());
    await vi.waitFor(() => expect(processesAbout(around)).toEqual([]), { timeout: 20_000 });

    const [shadow = ''] = readdirSync(path.join(far(), '.local/state/sidecar/workspaces'));
    const lock = path.join(far(), '.local/state/sidecar/workspaces', shadow, 'sidecar/lock');
    symlinkSync(livingHolder(), lock);
    user.project.write('f', 'y\n');
    const syncing = user.start('sync', '-v');
    await syncing.said('another');
    syncing.child.kill('SIGINT');
    expect((await syncing.ended).code).toBe(130);
    await vi.waitFor(() => expect(processesAbout(around)).toEqual([]), { timeout: 20_000 });
  });
});

/** This process, in the words of the lock over there. */
function livingHolder(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const namespace = readlinkSync('/proc/self/ns/pid');
  const started = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  return `${String(process.pid)}:${started}:${boot}.${namespace}`;
}

describeWith(sshdParts, 'a host key', () => {
  // coder/vscode-coder#427, BunnyWay/cli#124: a recreated machine at the same address could not be reached any more.
  it('belongs to a sidecar: a recreated machine at the same address is no alarm under a new name', async () => {
    const first = await sshd();
    await add('old', first.port);
    expect((await user.type('sync')).code).toBe(0);
    await first.stop();
    await using second = await sshd({ port: first.port });
    const alarm = await user.type('sync', '-s', 'old', '--json');
    expect([alarm.code, codeOf(alarm.stderr)]).toEqual([255, 'ssh.host_key_changed']);
    await add('new', second.port);
    expect((await user.type('sync', '-s', 'new')).code).toBe(0);
    const again = await user.type('sync', '-s', 'old', '--json');
    expect([again.code, codeOf(again.stderr)]).toEqual([255, 'ssh.host_key_changed']);
    await user.type('forget', 'old');
    await add('old', second.port);
    expect((await user.type('sync')).code).toBe(0);
  });

  // CircleCI-Public/chunk-cli noted keys by host name without the port, in a file of its own; gh and devpod checked none.
  it('is told apart by port, is never looked over, and the user’s known_hosts is only read', async () => {
    await using one = await sshd();
    await using other = await sshd();
    const knownHosts = path.join(user.home, '.ssh/known_hosts');
    mkdirSync(path.dirname(knownHosts), { mode: 0o700 });
    const lines = `[127.0.0.1]:${String(one.port)} ${one.hostKeyLine}\n[127.0.0.1]:${String(other.port)} ${one.hostKeyLine}\n`;
    writeFileSync(knownHosts, lines);
    await add('one', one.port);
    expect((await user.type('sync')).code).toBe(0);
    await add('other', other.port);
    const alarm = await user.type('sync', '--json');
    expect([alarm.code, codeOf(alarm.stderr)]).toEqual([255, 'ssh.host_key_changed']);
    expect(readFileSync(knownHosts, 'utf8')).toBe(lines);
    expect(other.log()).not.toContain('Accepted publickey');
  });

  it('of a local sidecar that is deleted and created again is no alarm', async () => {
    for (const round of [1, 2]) {
      expect((await user.type('create', 'web')).code).toBe(0);
      user.project.write('f', `round ${String(round)}\n`);
      expect((await user.type('sync')).code).toBe(0);
      await user.type('delete', 'web');
    }
  });
});

function passOn(near: Socket, port: number, first?: Buffer): void {
  const machine = connect({ host: '127.0.0.1', port });
  if (first !== undefined) machine.write(first);
  near.pipe(machine).pipe(near);
  machine.on('error', () => near.destroy());
  near.on('close', () => machine.destroy());
}
