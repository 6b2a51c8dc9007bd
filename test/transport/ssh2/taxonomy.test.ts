import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SidecarError } from '../../../src/errors.js';
import { loadIdentities } from '../../../src/transport/identities.js';
import { connectFailures } from '../../contract/connect-failures.js';
import { expectPermanent, failureOf, type FailingLogin } from '../../contract/failure.js';
import { sessionFailures } from '../../contract/session-failures.js';
import { canUseNamespaces, networkLab, type NetworkLab } from '../../fakes/namespace.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo, targetFor, type Login } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { sshdParts, startSshd } from '../../fakes/sshd.js';

const connector = {
  connect: async ({ askPassphrase, ...login }: FailingLogin) => {
    const target = { ...targetFor(login), identitiesOnly: true };
    const identities = await loadIdentities({ target, askPassphrase });
    return (await connectTo({ ...login, identities })).transport;
  },
  shortMs: 1_000,
  silence: 'Keepalive timeout',
};

describeWith(['ssh-keygen'], 'by ssh2', () => {
  connectFailures(connector);
});

describeWith(sshdParts, 'a session by ssh2', () => sessionFailures(connector));

describe.skipIf(!canUseNamespaces && process.env['CI'] !== 'true')(
  `in a network namespace${canUseNamespaces ? '' : ' (skipped: needs root on Linux)'}`,
  () => {
    let lab: NetworkLab;
    beforeAll(async () => {
      lab = await networkLab();
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    it('network unreachable: retried', async () => {
      expect(await lab.connect({ host: '192.0.2.1', port: 22 })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'ENETUNREACH' },
      });
    });

    it('host unreachable: retried', async () => {
      const setup = 'ip link set lo up && ip route add unreachable 192.0.2.0/24';
      expect(await lab.connect({ host: '192.0.2.1', port: 22, setup })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'EHOSTUNREACH' },
      });
    });

    it('one address of a name refused, and the other of a kind that this machine has not: retried', async () => {
      const setup = 'ip link set lo up && ip -6 address flush dev lo';
      const hosts = '127.0.0.1 dual.test\n::1 dual.test\n';
      expect(await lab.connect({ host: 'dual.test', port: 22, setup, hosts })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'ECONNREFUSED', reason: 'connection refused' },
        cause: { name: 'AggregateError' },
      });
    });

    it('both addresses of a name refused, an AggregateError without a message: retried', async () => {
      const hosts = '127.0.0.1 dual.test\n::1 dual.test\n';
      expect(await lab.connect({ host: 'dual.test', port: 22, setup: 'ip link set lo up', hosts })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'ECONNREFUSED', reason: 'connection refused' },
        cause: { name: 'AggregateError', message: '' },
      });
    });
  },
);

describeWith(sshdParts, 'a real sshd that has nothing in common with ssh2', () => {
  let directory: string;
  let key: MadeKey;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-taxonomy-'));
    key = await makeKey(directory, 'id_known');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function failure(config: readonly string[], login: Omit<Login, 'port'>): Promise<SidecarError> {
    await using sshd = await startSshd({ authorizedKeys: [key.line], config });
    const connecting = connectTo({ keys: [key.path], ...login, port: sshd.port });
    return await failureOf(connecting.then(({ transport }) => transport));
  }

  it('key exchange, which ECONNRESET follows: not retried', async () => {
    expectPermanent(await failure(['KexAlgorithms sntrup761x25519-sha512@openssh.com'], {}), {
      code: 'ssh.protocol',
      facts: { reason: 'Handshake failed: no matching key exchange algorithm' },
    });
  });

  it('host key: not retried', async () => {
    const verdict = () => ({ kind: 'pinned' as const });
    const hostKeys = { preferredAlgorithms: ['ssh-rsa' as const], verdict };
    expectPermanent(await failure([], { hostKeys }), {
      code: 'ssh.protocol',
      facts: { reason: 'Handshake failed: no matching host key format' },
    });
  });
});
