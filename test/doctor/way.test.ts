import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { judgePort } from '../../src/doctor/way-checks.js';
import { Unmade } from '../../src/doctor/check.js';
import { SidecarError } from '../../src/errors.js';
import { unusedPort } from '../fakes/unused-port.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { netcat } from '../fakes/netcat.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startTcpServer } from '../fakes/tcp-servers.js';
import { Clinic, type Told } from './clinic.js';

let user: Clinic;
let key: MadeKey;
let sshd: Sshd;
beforeEach(async () => {
  user = new Clinic();
  key = await makeKey(user.directory('keys'), 'key');
  sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far') });
});
afterEach(async () => {
  await sshd.stop();
  user[Symbol.dispose]();
});

const use = (machine: Parameters<Clinic['use']>[0] = { host: '127.0.0.1' }, hostKeys?: string[]): Promise<void> =>
  user.use({ port: sshd.port, user: sshd.user, identity: key.path, ...machine }, hostKeys);

const results = (told: Readonly<Record<string, Told>>): Record<string, string> =>
  Object.fromEntries(
    ['address', 'name', 'port', 'host_key', 'login', 'remote.shell'].map((id) => [id, told[id]?.result ?? '']),
  );

describeWith(sshdParts, 'the way to a sidecar', () => {
  it('that is free is told step by step, and the host key, which is new, is shown and not remembered', async () => {
    await use();
    const told = await user.examine();
    expect(results(told)).toEqual({
      ...{ address: 'ok', name: 'ok', port: 'ok' },
      ...{ host_key: 'warning', login: 'ok', 'remote.shell': 'ok' },
    });
    expect(told.host_key.detail).toMatch(/SHA256:/);
    expect(told['remote.workspace'].detail).toBe(
      `${path.join(user.directory('far'), 'project')}, made by the first landing`,
    );
    expect(told['remote.git'].result).toBe('ok');
    expect(told['remote.clock'].result).toBe('ok');
    expect((await registryStore(user.stateDir).read()).sidecars[0]?.hostKeys).toEqual([]);
  });

  it('whose host key is pinned is free', async () => {
    await use(undefined, [sshd.hostKeyLine]);
    expect((await user.examine()).host_key).toEqual({ result: 'ok', detail: 'it shows the key that is pinned' });
  });

  it('ends at a port that nobody listens on, and what comes after is not tried', async () => {
    await use({ host: '127.0.0.1', port: await unusedPort() });
    const told = await user.examine();
    expect(results(told)).toEqual({
      ...{ address: 'ok', name: 'ok', port: 'failed' },
      ...{ host_key: 'skipped', login: 'skipped', 'remote.shell': 'skipped' },
    });
    expect(told.port.detail).toContain('connection refused');
    expect(told.port.fix).toContain('its port open');
    expect(told['remote.clock'].detail).toBe('not tried: see port');
  });

  it('ends at a host that shows another key than the pinned one', async () => {
    const other = await makeKey(user.directory('keys'), 'other');
    await use(undefined, [other.line]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({
      port: 'ok',
      host_key: 'failed',
      login: 'skipped',
      'remote.shell': 'skipped',
    });
    expect(told.host_key.fix).toContain('sidecar forget web');
  });

  it('ends at a login that is refused, and the host key is judged all the same', async () => {
    const other = await makeKey(user.directory('keys'), 'other');
    await use({ host: '127.0.0.1', identity: other.path }, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ port: 'ok', host_key: 'ok', login: 'failed', 'remote.shell': 'skipped' });
    expect(told.login.detail).toContain(other.path);
  });

  it('is gone as far as the host key where there is no key that could be used', async () => {
    writeFileSync(key.path, 'no key');
    await use(undefined, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ port: 'ok', host_key: 'ok', login: 'failed', 'remote.shell': 'skipped' });
    expect(told.keys).toMatchObject({ result: 'failed', detail: expect.stringContaining(key.path) as string });
  });

  it('is gone as far as the host key where nobody can be asked for a passphrase', async () => {
    const locked = await makeKey(user.directory('keys'), 'locked', { passphrase: 'secret' });
    await use({ host: '127.0.0.1', identity: locked.path }, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ host_key: 'ok', login: 'failed' });
    expect(told.login.fix).toContain(`ssh-add ${locked.path}`);
  });

  it('ends at a server that hangs up before it says a word', async () => {
    await using server = await startTcpServer((socket) => socket.end());
    await use({ host: '127.0.0.1', port: server.port });
    expect(results(await user.examine())).toMatchObject({ port: 'ok', host_key: 'failed', login: 'skipped' });
  });

  it('ends at a configuration of ssh that it cannot follow, before any connection', async () => {
    user.write('home/.ssh/config', 'Host web\n  ProxyJump web\n');
    await use({ host: 'web' });
    const told = await user.examine();
    expect(results(told)).toMatchObject({ address: 'failed', name: 'skipped', port: 'skipped', login: 'skipped' });
    expect(told.address.detail).toContain('jumphost loop');
  });

  it('over another host is told as far as that goes', async () => {
    await using hop = await startSshd({ authorizedKeys: [key.line] });
    const identity = `IdentityFile ${key.path}`;
    user.write('home/.ssh/config', `Host hop\nHostName 127.0.0.1\nPort ${hop.port}\nUser ${hop.user}\n${identity}\n`);
    await use({ host: 'localhost', jump: [{ host: 'hop' }] }, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ address: 'ok', name: 'ok', port: 'ok', host_key: 'ok', login: 'ok' });
    expect(told.address.detail).toBe(`${sshd.user}@localhost:${sshd.port}, over hop`);
    expect(told.name.detail).toBe('127.0.0.1 is an address');
    await hop.stop();
    const later = await user.examine();
    expect(results(later)).toMatchObject({ name: 'ok', port: 'failed', host_key: 'skipped', login: 'skipped' });
    expect(later.port.detail).toContain('hop, on the way there: connection refused');
  });

  it('by a proxy command is told as far as that goes, and its name is not looked up', async () => {
    const leading = netcat(sshd.port).map((word) => `"${word}"`);
    user.write('home/.ssh/config', `Host far\nProxyCommand ${leading.join(' ')}\nHost lost\nProxyCommand exit 7\n`);
    await use({ host: 'far' }, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ address: 'ok', name: 'ok', port: 'ok', host_key: 'ok', login: 'ok' });
    expect([told.address.detail, told.name.detail, told.port.detail]).toEqual([
      `${sshd.user}@far:${sshd.port}, by a proxy command`,
      'far is not looked up here',
      'the way leads to an SSH server',
    ]);
  });

  it('whose proxy command fails ends there, with its exit code', async () => {
    user.write('home/.ssh/config', 'Host far\nProxyCommand sh -c "echo no tunnel >&2; exit 7"\n');
    await use({ host: 'far' }, [sshd.hostKeyLine]);
    const told = await user.examine();
    expect(results(told)).toMatchObject({ name: 'ok', port: 'failed', host_key: 'skipped', login: 'skipped' });
    expect(told.port.detail).toContain('the proxy command ended with exit code 7: no tunnel');
  });

  it('that is given up by whoever asked ends with the reason', async () => {
    await use();
    const reason = new Error('enough');
    await expect(user.examine({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

it('a name that does not resolve is told once, and not of the port too', () => {
  const error = new SidecarError('ssh.unreachable', { stage: 'dial', errno: 'ENOTFOUND' });
  expect(() => judgePort({ reached: 'nothing', error }, { host: 'web', port: 22 })).toThrow(new Unmade('name'));
  const openssh = { arguments: [], env: {}, why: 'asked for' };
  expect(() => judgePort({ reached: 'nothing', error }, { host: 'web', port: 22, openssh })).toThrow(error);
  const refused = { reached: 'port', error } as const;
  expect(judgePort(refused, { host: 'web', port: 22, openssh })).toMatchObject({ says: 'port.led_to' });
});
