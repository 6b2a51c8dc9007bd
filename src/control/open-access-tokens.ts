import type { Clock } from '../clock.js';
import type { AccessTokens } from './access-tokens.js';
import { environmentToken, serverOfOtherToken } from './environment-token.js';
import { justWork, type Finishing } from './finishing.js';
import { sender, type Send } from './http/send.js';
import { loginRequired } from './login-required.js';
import { SessionTokens } from './session-tokens.js';
import type { OpenKeyringEntry } from './tokens/keyring.js';
import { Sessions } from './tokens/sessions.js';

export interface AccessTokensOptions {
  /** As `configuredServer` gives it. */
  readonly server: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly clock: Clock;
  /** How the server is asked. Default: through the proxies of the environment. */
  readonly send?: Send | undefined;
  /** Default: that of the system. */
  readonly openKeyring?: OpenKeyringEntry | undefined;
  /** For the renewal of a token, from when it is asked for until it is stored. */
  readonly finishing?: Finishing | undefined;
  /** In milliseconds since 1970. */
  readonly timeOfDay?: (() => number) | undefined;
}

/** The tokens for a control plane: SIDECAR_TOKEN as it is, where it belongs to that, else those of the session that `sidecar login` keeps. */
export function openAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { server, env, clock, timeOfDay = Date.now, finishing = justWork } = options;
  const given = environmentToken(env, server);
  if (given !== undefined) return givenToken(server, given);
  const send = options.send ?? sender({ env });
  const otherToken = serverOfOtherToken(env, server);
  return new SessionTokens({ server, send, clock, timeOfDay, finishing, sessions: new Sessions(options), otherToken });
}

function givenToken(server: string, token: string): AccessTokens {
  return {
    token: ({ refused } = {}) =>
      token === refused ? Promise.reject(loginRequired(server, { fromEnvironment: true })) : Promise.resolve(token),
  };
}
