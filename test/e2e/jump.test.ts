import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unusedPort } from '../fakes/unused-port.js';
import type { SyncResult } from '../../src/sync/result.js';
import { fingerprint as fingerprintOf } from '../../src/transport/public-key.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../fakes/git-repo.js';
import { netcat } from '../fakes/netcat.js';
import { describeWith } from '../fakes/parts.js';
import { processEnded } from '../fakes/processes.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';

let user: BuiltProgram;
let key: MadeKey;
let far: string;
const servers: Sshd[] = [];

async function begin(daemon: boolean): Promise<void> {
  user = new BuiltProgram({ daemon });
  far = user.directory('far-home');
  key = await makeKey(user.directory('keys'), 'id');
  user.project.write('hello.txt', 'hello\n');
  user.project.commit();
}
beforeEach(() => begin(false));
afterEach(async () => {
  await user[Symbol.asyncDispose]();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function sshd(options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> {
  const server = await startSshd({ authorizedKeys: [key.line], ...options });
  servers.push(server);
  return server;
}

/** The user's ~/.ssh/config, and files beside it. */
function configure(lines: readonly string[], files: Readonly<Record<string, readonly string[]>> = {}): void {
  mkdirSync(path.join(user.home, '.ssh'), { recursive: true });
  for (const [name, content] of Object.entries({ config: lines, ...files })) {
    writeFileSync(path.join(user.home, '.ssh', name), content.map((line) => `${line}\n`).join(''));
  }
}

const host = (name: string, port: number, ...more: string[]): string[] => [
  `Host ${name}`,
  'HostName 127.0.0.1',
  `Port ${port}`,
  ...more,
];

async function sync(...flags: string[]): Promise<SyncResult> {
  const { code, stdout, stderr } = await user.type('sync', '--json', '-q', ...flags);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as SyncResult;
}

const here = (): string[] => manifest(user.project.root, oraclePaths(user.project));
const there = (): string[] => manifest(path.join(far, 'project'), filesBelow(path.join(far, 'project')));

describeWith([...sshdParts, 'ssh'], 'a sidecar behind two others', () => {
  it.each([
    ['with a daemon', true],
    ['without one', false],
  ])('is synced to over both of them, as Include and Match say, %s', async (_how, daemon) => {
    await user[Symbol.asyncDispose]();
    await begin(daemon);
    const [outer, inner, web] = await Promise.all([sshd(), sshd(), sshd({ home: far })]);
    configure(['Include hosts', `IdentityFile ${key.path}`], {
      hosts: [
        ...host('outer', outer.port),
        ...host('inner', inner.port),
        ...host('web', web.port),
        'Match originalhost web exec "test %n = web"',
        'ProxyJump outer,inner',
      ],
    });
    await user.type('add', 'web', 'web');
    expect(await sync()).toMatchObject({ verified: true, changed: { added: 1 } });
    expect(there()).toEqual(here());
    user.project.write('hello.txt', 'changed\n');
    expect(await sync()).toMatchObject({ verified: true, warm: daemon, changed: { modified: 1 } });
    expect(there()).toEqual(here());
    // Each was asked by the one before it.
    for (const server of [outer, inner, web]) expect(server.log()).toContain('Accepted publickey');
    const said = await user.type('exec', '--workdir', '.', '--', 'sh', '-c', 'echo "$SSH_CONNECTION"');
    expect(said.stdout).toContain(` ${web.port}\n`);
  });

  it('says of each of them that its key is new, once, and then knows it', async () => {
    const [outer, inner, web] = await Promise.all([sshd(), sshd(), sshd({ home: far })]);
    configure([...host('outer', outer.port), ...host('inner', inner.port), 'Host *', `IdentityFile ${key.path}`]);
    await user.type('add', 'web', `127.0.0.1:${web.port}`, '--jump', 'outer,inner');
    const first = await user.type('wait');
    const shown = [...first.stderr.matchAll(/first connection to (.*): its .*(SHA256:\S+)/g)].map((all) =>
      all.slice(1),
    );
    expect(shown).toEqual([
      ['outer, on the way to web', fingerprintOf(outer.hostKey.blob)],
      ['inner, on the way to web', fingerprintOf(inner.hostKey.blob)],
      ['web', fingerprintOf(web.hostKey.blob)],
    ]);
    expect((await user.type('wait')).stderr).not.toContain('first connection');
  });

  it('is not reached over one whose key has changed, which is told with both keys', async () => {
    const [outer, web] = await Promise.all([sshd(), sshd({ home: far })]);
    configure([...host('outer', outer.port), 'Host *', `IdentityFile ${key.path}`]);
    await user.type('add', 'web', `127.0.0.1:${web.port}`, '--jump', 'outer');
    await sync();
    await outer.stop();
    const impostor = await sshd({ port: outer.port });
    const before = web.connections();
    const { code, stderr } = await user.type('sync');
    expect(code).toBe(255);
    expect(stderr).toContain(`the host key of outer, on the way to web, has changed`);
    expect(stderr).toContain(fingerprintOf(outer.hostKey.blob));
    expect(stderr).toContain(fingerprintOf(impostor.hostKey.blob));
    expect(stderr).not.toContain('not reachable yet');
    expect(web.connections()).toBe(before);
  });

  it('is waited for while it boots, which is said once', async () => {
    const outer = await sshd();
    const port = await unusedPort();
    configure([...host('outer', outer.port), 'Host *', `IdentityFile ${key.path}`]);
    await user.type('add', 'web', `127.0.0.1:${port}`, '--jump', 'outer');
    const syncing = user.start('sync', '-v');
    await syncing.said('not reachable yet');
    await sshd({ port, home: far });
    const { code, stdout, stderr } = await syncing.ended;
    expect(code).toBe(0);
    expect(stderr.match(/not reachable yet/g)).toHaveLength(1);
    expect(stderr).toContain('web is not reachable yet (outer says: connection refused)');
    expect(stderr).toMatch(/connected after .* s \([2-9] attempts\)/);
    expect(stderr.match(/first connection to outer/g)).toHaveLength(1);
    expect(stdout).toContain('proved');
  });

  it('fails at once where a host on the way refuses the login, and names it', async () => {
    const stranger = await makeKey(user.directory('keys'), 'other');
    const outer = await sshd({ authorizedKeys: [stranger.line] });
    configure([...host('outer', outer.port, 'User ops'), 'Host *', `IdentityFile ${key.path}`]);
    await user.type('add', 'web', '127.0.0.1:1', '--jump', 'outer');
    const { code, stderr } = await user.type('sync');
    expect(code).toBe(255);
    expect(stderr).toContain(`outer (127.0.0.1:${outer.port}), on the way to web, refused the login as ops`);
    const json = await user.type('sync', '--json');
    expect(JSON.parse(json.stderr.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'ssh.auth_refused', hop: 'outer', port: outer.port },
    });
  });

  it('is reached over the host that was given where there is no ssh, too', async () => {
    const [outer, web] = await Promise.all([sshd(), sshd({ home: far })]);
    mkdirSync(path.join(user.home, '.ssh'));
    writeFileSync(path.join(user.home, '.ssh', 'id_ed25519'), readFileSync(key.path), { mode: 0o600 });
    await user.type('add', 'web', `127.0.0.1:${web.port}`, '--jump', `127.0.0.1:${outer.port}`);
    const PATH = user.directory('nothing-on-it');
    const { code, stderr } = await user.startWith({ PATH }, 'wait', '-s', 'web', '-C', user.directory('plain')).ended;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('first connection to 127.0.0.1, on the way to web') as string,
    });
  });
});

describeWith([...sshdParts, 'ssh'], 'a sidecar behind a proxy command', () => {
  const joined = (port: number): string =>
    netcat(port)
      .map((word) => `"${word}"`)
      .join(' ');

  it('is synced to through it', async () => {
    const web = await sshd({ home: far });
    configure(['Host web', `IdentityFile ${key.path}`, `ProxyCommand ${joined(web.port)}`]);
    await user.type('add', 'web', 'web');
    expect(await sync()).toMatchObject({ verified: true });
    expect(there()).toEqual(here());
  });

  it('is waited for while the command fails, and its last words are told', async () => {
    configure(['Host web', `IdentityFile ${key.path}`, `ProxyCommand sh -c 'echo "tunnel down" >&2; exit 5'`]);
    await user.type('add', 'web', 'web');
    const waiting = user.start('wait');
    await waiting.said('web is not reachable yet (the proxy command ended with exit code 5: tunnel down)');
    waiting.child.kill('SIGINT');
    expect((await waiting.ended).code).toBe(130);
  });

  it('fails at once where the command is not there', async () => {
    configure(['Host web', `IdentityFile ${key.path}`, 'ProxyCommand no-such-tunnel %h']);
    await user.type('add', 'web', 'web');
    const { code, stderr } = await user.type('wait');
    expect(code).toBe(255);
    expect(stderr).toMatch(/SSH configuration for web.* cannot be used: .*exit code 127: .*no-such-tunnel/);
    expect(stderr).not.toContain('not reachable yet');
  });

  it('leaves no process of it behind when it is killed itself', async () => {
    const web = await sshd({ home: far });
    const pidFile = path.join(user.directory('pids'), 'pid');
    configure([
      'Host web',
      `IdentityFile ${key.path}`,
      `ProxyCommand sh -c 'echo $$ > "$1"; shift; exec "$@"' sh ${pidFile} ${joined(web.port)}`,
    ]);
    await user.type('add', 'web', 'web');
    const running = user.start('exec', '--workdir', '.', '--', 'sh', '-c', 'echo up; sleep 1000');
    await running.said('up');
    expect(existsSync(pidFile)).toBe(true);
    running.child.kill('SIGKILL');
    await processEnded(Number(readFileSync(pidFile, 'utf8')));
  });
});

describe('--jump', () => {
  it('is told in the help of add', async () => {
    expect((await user.type('help', 'add')).stdout).toContain('--jump <hosts>');
  });
});
