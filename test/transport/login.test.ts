import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostKeyPolicy } from '../../src/transport/host-trust.js';
import { loadIdentities } from '../../src/transport/identities.js';
import { connectSsh2 } from '../../src/transport/ssh2/connect.js';
import type { AskPassphrase } from '../../src/transport/passphrase.js';
import type { SshTarget } from '../../src/transport/target.js';
import { describeWith } from '../fakes/parts.js';
import { startAgent, type RunningAgent } from '../fakes/ssh-agent.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd, type Sshd } from '../fakes/sshd.js';

const passphrase = 'open sesame';
const kinds = {
  ed25519: { type: 'ed25519' },
  ecdsa: { type: 'ecdsa' },
  'ecdsa 521': { type: 'ecdsa', bits: 521 },
  rsa: { type: 'rsa', bits: 2048 },
  'rsa PEM': { type: 'rsa', bits: 2048, format: 'PEM' },
  'rsa PKCS8': { type: 'rsa', bits: 2048, format: 'PKCS8' },
  'encrypted ed25519': { type: 'ed25519', passphrase },
  'encrypted rsa': { type: 'rsa', bits: 2048, passphrase },
  'encrypted rsa PEM': { type: 'rsa', bits: 2048, format: 'PEM', passphrase },
} as const;
type Kind = keyof typeof kinds;

describeWith([...sshdParts, 'ssh-agent', 'ssh-add'], 'a login to a real sshd', () => {
  let directory: string;
  let keys: Map<Kind, MadeKey>;
  let stranger: MadeKey;
  let agent: RunningAgent;
  let sshd: Sshd;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-login-'));
    const made = (Object.keys(kinds) as Kind[]).map(
      async (kind) => [kind, await makeKey(directory, kind, kinds[kind])] as const,
    );
    keys = new Map(await Promise.all(made));
    stranger = await makeKey(directory, 'stranger', { passphrase });
    agent = await startAgent(directory);
    sshd = await startSshd({ authorizedKeys: [...keys.values()].map(({ line }) => line) });
  });
  afterAll(async () => {
    await sshd.stop();
    await agent.stop();
    await rm(directory, { recursive: true });
  });

  /** Logs in and out again; the questions that were asked for it. */
  async function login(
    identity: Pick<SshTarget, 'identityFiles'> & Partial<SshTarget>,
    answer: string = passphrase,
  ): Promise<string[]> {
    const questions: string[] = [];
    const askPassphrase: AskPassphrase = (path) => {
      questions.push(path);
      return Promise.resolve(answer);
    };
    const { host, port, user, hostKeyLine } = sshd;
    const address = { alias: 'web', host, port, user, hostKeys: [hostKeyLine], knownHostsFiles: [] };
    const target: SshTarget = { ...address, identitiesOnly: true, ...identity };
    const [hostKeys, identities] = await Promise.all([
      hostKeyPolicy(target),
      loadIdentities({ target, askPassphrase }),
    ]);
    const { transport } = await connectSsh2({ target, hostKeys, identities, env: process.env, timeoutMs: 30_000 });
    await transport.close();
    return questions;
  }

  const pathOf = (kind: Kind): string => keys.get(kind)?.path ?? '';

  it.each(Object.keys(kinds) as Kind[])('succeeds with a key file: %s', async (kind) => {
    const questions = await login({ identityFiles: [pathOf(kind)] });
    expect(questions).toEqual('passphrase' in kinds[kind] ? [pathOf(kind)] : []);
  });

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)('succeeds with a key in the agent: %s', async (kind) => {
    await agent.add('-D');
    await agent.add(pathOf(kind));
    await login({ identityFiles: [], identitiesOnly: false, agentSocket: agent.socket });
  });

  it('does not ask for the passphrase of a key that the server does not want', async () => {
    const questions = await login({ identityFiles: [stranger.path, pathOf('rsa')] });
    expect(questions).toEqual([]);
  });

  it('goes on with the next key when one cannot be unlocked', async () => {
    const questions = await login({ identityFiles: [pathOf('encrypted ed25519'), pathOf('ed25519')] }, 'wrong');
    expect(questions).toHaveLength(3);
  });

  it('goes on without the agent when it is gone', async () => {
    await login({ identityFiles: [pathOf('ed25519')], agentSocket: join(directory, 'gone') });
  });
});
