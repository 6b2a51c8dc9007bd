import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { AccessTokens } from './access-tokens.js';

export interface AccessTokensOptions {
  /** As `configuredServer` gives it. */
  readonly server: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly clock: Clock;
}

/** The tokens for a control plane: SIDECAR_TOKEN as it is. */
export function openAccessTokens({ server, env }: AccessTokensOptions): AccessTokens {
  return {
    token: ({ refused } = {}) => {
      const token = env['SIDECAR_TOKEN'] ?? '';
      if (token !== '' && token !== refused) return Promise.resolve(token);
      return Promise.reject(new SidecarError('login.required', { server, fromEnvironment: token !== '' }));
    },
  };
}
