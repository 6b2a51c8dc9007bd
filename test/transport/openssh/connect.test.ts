import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { AuthContext } from 'ssh2';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { connectOpenssh, type AcceptedHostKey } from '../../../src/transport/openssh/connect.js';
import { Passphrases } from '../../../src/transport/openssh/passphrases.js';
import { resolveSshHost } from '../../../src/transport/ssh-config.js';
import { describeAsRoot, Mount } from '../../faults/machine/mounts.js';
import { connectOpensshTo, type OpensshLogin } from '../../fakes/openssh-client.js';
import { describeWith } from '../../fakes/parts.js';
import { processEnded } from '../../fakes/processes.js';
import { startAgent } from '../../fakes/ssh-agent.js';
import { certify } from '../../fakes/ssh-certificates.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd, type Sshd, type SshdOptions } from '../../fakes/sshd.js';
import { startProxy, startTcpServer } from '../../fakes/tcp-servers.js';

let directory: string;
let key: MadeKey;
let authority: MadeKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-openssh-'));
  [key, authority] = await Promise.all([makeKey(directory, 'id'), makeKey(directory, 'authority')]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function withSshd(options: SshdOptions, test: (sshd: Sshd) => Promise<void>): Promise<void> {
  await using sshd = await startSshd({ authorizedKeys: [key.line], ...options });
  await test(sshd);
}

/** As what the host key was accepted. */
async function accepted(login: OpensshLogin): Promise<AcceptedHostKey> {
  const { transport, hostKey } = await connectOpensshTo({ keys: [key.path], ...login });
  await transport.close();
  return hostKey;
}

async function knownHosts(...lines: string[]): Promise<string> {
  const path = join(await mkdtemp(join(directory, 'known-')), 'known_hosts');
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

describeWith([...sshdParts, 'ssh'], 'a host key', () => {
  it('that is pinned is accepted as that', async () => {
    await withSshd({}, async ({ port, user, hostKeyLine }) => {
      expect(await accepted({ port, user, hostKeyLine })).toEqual({ kind: 'pinned' });
    });
  });

  it('of a host that nobody knows is learned at first use', async () => {
    await withSshd({}, async ({ port, user, hostKeyLine }) => {
      const learned = { kind: 'learn', source: 'first-use', line: hostKeyLine, keyType: 'ssh-ed25519' };
      expect(await accepted({ port, user })).toMatchObject(learned);
    });
  });

  it("that the user's known_hosts has is learned from there, and the file is left as it is", async () => {
    await withSshd({}, async ({ port, user, hostKeyLine }) => {
      const file = await knownHosts(`[127.0.0.1]:${port} ${hostKeyLine}`);
      const before = readFileSync(file, 'utf8');
      const learned = { kind: 'learn', source: 'known_hosts', line: hostKeyLine };
      expect(await accepted({ port, user, knownHostsFiles: [file] })).toMatchObject(learned);
      expect(readFileSync(file, 'utf8')).toBe(before);
    });
  });

  it('that an authority in known_hosts has signed for is accepted, whatever key it is', async () => {
    const file = await knownHosts(`@cert-authority 127.0.0.1,[127.0.0.1]:* ${authority.line}`);
    for (const name of ['first_machine', 'rebuilt_machine']) {
      const hostKey = await makeKey(directory, name);
      const certificate = await certify(hostKey, { authority, principal: '127.0.0.1', isHost: true });
      await withSshd({ hostKey, config: [`HostCertificate ${certificate}`] }, async ({ port, user }) => {
        expect(await accepted({ port, user, knownHostsFiles: [file] })).toMatchObject({ kind: 'vouched' });
      });
    }
  });

  it('without a certificate, or with one for another host, is refused where there is an authority', async () => {
    const file = await knownHosts(`@cert-authority 127.0.0.1,[127.0.0.1]:* ${authority.line}`);
    const login = { knownHostsFiles: [file], keys: [key.path] };
    const refused = { code: 'ssh.host_key_changed', retryable: false, facts: { source: `${file}:1` } };
    await withSshd({}, async ({ port, user }) => {
      await expect(connectOpensshTo({ ...login, port, user })).rejects.toMatchObject(refused);
    });
    const hostKey = await makeKey(directory, 'elsewhere');
    const certificate = await certify(hostKey, { authority, principal: 'elsewhere.test', isHost: true });
    await withSshd({ hostKey, config: [`HostCertificate ${certificate}`] }, async ({ port, user }) => {
      await expect(connectOpensshTo({ ...login, port, user })).rejects.toMatchObject(refused);
    });
  });

  it('of which only the server says that an authority vouches for it is learned at first use', async () => {
    const banner = join(directory, 'banner');
    await writeFile(banner, "debug1: Host '127.0.0.1' is known and matches the ED25519 host certificate.\n");
    await withSshd({ config: [`Banner ${banner}`] }, async ({ port, user, hostKeyLine }) => {
      expect(await accepted({ port, user })).toMatchObject({ kind: 'learn', source: 'first-use', line: hostKeyLine });
      expect(await accepted({ port, user, hostKeyLine })).toEqual({ kind: 'pinned' });
    });
  });

  it('that is pinned counts alone, whatever an authority says', async () => {
    const file = await knownHosts(`@cert-authority * ${authority.line}`);
    const hostKey = await makeKey(directory, 'certified');
    const certificate = await certify(hostKey, { authority, principal: '127.0.0.1', isHost: true });
    await withSshd({ hostKey, config: [`HostCertificate ${certificate}`] }, async ({ port, user, hostKeyLine }) => {
      const login = { port, user, knownHostsFiles: [file] };
      expect(await accepted({ ...login, hostKeyLine })).toEqual({ kind: 'pinned' });
      const changed = connectOpensshTo({ ...login, keys: [key.path], hostKeyLine: key.line });
      await expect(changed).rejects.toMatchObject({ code: 'ssh.host_key_changed', facts: { source: 'pin' } });
    });
  });

  it('is told also where the login is refused', async () => {
    await withSshd({ authorizedKeys: [] }, async ({ port, user, hostKeyLine }) => {
      const told: AcceptedHostKey[] = [];
      const login = { port, user, keys: [key.path], onHostKey: (hostKey: AcceptedHostKey) => told.push(hostKey) };
      await expect(connectOpensshTo(login)).rejects.toMatchObject({ code: 'ssh.auth_refused' });
      expect(told).toMatchObject([{ kind: 'learn', line: hostKeyLine }]);
    });
  });
});

describeWith([...sshdParts, 'ssh'], 'a login', () => {
  it('with a certificate is let in by a host that takes no plain key', async () => {
    const certified = await makeKey(directory, 'id_certified');
    await certify(certified, { authority, principal: 'somebody' });
    const principals = join(directory, 'principals');
    await writeFile(principals, 'somebody\n');
    const config = [`TrustedUserCAKeys ${authority.path}.pub`, `AuthorizedPrincipalsFile ${principals}`];
    await withSshd({ authorizedKeys: [], config }, async ({ port, user }) => {
      const { transport } = await connectOpensshTo({ port, user, keys: [certified.path] });
      expect(await text((await transport.exec('echo in')).stdout)).toBe('in\n');
      await transport.close();
      await expect(connectOpensshTo({ port, user, keys: [key.path] })).rejects.toMatchObject({
        code: 'ssh.auth_refused',
      });
    });
  });

  it('asks once for a passphrase, however many attempts it takes, and waits for the answer beyond its time', async () => {
    const locked = await makeKey(directory, "id 'locked'", { passphrase: 'it is "$secret"' });
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      await using proxy = await startProxy(port);
      const asked: string[] = [];
      const passphrases = new Passphrases((path) => {
        asked.push(path);
        if (asked.length === 1) proxy.reset();
        return Promise.resolve('it is "$secret"');
      });
      const login = { port: proxy.port, user, keys: [locked.path], passphrases };
      await expect(connectOpensshTo(login)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
      await (await connectOpensshTo(login)).transport.close();
      expect(asked).toEqual([locked.path]);
    });
  });
});

describeWith([...sshdParts, 'ssh'], 'a passphrase', () => {
  describeAsRoot('where nothing can be run from the directory for temporary files', () => {
    it('is asked for all the same', async () => {
      const locked = await makeKey(directory, 'id_noexec', { passphrase: 'secret' });
      const place = join(directory, 'noexec');
      const mount = new Mount(place, 'noexec,size=1m');
      vi.stubEnv('TMPDIR', place);
      try {
        await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
          const passphrases = new Passphrases(() => Promise.resolve('secret'));
          expect(await accepted({ port, user, keys: [locked.path], passphrases })).toMatchObject({ kind: 'learn' });
        });
      } finally {
        vi.unstubAllEnvs();
        mount.remove();
      }
    });
  });
});

describeWith(['ssh', 'ssh-keygen', 'ssh-agent', 'ssh-add'], 'a login with a key of an agent', () => {
  it('is over before all time is, where the server says nothing to the signature', async () => {
    const agent = await startAgent(directory);
    let signatures = 0;
    const onAuth = (request: AuthContext): void => {
      if (request.method !== 'publickey') request.reject(['publickey']);
      else if (request.signature === undefined) request.accept();
      else signatures += 1;
    };
    try {
      await agent.add(key.path);
      await using server = await startSshServer({ onAuth });
      const env = { ...process.env, SSH_AUTH_SOCK: agent.socket };
      const login = { port: server.port, keys: [key.path], env };
      const attempt = connectOpensshTo({ ...login, timeoutMs: 3_000, remainingMs: 4_000 });
      await expect(attempt).rejects.toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { stage: 'auth' },
      });
      expect(signatures).toBe(1);
    } finally {
      await agent.stop();
    }
  });
});

describeWith([...sshdParts, 'ssh'], "the user's configuration", () => {
  it('for a shell there does nothing here: no forwards, no commands, no shared connection of the user', async () => {
    await withSshd({}, async ({ port, user }) => {
      const [ran, control] = [join(directory, 'ran'), join(directory, 'users-control')];
      await using taken = await startTcpServer(() => undefined);
      const options = [
        ...['PermitLocalCommand=yes', `LocalCommand=touch ${ran}`, `RemoteCommand=touch ${ran}`, 'RequestTTY=force'],
        ...[`LocalForward=${taken.port} localhost:1`, 'ExitOnForwardFailure=yes', 'ForwardAgent=yes'],
        ...['ControlMaster=auto', `ControlPath=${control}`, 'ControlPersist=yes', 'StrictHostKeyChecking=no'],
      ];
      const { transport } = await connectOpensshTo({ port, user, keys: [key.path], options });
      expect(await text((await transport.exec('echo "$SSH_AUTH_SOCK."; tty')).stdout)).toBe('.\nnot a tty\n');
      await transport.close();
      expect([existsSync(ran), existsSync(control)]).toEqual([false, false]);
    });
  });

  it('may keep temporary files and the agent in places with spaces and percent signs', async () => {
    const place = join(directory, '100%h of it');
    await mkdir(place);
    const agent = await startAgent(place);
    try {
      await withSshd({}, async ({ port, user, hostKeyLine }) => {
        vi.stubEnv('TMPDIR', place);
        const forwardAgent = { socket: agent.socket, onRefused: () => undefined };
        const login = { port, user, keys: [key.path], hostKeyLine, forwardAgent };
        const { transport } = await connectOpensshTo(login);
        expect(await text((await transport.exec('test -S "$SSH_AUTH_SOCK" && echo there')).stdout)).toBe('there\n');
        await transport.close();
      });
    } finally {
      vi.unstubAllEnvs();
      await agent.stop();
    }
  });

  it('for the way there is followed: a proxy command', async () => {
    await withSshd({}, async ({ port, user, hostKeyLine }) => {
      const file = await knownHosts(`[127.0.0.1]:${port} ${hostKeyLine}`);
      const jump = `ssh -F none -i ${key.path} -p ${port} -o UserKnownHostsFile=${file} -W %h:%p ${user}@127.0.0.1`;
      const { transport } = await connectOpensshTo({ port, user, keys: [key.path], options: [`ProxyCommand=${jump}`] });
      expect(await text((await transport.exec('echo there')).stdout)).toBe('there\n');
      await transport.close();
    });
  });

  it.each([
    ['the name that the user gave', [], 'web'],
    ['its HostKeyAlias', ['HostKeyAlias fleet'], 'fleet'],
  ])(
    'names the key of the host to a proxy command, which is %s, and it is pinned no less for it',
    async (_title, settings, name) => {
      await withSshd({}, async ({ port, user, hostKeyLine }) => {
        const homeDir = await mkdtemp(join(directory, 'home-'));
        const [way, said] = [join(homeDir, 'way'), join(homeDir, 'said')];
        await writeFile(
          way,
          `echo "$1" >${said}\nexec ssh -F none -i ${key.path} -o UserKnownHostsFile=${homeDir}/known -o StrictHostKeyChecking=no -p ${port} -W 127.0.0.1:${port} ${user}@127.0.0.1\n`,
        );
        const lines = ['HostName 127.0.0.1', `Port ${port}`, `User ${user}`, `IdentityFile ${key.path}`, ...settings];
        await mkdir(join(homeDir, '.ssh'));
        await writeFile(
          join(homeDir, '.ssh', 'config'),
          `Host web\n${[...lines, `ProxyCommand sh ${way} %k`].join('\n')}\n`,
        );
        const env = { ...process.env, SSH_AUTH_SOCK: undefined };
        const resolved = await resolveSshHost({ host: 'web', env, homeDir, transport: 'openssh' });
        const connectWith = (line: string) =>
          connectOpenssh({ target: { ...resolved, hostKeys: [line] }, timeoutMs: 20_000 });
        await (await connectWith(hostKeyLine)).transport.close();
        expect(readFileSync(said, 'utf8')).toBe(`${name}\n`);
        await expect(connectWith(key.line)).rejects.toMatchObject({
          code: 'ssh.host_key_changed',
          facts: { source: 'pin' },
        });
      });
    },
  );
});

describeWith([...sshdParts, 'ssh'], 'what a connection leaves behind', () => {
  it('is nothing when an attempt is aborted, at once', async () => {
    const controller = new AbortController();
    await using server = await startTcpServer(() => controller.abort(new Error('Ctrl-C')));
    const connecting = connectOpensshTo({ port: server.port, keys: [key.path], signal: controller.signal });
    await expect(connecting).rejects.toThrow('Ctrl-C');
    expect(mastersFor(server.port)).toEqual([]);
    await server.idle();
  });

  it('is nothing of a proxy command either that ignores being told to end', async () => {
    const file = join(directory, 'stubborn');
    const command = `sh -c 'trap "" TERM HUP; echo $$ >${file}; while :; do sleep 60; done'`;
    const controller = new AbortController();
    const login = { port: 1, signal: controller.signal, options: [`ProxyCommand=${command}`] };
    const connecting = expect(connectOpensshTo(login)).rejects.toThrow('Ctrl-C');
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await systemClock.sleep(5);
    controller.abort(new Error('Ctrl-C'));
    await connecting;
    await processEnded(Number(readFileSync(file, 'utf8')));
  });

  it('is nothing once it was closed', async () => {
    await withSshd({}, async ({ port, user }) => {
      const { transport } = await connectOpensshTo({ port, user, keys: [key.path] });
      const [pid = ''] = mastersFor(port);
      const [, control = ''] = /\0ControlPath="([^\0]+)"\0/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? [];
      expect(statSync(dirname(control)).mode & 0o777).toBe(0o700);
      await transport.close();
      await processEnded(Number(pid));
      while (existsSync(dirname(control))) await systemClock.sleep(5);
    });
  });
});

/** The processes of ssh, and of who keeps it, that hold a connection to this port. */
function mastersFor(port: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.includes('-M') && words.includes(String(port));
    } catch {
      return false;
    }
  });
}
