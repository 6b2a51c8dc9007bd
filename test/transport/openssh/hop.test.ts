import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../src/provider/local/free-port.js';
import { Passphrases } from '../../../src/transport/openssh/passphrases.js';
import { connectOpensshTo, type OpensshLogin } from '../../fakes/openssh-client.js';
import { describeWith } from '../../fakes/parts.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { sshdParts, startSshd, type Sshd } from '../../fakes/sshd.js';

/** Hosts on the way, to which the user's own ssh starts another ssh. */

let directory: string;
let key: MadeKey;
let hop: Sshd;
let target: Sshd;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-hop-'));
  key = await makeKey(directory, 'id');
  const authorizedKeys = [key.line];
  [hop, target] = await Promise.all([startSshd({ authorizedKeys }), startSshd({ authorizedKeys })]);
});
afterAll(async () => {
  await Promise.all([hop.stop(), target.stop()]);
  await rm(directory, { recursive: true, force: true });
});

/** A configuration with which every ssh trusts the host on the way. */
async function trusting({ port, hostKeyLine }: Sshd, ...settings: readonly string[]): Promise<string> {
  const place = await mkdtemp(join(directory, 'config-'));
  const [config, known] = [join(place, 'config'), join(place, 'known_hosts')];
  await writeFile(known, `[127.0.0.1]:${port} ${hostKeyLine}\n`);
  const all = [...settings, `UserKnownHostsFile ${known}`, `IdentityFile ${key.path}`];
  await writeFile(config, `Host *\n${all.map((line) => `  ${line}\n`).join('')}`);
  return config;
}

const jumpOver = ({ user, port }: Sshd): string => `ProxyJump=${user}@127.0.0.1:${port}`;

async function over(way: Sshd, { port, user, hostKeyLine }: Sshd = target): Promise<OpensshLogin> {
  return { port, user, hostKeyLine, keys: [key.path], config: await trusting(way), options: [jumpOver(way)] };
}

describeWith([...sshdParts, 'ssh'], 'a host on the way', () => {
  it.each(['ProxyJump', 'ProxyCommand'])('whose ssh tells all that it does is no other: with %s', async (option) => {
    const { port, user, hostKeyLine } = target;
    const config = await trusting(hop, 'LogLevel DEBUG');
    const command = `ProxyCommand=ssh -F ${config} -p ${hop.port} -W %h:%p -l ${hop.user} 127.0.0.1`;
    const login = { port, user, keys: [key.path], config, options: [option === 'ProxyJump' ? jumpOver(hop) : command] };
    for (const [pin, hostKey] of [
      [{ hostKeyLine }, { kind: 'pinned' }],
      [{}, { kind: 'learn', line: hostKeyLine }],
    ] as const) {
      const connected = await connectOpensshTo({ ...login, ...pin });
      await connected.transport.close();
      expect(connected.hostKey).toMatchObject(hostKey);
    }
  });

  it('that ssh does not know fails at once, and it is said of that one', async () => {
    const { port, user } = target;
    const options = [`ProxyJump=${hop.user}@localhost:${hop.port}`, 'IdentityAgent=none'];
    const passphrases = new Passphrases(() => Promise.resolve('yes'));
    const connecting = connectOpensshTo({ port, user, keys: [key.path], options, passphrases });
    await expect(connecting).rejects.toMatchObject({
      code: 'ssh.protocol',
      retryable: false,
      facts: { stage: 'dial', reason: expect.stringContaining('a host on the way') as string },
    });
  });

  it('that forwards nothing says so, and is not tried again', async () => {
    await using closed = await startSshd({ authorizedKeys: [key.line], config: ['AllowTcpForwarding no'] });
    await expect(connectOpensshTo(await over(closed))).rejects.toMatchObject({
      ...{ code: 'ssh.channel_refused', retryable: false },
      facts: { reason: 'a host on the way says: administratively prohibited: open failed', sshReason: 1 },
    });
  });

  it('that does not reach the machine yet says so, and is tried again', async () => {
    const login = { ...(await over(hop)), port: await freePort() };
    await expect(connectOpensshTo(login)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { stage: 'dial', reason: 'a host on the way says: connect failed: connection refused' },
    });
  });
});
