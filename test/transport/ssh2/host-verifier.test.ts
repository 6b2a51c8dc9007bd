import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import { hostKeyPolicy, type HostKeyPolicy, type HostKeyVerdict } from '../../../src/transport/host-trust.js';
import { hostVerifier } from '../../../src/transport/ssh2/host-verifier.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo, targetFor } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd } from '../../fakes/sshd.js';

const changed = new SidecarError('ssh.host_key_changed', {}, { retryable: false });
const revoked = new SidecarError('ssh.host_key_revoked', {}, { retryable: false });

function policyOf(verdict: () => HostKeyVerdict): HostKeyPolicy {
  return { preferredAlgorithms: undefined, verdict };
}

const refusing = (error: SidecarError): HostKeyPolicy => policyOf(() => ({ kind: 'refused', error }));

describe('hostVerifier', () => {
  const first = Buffer.from('first key');
  const second = Buffer.from('second key');

  /** What ssh2 gets to see: the value returned, which would mean "accept", and the answers called back. */
  function ask(policy: HostKeyPolicy, ...blobs: Buffer[]): { returned: unknown[]; answers: unknown[] } {
    const { verify } = hostVerifier(policy);
    const answers: unknown[] = [];
    const returned = blobs.map((blob): unknown => verify(blob, (valid) => answers.push(valid)));
    return { returned, answers };
  }

  it('answers a refusal with false through the callback, and returns nothing', () => {
    expect(ask(refusing(changed), first)).toEqual({ returned: [undefined], answers: [false] });
  });

  it('answers a pinned and a learned key with true, and returns nothing', () => {
    const pinned = policyOf(() => ({ kind: 'pinned' }));
    expect(ask(pinned, first)).toEqual({ returned: [undefined], answers: [true] });
    const learning = policyOf(() => ({ kind: 'learn', source: 'first-use', line: '', keyType: '', fingerprint: '' }));
    expect(ask(learning, first)).toEqual({ returned: [undefined], answers: [true] });
  });

  it('accepts no other key at a later key exchange than the one accepted first', () => {
    expect(
      ask(
        policyOf(() => ({ kind: 'pinned' })),
        first,
        first,
        second,
      ).answers,
    ).toEqual([true, true, false]);
  });

  it('keeps the reason of a refusal', () => {
    const verifier = hostVerifier(refusing(revoked));
    verifier.verify(first, () => undefined);
    expect(verifier.refusal).toBe(revoked);
    expect(verifier.accepted).toBeUndefined();
  });
});

describe('a refused host key', () => {
  const broken = new Error('the policy broke');
  const policies: [title: string, policy: HostKeyPolicy, expected: object][] = [
    ['changed', refusing(changed), changed],
    ['revoked', refusing(revoked), revoked],
    [
      'of a policy that throws',
      policyOf(() => {
        throw broken;
      }),
      { code: 'ssh.protocol', retryable: false, cause: broken },
    ],
  ];

  it.each(policies)('%s: fails the attempt before the server sees any login', async (_title, hostKeys, expected) => {
    await using server = await startSshServer();
    const directory = await mkdtemp(join(tmpdir(), 'sidecar-verifier-'));
    const key = await makeKey(directory, 'id');
    await expect(connectTo({ port: server.port, keys: [key.path], hostKeys })).rejects.toMatchObject(expected);
    expect(server.connections).toBe(1);
    expect(server.authRequests).toBe(0);
    await rm(directory, { recursive: true });
  });
});

describeWith(sshdParts, 'a refused host key of a real sshd', () => {
  let directory: string;
  let key: MadeKey;
  let other: MadeKey;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-verifier-'));
    [key, other] = await Promise.all([makeKey(directory, 'id'), makeKey(directory, 'other')]);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const loginSeen = 'userauth-request';

  it('that differs from the pin: the server sees no login, and the right pin then logs in', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line], config: ['LogLevel DEBUG1'] });
    const login = { port: sshd.port, user: sshd.user, keys: [key.path] };
    await expect(connectTo({ ...login, hostKeyLine: other.line })).rejects.toMatchObject({
      code: 'ssh.host_key_changed',
    });
    expect(sshd.log()).not.toContain(loginSeen);
    const { transport, hostKey } = await connectTo({ ...login, hostKeyLine: sshd.hostKeyLine });
    expect(hostKey).toEqual({ kind: 'pinned' });
    await sshd.logged(loginSeen);
    await transport.close();
  });

  it('that known_hosts revokes: the server sees no login, though the key is pinned', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line], config: ['LogLevel DEBUG1'] });
    const knownHosts = join(directory, 'known_hosts');
    await writeFile(knownHosts, `@revoked * ${sshd.hostKeyLine}\n`);
    const login = { port: sshd.port, user: sshd.user, keys: [key.path], hostKeyLine: sshd.hostKeyLine };
    const hostKeys = await hostKeyPolicy({ ...targetFor(login), knownHostsFiles: [knownHosts] });
    await expect(connectTo({ ...login, hostKeys })).rejects.toMatchObject({ code: 'ssh.host_key_revoked' });
    expect(sshd.log()).not.toContain(loginSeen);
  });
});
