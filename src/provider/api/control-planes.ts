import type { Clock } from '../../clock.js';
import type { AccessTokens } from '../../control/access-tokens.js';
import type { Finishing } from '../../control/finishing.js';

/** Which control plane there is, and who the user is there. */
export interface ControlPlanes {
  /** The one that is meant. Throws `usage.invalid` where none is. */
  server(): Promise<string>;
  tokens(server: string): Promise<AccessTokens>;
}

export interface ControlPlanesDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly configDir: string;
  readonly stateDir: string;
  readonly clock: Clock;
  /** What `--server` says. */
  readonly server?: string | undefined;
  /** See `ClientOptions`. */
  readonly finishing?: Finishing | undefined;
}

/** As flags, the environment, settings and logins say. */
export function configuredControlPlanes(deps: ControlPlanesDeps): ControlPlanes {
  const { env, configDir, stateDir, clock, server: flag, finishing } = deps;
  return {
    server: async () => {
      const { configuredServer } = await import('../../control/server.js');
      return configuredServer({ flag, env, configDir, stateDir });
    },
    tokens: async (server) => {
      const { openAccessTokens } = await import('../../control/open-access-tokens.js');
      return openAccessTokens({ server, env, stateDir, clock, finishing });
    },
  };
}
