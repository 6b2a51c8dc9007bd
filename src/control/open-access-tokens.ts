import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { AccessTokens } from './access-tokens.js';
import { justWork, type Finishing } from './finishing.js';
import { sender, type Send } from './http/send.js';
import { isToken } from './oauth/tokens.js';
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

/** The tokens for a control plane: SIDECAR_TOKEN as it is, else those of the session that `sidecar login` keeps. */
export function openAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { server, env, clock, timeOfDay = Date.now, finishing = justWork } = options;
  const given = environmentToken(env);
  if (given !== undefined) return givenToken(server, given);
  const send = options.send ?? sender({ env });
  return new SessionTokens({ server, send, clock, timeOfDay, finishing, sessions: new Sessions(options) });
}

/**
 * What SIDECAR_TOKEN says, without the line end of the file that it may come from. Never stored, never renewed. Throws
 * `settings.invalid` for what is no token: as a header, it would be quoted where it is refused.
 */
export function environmentToken(env: NodeJS.ProcessEnv): string | undefined {
  const variable = 'SIDECAR_TOKEN';
  const token = (env[variable] ?? '').trim();
  if (token === '') return undefined;
  if (isToken(token)) return token;
  throw new SidecarError('settings.invalid', { variable, reason: `${variable} holds what no token holds` });
}

function givenToken(server: string, token: string): AccessTokens {
  return {
    token: ({ refused } = {}) =>
      token === refused
        ? Promise.reject(new SidecarError('login.required', { server, fromEnvironment: true }, { retryable: false }))
        : Promise.resolve(token),
  };
}
