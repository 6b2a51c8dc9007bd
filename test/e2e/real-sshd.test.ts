import { existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fingerprint as fingerprintOf } from '../../src/transport/public-key.js';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { filesBelow, fingerprint, GitRepo, manifest, oraclePaths } from '../fakes/git-repo.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { unusedPort } from '../fakes/unused-port.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';

let user: BuiltProgram;
let key: MadeKey;
let far: string;
const servers: Sshd[] = [];

beforeEach(async () => {
  user = new BuiltProgram();
  far = user.directory('far-home');
  key = await makeKey(user.directory('keys'), 'id');
  user.project.write('hello.txt', 'hello\n');
  user.project.write('src/main.c', 'int main() {}\n');
  user.project.commit();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await user[Symbol.asyncDispose]();
});

async function sshd(options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> {
  const server = await startSshd({ authorizedKeys: [key.line], home: far, ...options });
  servers.push(server);
  return server;
}

const add = (port: number, ...flags: string[]): ReturnType<BuiltProgram['type']> =>
  user.type('add', 'web', `127.0.0.1:${port}`, '--identity', key.path, ...flags);

async function sync(...flags: string[]): Promise<SyncResult> {
  const { code, stdout, stderr } = await user.type('sync', '--json', ...flags);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as SyncResult;
}

const workspace = (): string => path.join(far, 'project');
const here = (): string[] => manifest(user.project.root, oraclePaths(user.project));
const there = (): string[] => manifest(workspace(), filesBelow(workspace()));

describeWith(sshdParts, 'a sync to a host with OpenSSH', () => {
  it('waits until its sshd has come up, says so once, lands the tree and proves it', async () => {
    const port = await unusedPort();
    await add(port);
    const syncing = user.start('sync', '-v');
    // The third attempt has failed: the server comes up in the wait that follows.
    await syncing.said('attempt 3');
    await sshd({ port });
    const { code, stdout, stderr } = await syncing.ended;
    expect(code).toBe(0);
    expect(stderr.match(/not reachable yet/g)).toHaveLength(1);
    expect(stderr).toMatch(/connected after .* s \([4-9] attempts\)/);
    expect(stdout).toContain('proved');
    expect(there()).toEqual(here());
  });

  it('fails at once with 255 where the key is not wanted, and retries nothing', async () => {
    const { port } = await sshd({ authorizedKeys: [(await makeKey(user.directory('keys'), 'other')).line] });
    await add(port);
    const { code, stdout, stderr } = await user.type('sync', '--json');
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ssh.auth_refused' } });
    const plain = await user.type('sync');
    expect(plain.code).toBe(255);
    expect(plain.stderr).not.toContain('not reachable yet');
  });

  it('fails at once with 255 where the host key has changed, names both, and retries nothing', async () => {
    const first = await sshd();
    await add(first.port);
    await sync();
    await first.stop();
    const second = await sshd({ port: first.port });
    const { code, stdout, stderr } = await user.type('sync');
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
    expect(stderr).toContain(fingerprintOf(first.hostKey.blob));
    expect(stderr).toContain(fingerprintOf(second.hostKey.blob));
    expect(stderr).toContain('sidecar forget web');
    expect(stderr).not.toContain('not reachable yet');
    expect(second.log()).not.toContain('Accepted publickey');
  });

  it('takes the base from the sidecar’s clone and sends the difference', async () => {
    const { port } = await sshd();
    await add(port);
    const commit = user.project.git('rev-parse', 'HEAD');
    user.project.git('clone', '-q', user.project.root, workspace());
    user.project.write('src/main.c', 'int main() { return 0; }\n');
    const result = await sync();
    expect(result).toMatchObject({ base: { ref: 'origin/HEAD', commit }, verified: true, drift: null });
    expect(result.changed).toEqual({ added: 0, modified: 1, deleted: 0 });
    expect(there()).toEqual(here());
  });

  it('leaves the user’s .git byte for byte as it was, an index.lock included', async () => {
    const { port } = await sshd();
    await add(port);
    user.project.write('untracked', 'x\n');
    writeFileSync(path.join(user.project.root, '.git/index.lock'), '');
    const before = fingerprint(path.join(user.project.root, '.git'));
    await sync();
    expect(there()).toEqual(here());
    expect(fingerprint(path.join(user.project.root, '.git'))).toBe(before);
  });

  it('keeps times, ignored directories and the clone’s own .git there', async () => {
    const { port } = await sshd();
    await add(port);
    user.project.write('.gitignore', 'node_modules/\n');
    user.project.commit();
    user.project.git('clone', '-q', user.project.root, workspace());
    mkdirSync(path.join(workspace(), 'node_modules'));
    writeFileSync(path.join(workspace(), 'node_modules/x'), 'installed there\n');
    const time = lstatSync(path.join(workspace(), 'hello.txt'), { bigint: true }).mtimeNs;
    const own = fingerprint(path.join(workspace(), '.git'));
    user.project.write('src/main.c', 'edited\n');
    await sync();
    expect(lstatSync(path.join(workspace(), 'hello.txt'), { bigint: true }).mtimeNs).toBe(time);
    expect(existsSync(path.join(workspace(), 'node_modules/x'))).toBe(true);
    expect(fingerprint(path.join(workspace(), '.git'))).toBe(own);
  });

  it('reports drift, saves it and overwrites it; with --drift refuse it exits with 3 and changes nothing', async () => {
    const { port } = await sshd();
    await add(port);
    await sync();
    writeFileSync(path.join(workspace(), 'hello.txt'), 'edited there\n');
    writeFileSync(path.join(workspace(), 'added'), 'added there\n');
    rmSync(path.join(workspace(), 'src/main.c'));
    const before = fingerprint(workspace());
    const refused = await user.type('sync', '--drift', 'refuse');
    expect(refused.code).toBe(3);
    expect(fingerprint(workspace())).toBe(before);
    const { drift } = await sync();
    expect(drift).toMatchObject({ added: ['added'], modified: ['hello.txt'], deleted: ['src/main.c'], saved: true });
    expect(there()).toEqual(here());
  });

  it('run twice at the same time ends well both times, and the tree stands whole', async () => {
    const { port } = await sshd();
    await add(port);
    const both = await Promise.all([user.type('sync', '--json'), user.type('sync', '--json')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(there()).toEqual(here());
  });

  it('refuses with 3 what it may not replace, and the first two always', async () => {
    const { port } = await sshd();
    await add(port);
    mkdirSync(workspace());
    writeFileSync(path.join(workspace(), 'unrelated'), 'x\n');
    for (const workdir of ['/', '~', far]) {
      for (const adopt of [[], ['--adopt']]) {
        const env = { SIDECAR_WORKDIR: workdir };
        const { code, stderr } = await user.startWith(env, 'sync', '--json', ...adopt).ended;
        expect({ code, error: (JSON.parse(stderr) as { error: { code: string } }).error.code }).toEqual({
          code: 3,
          error: 'sync.forbidden_workspace',
        });
      }
    }
    expect((await user.type('sync', '--json')).code).toBe(3);
    const adopted = await sync('--adopt');
    expect(adopted.drift).toMatchObject({ added: ['unrelated'], saved: true });
    expect(there()).toEqual(here());
  });

  it('works from a linked worktree and a directory that is no repository', async () => {
    const { port } = await sshd();
    await add(port);
    const plain = user.directory('plain');
    writeFileSync(path.join(plain, 'f'), 'x\n');
    const result = await sync('-C', plain, '-s', 'web');
    expect(result.workspace).toBe(path.join(far, 'plain'));
    const linked = new GitRepo(path.join(plain, '../linked'), user.home);
    rmSync(linked.root, { recursive: true });
    user.project.git('worktree', 'add', '-q', linked.root);
    expect((await sync('-C', linked.root, '-s', 'web')).workspace).toBe(path.join(far, 'linked'));
  });
});
