import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveSshHost, type ResolvedSshHost, type SshHostQuery } from '../../src/transport/ssh-config.js';
import { describeWith } from '../fakes/parts.js';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sidecar-ssh-config-'));
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(async () => {
  await rm(join(home, '.ssh'), { recursive: true, force: true });
  await mkdir(join(home, '.ssh'));
});

const accountHome = userInfo().homedir;

/** Resolves a host with `config` as the user's `~/.ssh/config`. */
async function resolve(
  query: Partial<SshHostQuery> & { readonly host: string },
  config: readonly string[] = [],
): Promise<ResolvedSshHost> {
  await writeFile(join(home, '.ssh', 'config'), config.join('\n'));
  return resolveSshHost({ homeDir: home, env: { PATH: process.env['PATH'] }, ...query });
}

async function makeFile(...path: string[]): Promise<string> {
  const file = join(home, ...path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '');
  return file;
}

describeWith(['ssh'], "a host for the user's own ssh", () => {
  it('is told as it was given, and the way there is left to ssh', async () => {
    const identity = await makeFile('keys', 'id');
    const query = { host: 'web', user: 'dev', port: 2222, identity, transport: 'openssh' } as const;
    const { openssh, host } = await resolve(query, ['Host web', 'HostName 10.0.0.7', 'ProxyJump gate']);
    expect(host).toBe('10.0.0.7');
    expect(openssh?.why).toBe('asked for');
    const rest = ['-l', 'dev', '-p', '2222', '--', 'web'];
    expect(openssh?.arguments.slice(0, 4)).toEqual(['-i', identity, '-o', 'IdentitiesOnly=yes']);
    expect(openssh?.arguments.slice(-rest.length)).toEqual(rest);
  });

  it('is without what would take the connection out of our hands', async () => {
    const config = ['KnownHostsCommand /bin/cat /etc/keys', 'ForkAfterAuthentication yes', 'RemoteCommand tmux'];
    const { openssh } = await resolve({ host: 'web', transport: 'openssh' }, config);
    expect(openssh?.arguments.slice(0, 4)).toEqual([
      '-o',
      'KnownHostsCommand=none',
      '-o',
      'ForkAfterAuthentication=no',
    ]);
  });

  it('is one by what is configured, unless ssh2 is asked for', async () => {
    const config = ['Host web', 'CertificateFile ~/somewhere-cert.pub'];
    expect((await resolve({ host: 'web' }, config)).openssh?.why).toBe('CertificateFile is configured');
    expect((await resolve({ host: 'web', transport: 'ssh2' }, config)).openssh).toBeUndefined();
    expect((await resolve({ host: 'web' })).openssh).toBeUndefined();
  });

  it('is one where known_hosts has an authority vouch for the host, unless its key is known', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDjRVYH1uGolp30FvrPMzDEuL84u6vQbCgXRb3Rj+q13';
    const file = join(home, '.ssh', 'known_hosts');
    const config = [`UserKnownHostsFile ${file}`, 'GlobalKnownHostsFile none'];
    await writeFile(file, `@cert-authority *.corp ${key}\n`);
    const why = 'known_hosts has an authority vouch for the host';
    expect((await resolve({ host: 'web.corp' }, config)).openssh?.why).toBe(why);
    expect((await resolve({ host: 'web.corp', isPinned: true }, config)).openssh).toBeUndefined();
    expect((await resolve({ host: 'web.elsewhere' }, config)).openssh).toBeUndefined();
    await writeFile(file, `@cert-authority *.corp ${key}\nweb.corp ${key}\n`);
    expect((await resolve({ host: 'web.corp' }, config)).openssh).toBeUndefined();
  });

  it('is one also where only ssh can log in to a host on the way', async () => {
    const config = ['Host web', 'ProxyJump gate', 'Host gate', 'CertificateFile ~/somewhere-cert.pub'];
    const { openssh, route } = await resolve({ host: 'web' }, config);
    expect(openssh?.why).toBe('gate: CertificateFile is configured');
    expect(route).toBeUndefined();
  });

  it('is refused where there is no ssh', async () => {
    const query = { host: 'web', transport: 'openssh', env: { PATH: home } } as const;
    await expect(resolve(query)).rejects.toMatchObject({ code: 'ssh.config_invalid' });
  });
});

describeWith(['ssh'], 'a host resolved through ssh', () => {
  it('is to be tried again where ssh has to look up its name for that, and cannot', async () => {
    const config = ['CanonicalizeHostname yes', 'CanonicalizeFallbackLocal no', 'CanonicalDomains invalid'];
    await expect(resolve({ host: 'web', port: 2222 }, config)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { host: 'web', port: 2222, reason: 'the name does not resolve' },
    });
  });

  it.each([
    ['StrictHostKeyChecking yes', 'StrictHostKeyChecking yes'],
    ['KnownHostsCommand /bin/cat /etc/keys', 'KnownHostsCommand'],
    ['StrictHostKeyChecking ask', undefined],
    ['StrictHostKeyChecking accept-new', undefined],
    ['StrictHostKeyChecking no', undefined],
    ['KnownHostsCommand none', undefined],
  ])('takes %s for a word on keys that nobody knows: refused by %s', async (option, rule) => {
    expect((await resolve({ host: 'web' }, [option])).firstUseRefusedBy).toBe(rule);
    expect((await resolve({ host: 'web', transport: 'openssh' }, [option])).firstUseRefusedBy).toBe(rule);
  });

  it('takes RevokedHostKeys, in a home directory and by tokens, and none where there are none', async () => {
    const file = await makeFile('revoked-web');
    expect((await resolve({ host: 'web' }, ['RevokedHostKeys ~/revoked-%h'])).revokedHostKeysFile).toBe(file);
    expect((await resolve({ host: 'web' }, ['RevokedHostKeys none'])).revokedHostKeysFile).toBeUndefined();
    await expect(resolve({ host: 'web' }, [`RevokedHostKeys ${home}/missing`])).rejects.toMatchObject({
      code: 'ssh.config_invalid',
      facts: { host: 'web', reason: expect.stringContaining('missing') as string },
    });
  });

  it('is for OpenSSH where its RevokedHostKeys are no list', async () => {
    await writeFile(join(home, 'revoked'), 'SSHKRL\n\0');
    const { openssh } = await resolve({ host: 'web', isPinned: true }, [`RevokedHostKeys ${home}/revoked`]);
    expect(openssh?.why).toBe('RevokedHostKeys is no list of public keys');
  });

  it('takes no name as a BindAddress, unless OpenSSH connects', async () => {
    const config = ['Host web', 'BindAddress my.interface'];
    await expect(resolve({ host: 'web' }, config)).rejects.toMatchObject({
      code: 'ssh.config_invalid',
      facts: { reason: expect.stringContaining('BindAddress my.interface') as string },
    });
    expect((await resolve({ host: 'web', transport: 'openssh' }, config)).openssh).toBeDefined();
  });

  it('is itself where nothing is configured', async () => {
    expect(await resolve({ host: 'Web.Example.com' })).toMatchObject({
      alias: 'Web.Example.com',
      host: 'web.example.com',
      port: 22,
      user: userInfo().username,
      identitiesOnly: false,
    });
  });

  it('takes host name, port, user and HostKeyAlias from the configuration', async () => {
    const config = ['Host web', 'HostName %h.example.com', 'Port 2222', 'User dev', 'HostKeyAlias fleet'];
    const resolved = await resolve({ host: 'web' }, config);
    expect(resolved).toMatchObject({ alias: 'web', host: 'web.example.com', port: 2222, user: 'dev' });
    expect(resolved.hostKeyAlias).toBe('fleet');
  });

  it('lets the user and port that were given win, and Match see them', async () => {
    const config = ['Host web', 'Port 2222', 'User dev', 'Match user ops', 'HostName ops.example.com'];
    const resolved = await resolve({ host: 'web', user: 'ops', port: 2200 }, config);
    expect(resolved).toMatchObject({ host: 'ops.example.com', port: 2200, user: 'ops' });
  });

  it('follows Include and Match exec', async () => {
    await writeFile(join(home, 'included'), 'Host web\nHostName included.example.com\n');
    const config = [`Include ${home}/included`, 'Match exec "test %h = included.example.com"', 'Port 2222'];
    expect(await resolve({ host: 'web' }, config)).toMatchObject({ host: 'included.example.com', port: 2222 });
  });

  it('takes an IPv6 address', async () => {
    expect(await resolve({ host: '::1', port: 2222 })).toMatchObject({ host: '::1', port: 2222 });
  });

  it.each(['', '-oProxyCommand=touch /tmp/owned', '-v', 'a b', 'a\nb', 'a\u0000b', ' web'])(
    'may not be called %j',
    async (host) => {
      await expect(resolve({ host })).rejects.toMatchObject({ code: 'usage.invalid', retryable: false });
    },
  );

  it('that ssh itself finds invalid is refused with its words', async () => {
    await expect(resolve({ host: 'a;b' })).rejects.toMatchObject({
      code: 'ssh.config_invalid',
      facts: { host: 'a;b', reason: 'hostname contains invalid characters' },
    });
  });

  it('is refused when the configuration is broken, with the first line that ssh says', async () => {
    await expect(resolve({ host: 'web' }, ['Host *', 'Prot 2222'])).rejects.toMatchObject({
      code: 'ssh.config_invalid',
      retryable: false,
      facts: {
        host: 'web',
        reason: `${home}/.ssh/config: line 2: Bad configuration option: prot`,
        file: `${home}/.ssh/config`,
        line: 2,
      },
    });
  });

  it.each(['ProxyJump', 'ProxyCommand'])('with %s none needs no proxy', async (option) => {
    const config = ['Host web', `${option} none`, 'Host *', `${option} bastion`];
    expect(await resolve({ host: 'web' }, config)).toMatchObject({ host: 'web' });
  });
});

/** The hosts on the way, the first to connect to first, as `user@host:port`. */
const hops = ({ route }: Pick<ResolvedSshHost, 'route'>): string[] =>
  route?.kind === 'jump' ? [...hops(route.over), `${route.over.user}@${route.over.host}:${route.over.port}`] : [];

describeWith(['ssh'], 'the jump hosts of a host', () => {
  const me = userInfo().username;
  const config = [
    'Host web',
    'ProxyJump ops@outer:2200,inner',
    'Host outer',
    'HostName outer.example.com',
    'ProxyJump gate',
    'Host inner',
    'User deploy',
    'Port 2222',
    'IdentityFile /keys/inner',
    'ProxyJump never-used',
    'Host v6',
    'ProxyJump ada@[::1]:2022',
    'Host by-name',
    'HostName real',
    'ProxyJump %h-gate',
  ];

  it('are those of the configuration, in their order, and that of the first by its own', async () => {
    const resolved = await resolve({ host: 'web' }, config);
    expect(hops(resolved)).toEqual([`${me}@gate:22`, 'ops@outer.example.com:2200', 'deploy@inner:2222']);
    expect(resolved.route).toMatchObject({
      over: { alias: 'inner', identityFiles: ['/keys/inner'], hostKeys: [], knownHostsFiles: expect.any(Array) as [] },
    });
  });

  it('may be addresses, and named after the host', async () => {
    expect(hops(await resolve({ host: 'v6' }, config))).toEqual(['ada@::1:2022']);
    expect(hops(await resolve({ host: 'by-name' }, config))).toEqual([`${me}@real-gate:22`]);
  });

  it('are those that were asked for, instead', async () => {
    const jump = [
      { host: 'inner', user: 'ops' },
      { host: '::1', port: 2022 },
    ];
    expect(hops(await resolve({ host: 'web', jump }, config.slice(0, -3)))).toEqual([
      `${me}@never-used:22`,
      'ops@inner:2222',
      `${me}@::1:2022`,
    ]);
    expect(await resolve({ host: 'web', jump: [] }, config)).not.toHaveProperty('route');
  });

  it('have the keys that are pinned for them', async () => {
    const hopKeys = { '[inner]:2222': ['ssh-ed25519 AAAA'], inner: ['ssh-rsa BBBB'] };
    const { route } = await resolve({ host: 'web', hopKeys }, config);
    expect(route).toMatchObject({ over: { hostKeys: ['ssh-ed25519 AAAA'] } });
  });

  it('may have the address of the host, which is another machine as they see it', async () => {
    const address = ['HostName 10.0.0.7', 'User dev'];
    const config = ['Host outer', ...address, 'Host web', ...address, 'ProxyJump outer'];
    const { route } = await resolve({ host: 'web' }, config);
    expect(route).toMatchObject({ kind: 'jump', over: { alias: 'outer', host: '10.0.0.7', user: 'dev' } });
  });

  it.each([
    ['over itself', ['Host web', 'ProxyJump web'], 'jumphost loop via web'],
    [
      'over itself by its address',
      ['Host web', 'HostName same', 'ProxyJump web'],
      'its jump hosts lead in a circle: web over web',
    ],
    [
      'in a circle',
      ['Host web', 'ProxyJump a', 'Host a', 'ProxyJump b', 'Host b', 'ProxyJump a'],
      'its jump hosts lead in a circle: web over a over b over a',
    ],
    [
      'without an end',
      ['Host web*', 'HostName same', 'ProxyJump web-%n'],
      expect.stringContaining('it has more than 16 jump hosts') as string,
    ],
  ])('that lead %s are refused', async (_how, circle, reason) => {
    await expect(resolve({ host: 'web' }, circle)).rejects.toMatchObject({
      ...{ code: 'ssh.config_invalid', retryable: false, facts: { reason } },
    });
  });
});

describeWith(['ssh'], 'the proxy command of a host', () => {
  const env = { PATH: process.env['PATH'], SHELL: '/bin/zsh' };

  it('is a line for the shell of the user, with its tokens expanded as ssh does', async () => {
    const config = [
      'Host web',
      'HostName web.example.com',
      'User dev',
      'Port 2222',
      'HostKeyAlias fleet',
      'ProxyCommand tunnel %h %p %r %n %k 100%% $HOME',
    ];
    expect((await resolve({ host: 'web', env }, config)).route).toEqual({
      kind: 'command',
      argv: ['/bin/zsh', '-c', 'exec tunnel web.example.com 2222 dev web fleet 100% $HOME'],
    });
  });

  it('is run by sh where no shell is set', async () => {
    const { route } = await resolve({ host: 'web' }, ['Host web', 'ProxyCommand nc %h %p']);
    expect(route).toEqual({ kind: 'command', argv: ['/bin/sh', '-c', 'exec nc web 22'] });
  });

  it.each([
    ['an unknown token', ['ProxyCommand nc %h %x'], 'ProxyCommand "nc %h %x" holds the unknown token "%x"'],
    ['a token that is none', ['ProxyCommand nc %'], 'ProxyCommand "nc %" holds the unknown token "%"'],
    ['ProxyUseFdpass', ['ProxyCommand nc -F', 'ProxyUseFdpass yes'], 'ProxyUseFdpass is not supported'],
  ])('with %s is refused', async (_what, config, reason) => {
    await expect(resolve({ host: 'web' }, config)).rejects.toMatchObject({
      ...{ code: 'ssh.config_invalid', facts: { host: 'web', reason } },
    });
  });

  it('counts where it is said before a ProxyJump, and does not after one', async () => {
    const config = [
      'Host a',
      'ProxyCommand nc',
      'Host b',
      'ProxyJump gate',
      'Host *',
      'ProxyJump hop',
      'ProxyCommand x',
    ];
    expect((await resolve({ host: 'a' }, config)).route).toMatchObject({ kind: 'command' });
    const b = ['Host b', 'ProxyJump gate', 'Match host b', 'ProxyCommand nc'];
    expect(hops(await resolve({ host: 'b' }, b))).toEqual([`${userInfo().username}@gate:22`]);
  });
});

describeWith(['ssh'], 'the ways of a host', () => {
  it('are told by Include, and by Match of user, host, command and the final name', async () => {
    await writeFile(join(home, 'included'), 'Match originalhost web user dev\nPort 2222\n');
    const config = [
      `Include ${home}/included`,
      'CanonicalizeHostname yes',
      'Match exec "test %n = web"',
      'HostName %h.example.com',
      'Match final host web.example.com',
      'ProxyJump gate',
      'Match host nothing',
      'ProxyJump wrong',
    ];
    const resolved = await resolve({ host: 'web', user: 'dev' }, config);
    expect(resolved).toMatchObject({ host: 'web.example.com', port: 2222, user: 'dev' });
    expect(hops(resolved)).toEqual([`${userInfo().username}@gate:22`]);
  });

  it('may begin at one address of here, and use one kind of addresses', async () => {
    const config = ['Host web', 'AddressFamily inet6', 'BindAddress ::1'];
    expect(await resolve({ host: 'web' }, config)).toMatchObject({ addressFamily: 6, bindAddress: '::1' });
    const either = await resolve({ host: 'web' });
    expect(either).not.toHaveProperty('addressFamily');
    expect(either).not.toHaveProperty('bindAddress');
  });
});

describeWith(['ssh'], 'the identity files of a host', () => {
  it('are the usual ones that exist, in the order of ssh', async () => {
    const ed25519 = await makeFile('.ssh', 'id_ed25519');
    const rsa = await makeFile('.ssh', 'id_rsa.pub');
    const { identityFiles } = await resolve({ host: 'web' });
    expect(identityFiles.filter((path) => path.startsWith(home))).toEqual([rsa.replace('.pub', ''), ed25519]);
  });

  it('are the configured ones, with ~, tokens and variables expanded, missing ones too', async () => {
    const config = [
      'Host web',
      'HostName web.example.com',
      'User dev',
      'Port 2222',
      'HostKeyAlias fleet',
      'IdentityFile ~/.ssh/keys/%r@%h:%p-%n-%k-%%',
      'IdentityFile %d/%u-%L',
      'IdentityFile "/with space/${KEY}"',
    ];
    const env = { PATH: process.env['PATH'], KEY: 'key', USER: 'me' };
    expect((await resolve({ host: 'web', env }, config)).identityFiles).toEqual([
      `${home}/.ssh/keys/dev@web.example.com:2222-web-fleet-%`,
      `${home}/me-${hostname().split('.')[0] ?? ''}`,
      '/with space/key',
    ]);
  });

  it('are none for IdentityFile none', async () => {
    expect((await resolve({ host: 'web' }, ['IdentityFile none'])).identityFiles).toEqual([]);
  });

  it('are the only keys to try under IdentitiesOnly', async () => {
    expect(await resolve({ host: 'web' }, ['IdentitiesOnly yes'])).toMatchObject({ identitiesOnly: true });
  });

  it('are the one that was given, alone', async () => {
    await makeFile('.ssh', 'id_ed25519');
    const resolved = await resolve({ host: 'web', identity: '/keys/web' }, ['IdentityFile ~/.ssh/other']);
    expect(resolved).toMatchObject({ identityFiles: ['/keys/web'], identitiesOnly: true });
  });
});

describeWith(['ssh'], 'the agent of a host', () => {
  const env = { PATH: process.env['PATH'], SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' };

  it.each([
    ['SSH_AUTH_SOCK by default', [], '/run/agent'],
    ['SSH_AUTH_SOCK when asked for', ['IdentityAgent SSH_AUTH_SOCK'], '/run/agent'],
    ['none', ['IdentityAgent none'], undefined],
    ['a socket', ['IdentityAgent /run/configured'], '/run/configured'],
    ['a variable', ['IdentityAgent $OTHER'], '/run/other'],
    ['a variable that is not set', ['IdentityAgent $MISSING'], undefined],
  ])('is %s', async (_what, config, socket) => {
    expect((await resolve({ host: 'web', env }, config)).agentSocket).toBe(socket);
  });

  it('is found in the home directory', async () => {
    const socket = await makeFile('agent sock');
    expect((await resolve({ host: 'web', env }, ['IdentityAgent "~/agent sock"'])).agentSocket).toBe(socket);
  });

  it('is none without SSH_AUTH_SOCK', async () => {
    expect((await resolve({ host: 'web', env: { ...env, SSH_AUTH_SOCK: '' } })).agentSocket).toBeUndefined();
  });
});

describeWith(['ssh'], 'the agent that is forwarded to a host', () => {
  const env = { PATH: process.env['PATH'], SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' };

  it.each([
    ['none by default', [], undefined],
    ['the one that is used', ['ForwardAgent yes'], '/run/agent'],
    ['the one that is used, where that is another', ['ForwardAgent yes', 'IdentityAgent /run/used'], '/run/used'],
    ['one of its own', ['ForwardAgent $OTHER'], '/run/other'],
    ['none where it is said', ['ForwardAgent no'], undefined],
  ])('is %s', async (_what, config, socket) => {
    expect((await resolve({ host: 'web', env }, config)).forwardAgent).toBe(socket);
  });
});

describeWith(['ssh'], 'the certificates of a host', () => {
  it('are named', async () => {
    const config = ['Host web', 'CertificateFile /keys/%r-cert.pub', 'User dev'];
    expect((await resolve({ host: 'web' }, config)).certificateFiles).toEqual(['/keys/dev-cert.pub']);
  });
});

describeWith(['ssh'], 'the known_hosts files of a host', () => {
  it("are the user's, in HOME and in the account's home directory, then the system's", async () => {
    const { knownHostsFiles } = await resolve({ host: 'web' });
    expect(knownHostsFiles.slice(0, 4)).toEqual([
      `${home}/.ssh/known_hosts`,
      `${accountHome}/.ssh/known_hosts`,
      `${home}/.ssh/known_hosts2`,
      `${accountHome}/.ssh/known_hosts2`,
    ]);
    expect(knownHostsFiles).toContain('/etc/ssh/ssh_known_hosts');
  });

  it('are the configured ones, with spaces in their names', async () => {
    const config = ['UserKnownHostsFile "/my hosts/a" /my/b', 'GlobalKnownHostsFile none'];
    expect((await resolve({ host: 'web' }, config)).knownHostsFiles).toEqual(['/my hosts/a', '/my/b']);
  });
});

describe('a host where there is no ssh', () => {
  const env = { PATH: '/nonexistent', USER: 'me', SSH_AUTH_SOCK: '/run/agent' };

  it('is taken literally, with the usual keys and known_hosts', async () => {
    const key = await makeFile('.ssh', 'id_ed25519');
    const resolved = await resolve({ host: 'web', env }, ['Host web', 'Port 2222']);
    expect(resolved).toMatchObject({ alias: 'web', host: 'web', port: 22, user: 'me', identitiesOnly: false });
    expect(resolved).toMatchObject({ agentSocket: '/run/agent' });
    expect(resolved.identityFiles).toContain(key);
    expect(resolved.knownHostsFiles[0]).toBe(`${home}/.ssh/known_hosts`);
  });

  it('takes the user, port and identity that were given', async () => {
    const resolved = await resolve({ host: 'web', user: 'dev', port: 2222, identity: '/keys/web', env });
    expect(resolved).toMatchObject({ user: 'dev', port: 2222, identityFiles: ['/keys/web'], identitiesOnly: true });
  });

  it('is reached over the hosts that were given', async () => {
    const jump = [
      { host: 'outer', user: 'ops' },
      { host: 'inner', port: 2222 },
    ];
    expect(hops(await resolve({ host: 'web', jump, env }))).toEqual(['ops@outer:22', 'me@inner:2222']);
    await expect(resolve({ host: 'web', jump: [{ host: 'web' }], env })).rejects.toMatchObject({
      code: 'ssh.config_invalid',
    });
  });

  it('may not begin with a dash either', async () => {
    await expect(resolve({ host: '-web', env })).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});
