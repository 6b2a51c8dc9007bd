import { hostKeyPolicy } from '../../transport/host-trust.js';
import type { Identities } from '../../transport/identities.js';
import type { KeyPair } from '../../transport/key-pair.js';
import { OneKeyAgent } from '../../transport/one-key-agent.js';
import { fingerprint } from '../../transport/public-key.js';
import type { Connected } from '../../transport/ssh2/connect.js';
import type { HostKeyLine } from '../../transport/target.js';
import { targetOf } from '../made.js';
import type { Machine, MachineSsh, Provider } from '../provider.js';

export interface LoginRequest {
  readonly provider: Provider;
  readonly machine: Machine;
  readonly ssh: MachineSsh;
  /** The keys that its server may show. None: any, and the answer tells which. */
  readonly hostKeys: readonly HostKeyLine[];
  readonly key: KeyPair;
  readonly signal: AbortSignal;
}

/** One attempt to log in to a machine. */
export type LogIn = (request: LoginRequest) => Promise<Connected>;

const attemptMs = 20_000;

/** In the way of the core, but with one key, that need not be on any disk. */
export const logInBy =
  (env: NodeJS.ProcessEnv): LogIn =>
  async ({ provider, machine, ssh, hostKeys, key, signal }) => {
    const { connectSsh2 } = await import('../../transport/ssh2/connect.js');
    const known = { ...ssh, hostKeys };
    const target = {
      ...targetOf({ name: machine.name, hostKeys: [...hostKeys] }, known, { provider, identity: '', ref: machine }),
      identityFiles: [],
    };
    const policy = await hostKeyPolicy(target);
    const identities = await identitiesOf(key);
    return connectSsh2({ target, hostKeys: policy, identities, timeoutMs: attemptMs, signal, env });
  };

async function identitiesOf({ privateKey }: KeyPair): Promise<Identities> {
  const { utils } = (await import('ssh2')).default;
  const key = utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  const agent = new OneKeyAgent(key, (data, hash) => {
    // ssh2 returns its error where its types promise a signature.
    const signature = key.sign(data, hash) as Buffer | Error;
    if (signature instanceof Error) throw signature;
    return signature;
  });
  const attempt = { description: 'the key of this test', fingerprint: fingerprint(key.getPublicSSH()), agent };
  return { attempts: [attempt], lockedFiles: [], unsupported: [] };
}
