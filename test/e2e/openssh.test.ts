import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { unusedPort } from '../fakes/unused-port.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../fakes/git-repo.js';
import { describeWith } from '../fakes/parts.js';
import { certify } from '../fakes/ssh-certificates.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';

let user: BuiltProgram;
let authority: MadeKey;
let certified: MadeKey;
let plain: MadeKey;
let far: string;
let place: string;
const servers: Sshd[] = [];

async function begin(options: { daemon: boolean }): Promise<void> {
  user = new BuiltProgram(options);
  far = user.directory('far-home');
  // Where connections keep their sockets.
  place = user.directory('place');
  user.env['TMPDIR'] = place;
  const keys = user.directory('keys');
  [authority, certified, plain] = await Promise.all([
    makeKey(keys, 'authority'),
    makeKey(keys, 'id_certified'),
    makeKey(keys, 'id_plain'),
  ]);
  await certify(certified, { authority, principal: 'dev' });
  user.project.write('hello.txt', 'hello\n');
  user.project.commit();
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await user[Symbol.asyncDispose]();
});

/** Lets in whoever has a certificate of the authority, and nobody else. */
async function sshd(options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> {
  const principals = path.join(user.directory('keys'), 'principals');
  writeFileSync(principals, 'dev\n');
  const config = [`TrustedUserCAKeys ${authority.path}.pub`, `AuthorizedPrincipalsFile ${principals}`];
  const server = await startSshd({ home: far, ...options, config: [...config, ...(options.config ?? [])] });
  servers.push(server);
  return server;
}

const here = (): string[] => manifest(user.project.root, oraclePaths(user.project));
const there = (): string[] => manifest(path.join(far, 'project'), filesBelow(path.join(far, 'project')));

describeWith([...sshdParts, 'ssh'], 'a host that takes only certificates', () => {
  describe.each([
    ['without the daemon', false],
    ['with the daemon', true],
  ])('%s', (_title, daemon) => {
    beforeEach(() => begin({ daemon }));

    it('is landed on by the ssh of the user, chosen by itself, which is told', async () => {
      const { port } = await sshd();
      await user.type('add', 'web', `127.0.0.1:${port}`, '--identity', certified.path);
      const { code, stderr } = await user.type('sync', '-v');
      expect(code).toBe(0);
      expect(stderr).toContain(`with OpenSSH (${certified.path} has a certificate)`);
      expect(there()).toEqual(here());

      const ran = await user.type('run', '--', 'sh', '-c', 'cat hello.txt; exit 7');
      expect(ran).toMatchObject({ code: 7, stdout: 'hello\n' });
      if (!daemon) return;
      expect(mastersOf(place)).not.toEqual([]);
      await user.type('daemon', 'stop');
      await nothingLeft();
    });
  });

  describe('as it is configured', () => {
    beforeEach(() => begin({ daemon: false }));

    it('is refused to ssh2, and openssh is named as the way out', async () => {
      const { port } = await sshd();
      await user.type('add', 'web', `127.0.0.1:${port}`, '--identity', certified.path, '--transport', 'ssh2');
      const { code, stderr } = await user.type('sync');
      expect(code).toBe(255);
      expect(stderr).toContain('--transport openssh');
      expect((await user.type('list')).stdout).toContain(`127.0.0.1:${port} (ssh2)`);
    });

    it('may be an alias of ~/.ssh/config, with a host that an authority vouches for: its key is not pinned', async () => {
      const hostKey = await makeKey(user.directory('keys'), 'host_key');
      const certificate = await certify(hostKey, { authority, principal: '127.0.0.1', isHost: true });
      const { port } = await sshd({ hostKey, config: [`HostCertificate ${certificate}`] });
      const ssh = path.join(user.home, '.ssh');
      mkdirSync(ssh, { mode: 0o700 });
      writeFileSync(
        path.join(ssh, 'config'),
        `Host corp\n  HostName 127.0.0.1\n  Port ${port}\n  IdentityFile ${certified.path}\n  IdentitiesOnly yes\n`,
        { mode: 0o600 },
      );
      writeFileSync(path.join(ssh, 'known_hosts'), `@cert-authority [127.0.0.1]:* ${authority.line}\n`);
      await user.type('add', 'web', 'corp');
      expect(await user.type('sync')).toMatchObject({ code: 0 });
      expect(there()).toEqual(here());
      const [listed] = JSON.parse((await user.type('list', '--json')).stdout) as object[];
      expect(listed).toMatchObject({ hostKeys: [], transport: null });
      const checked = await user.type('doctor');
      expect(checked.stdout).toContain('vouches for its key');
      expect(checked.stdout).toContain('with OpenSSH');
    });

    it('is waited for while it boots, which is said once', async () => {
      const port = await unusedPort();
      await user.type('add', 'web', `127.0.0.1:${port}`, '--identity', certified.path);
      const syncing = user.start('sync', '-v');
      await syncing.said('attempt 2');
      await sshd({ port });
      const { code, stderr } = await syncing.ended;
      expect(code).toBe(0);
      expect(stderr.match(/not reachable yet/g)).toHaveLength(1);
      expect(there()).toEqual(here());
    });

    it('keeps nothing of a command that was killed: no process and no file', async () => {
      const { port } = await sshd({ authorizedKeys: [plain.line] });
      const add = ['add', 'web', `127.0.0.1:${port}`, '--identity', plain.path, '--transport', 'openssh'];
      await user.type(...add);
      const running = user.start('exec', '--workdir', '~', '--', 'sh', '-c', 'echo up; sleep 1000');
      await running.said('up');
      const masters = mastersOf(place);
      running.child.kill('SIGKILL');
      await running.ended;
      expect(masters).not.toEqual([]);
      await nothingLeft();
    });
  });
});

/** Resolves once no connection has a process or a file any more. */
async function nothingLeft(): Promise<void> {
  const files = (): string[] => readdirSync(place).filter((name) => name.startsWith('sidecar-'));
  while (mastersOf(place).length > 0 || files().length > 0) await systemClock.sleep(10);
}

/** The processes that were told of a directory in there. */
function mastersOf(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && wordsOf(pid).includes(`="${directory}/`));
}

function wordsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
