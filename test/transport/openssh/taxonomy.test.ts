import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SidecarError } from '../../../src/errors.js';
import { Passphrases } from '../../../src/transport/openssh/passphrases.js';
import { connectFailures } from '../../contract/connect-failures.js';
import { expectNetwork, expectPermanent, failureOf, type FailingLogin } from '../../contract/failure.js';
import { sessionFailures } from '../../contract/session-failures.js';
import { connectOpensshTo, type OpensshLogin } from '../../fakes/openssh-client.js';
import { describeWith, findPart } from '../../fakes/parts.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { sshdParts, startSshd } from '../../fakes/sshd.js';

/** By the ssh of this machine. */

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-taxonomy-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const failure = (login: OpensshLogin): Promise<SidecarError> =>
  failureOf(connectOpensshTo(login).then(({ transport }) => transport));

const connector = {
  connect: async ({ askPassphrase, ...login }: FailingLogin) => {
    const passphrases = askPassphrase && new Passphrases(askPassphrase);
    return (await connectOpensshTo({ ...login, passphrases })).transport;
  },
  shortMs: 3_000,
  silence: 'no answer',
};

describeWith(['ssh'], "by the user's own ssh", () => {
  connectFailures(connector);

  it('no ssh program: not retried', async () => {
    expectPermanent(await failure({ port: 1, env: { PATH: directory } }), { code: 'ssh.config_invalid' });
  });

  it('an option that ssh does not know: not retried', async () => {
    expectPermanent(await failure({ port: 1, options: ['Nonsense=yes'] }), { code: 'ssh.config_invalid' });
  });

  it('a proxy command that fails: retried, with its words', async () => {
    expectNetwork(await failure({ port: 1, options: ['ProxyCommand=sh -c "echo no way there >&2; exit 1"'] }), {
      reason: 'the server hung up before it spoke SSH (no way there)',
    });
  });

  it('a proxy command whose shell tells the line where it failed: retried, with that', async () => {
    const line = 'proxy: line 3: 4711 Terminated';
    expectNetwork(await failure({ port: 1, options: [`ProxyCommand=sh -c "echo ${line} >&2; exit 1"`] }), {
      reason: `the server hung up before it spoke SSH (${line})`,
    });
  });
});

describe('a proxy command that is not there', () => {
  for (const shell of ['sh', 'bash', 'zsh', 'fish', 'tcsh'] as const) {
    describeWith(['ssh', shell], `as ${shell} says it`, () => {
      it.each(['nosuch', '/no/such', '/etc/passwd'])('%s: not retried', async (program) => {
        const env = { PATH: process.env['PATH'], SHELL: findPart(shell), HOME: directory };
        const error = await failure({ port: 1, env, options: [`ProxyCommand=${program} %h %p`] });
        expectPermanent(error, { code: 'ssh.config_invalid', facts: { stage: 'dial' } });
        expect(error.facts['reason']).toContain(program);
      });
    });
  }
});

describeWith([...sshdParts, 'ssh'], "a session by the user's own ssh", () => sessionFailures(connector));

describeWith([...sshdParts, 'ssh'], 'a real sshd that has nothing in common with ssh', () => {
  let key: MadeKey;
  beforeAll(async () => {
    key = await makeKey(directory, 'id_known');
  });

  it.each([
    ['key exchange', 'KexAlgorithms=curve25519-sha256', 'no matching key exchange method'],
    ['host key', 'HostKeyAlgorithms=ecdsa-sha2-nistp256', 'no matching host key type'],
  ])('%s: not retried', async (_title, option, reason) => {
    const config = ['KexAlgorithms sntrup761x25519-sha512@openssh.com'];
    await using sshd = await startSshd({ authorizedKeys: [key.line], config });
    expectPermanent(await failure({ port: sshd.port, options: [option] }), {
      code: 'ssh.protocol',
      facts: { reason, stage: 'handshake' },
    });
  });
});
