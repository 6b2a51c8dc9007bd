import { SidecarError } from '../../errors.js';
import type { AccessTokens } from '../../control/access-tokens.js';
import { serverAddress } from '../../control/server-address.js';

/** Which control plane there is, and who the user is there. */
export interface ControlPlanes {
  /** The one that is meant. Throws `usage.invalid` where none is. */
  server(): Promise<string>;
  tokens(server: string): Promise<AccessTokens>;
}

export interface ControlPlanesDeps {
  readonly env: NodeJS.ProcessEnv;
  /** What `--server` says. */
  readonly server?: string | undefined;
}

/** As flags and the environment say. */
export function configuredControlPlanes({ env, server: flag }: ControlPlanesDeps): ControlPlanes {
  const token = env['SIDECAR_TOKEN'] ?? '';
  return {
    server: () => {
      if (flag !== undefined) return Promise.resolve(serverAddress(flag, '--server'));
      const address = env['SIDECAR_SERVER'] ?? '';
      if (address !== '') return Promise.resolve(serverAddress(address, 'SIDECAR_SERVER'));
      const suggestion = 'name it with --server or SIDECAR_SERVER';
      return Promise.reject(new SidecarError('usage.invalid', { reason: 'no control plane is named', suggestion }));
    },
    tokens: (server) =>
      Promise.resolve({
        token: ({ refused } = {}) =>
          token !== '' && refused !== token
            ? Promise.resolve(token)
            : Promise.reject(
                new SidecarError('provider.unauthenticated', {
                  ...{ provider: 'api', server },
                  reason: token === '' ? 'there is no token' : 'SIDECAR_TOKEN is not good there',
                }),
              ),
      }),
  };
}
