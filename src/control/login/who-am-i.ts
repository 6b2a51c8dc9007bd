import { sender } from '../http/send.js';
import { asToldFailure, oauthFailure, OAuthFault, OAuthRefusal } from '../oauth/failure.js';
import { openOAuthClient } from '../oauth/oauth-client.js';
import { accountOf, type Account } from '../oauth/tokens.js';
import { environmentToken, serverOfOtherToken } from '../environment-token.js';
import { loginRequired } from '../login-required.js';
import type { AccessTokensOptions } from '../open-access-tokens.js';
import type { StorageKind } from '../tokens/logins.js';
import { Sessions } from '../tokens/sessions.js';

export interface WhoAmI {
  readonly account: Account | undefined;
  readonly storage: StorageKind | 'environment';
  /** When the access token ends, in milliseconds since 1970; undefined where nobody says. */
  readonly expiresAt: number | undefined;
  /** Whether it can be renewed then. */
  readonly renewable: boolean;
}

export interface WhoAmIOptions extends AccessTokensOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whose session this is. Of a stored one the login has said it, and nobody is asked; of SIDECAR_TOKEN the server is.
 * Throws `login.required`, `server.unreachable`, `login.failed`, and what storage throws.
 */
export async function whoAmI(options: WhoAmIOptions): Promise<WhoAmI> {
  const { server, env, signal } = options;
  const token = environmentToken(env, server);
  if (token !== undefined) {
    const account = await accountOfToken(options, token);
    return { account, storage: 'environment', expiresAt: undefined, renewable: false };
  }
  const kept = await new Sessions(options).read(server, signal);
  if (kept === undefined) throw loginRequired(server, { otherToken: serverOfOtherToken(env, server) });
  const { account, expiresAt, refreshToken } = kept.session;
  return { account, storage: kept.storage, expiresAt, renewable: refreshToken !== undefined };
}

async function accountOfToken(options: WhoAmIOptions, token: string): Promise<Account | undefined> {
  const { server, env, clock, signal, send = sender({ env }) } = options;
  const { library, configuration } = await openOAuthClient({ server, send, clock, signal });
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return undefined;
  try {
    // There is no earlier word of whose token it is.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked to stand out
    const claims = await library.fetchUserInfo(configuration, token, library.skipSubjectCheck);
    return accountOf(claims);
  } catch (thrown) {
    const error = oauthFailure(thrown, [token]);
    const isRefused = error instanceof OAuthRefusal ? error.error === 'invalid_token' : isUnauthorized(error);
    if (isRefused) throw loginRequired(server, { fromEnvironment: true, cause: error });
    throw asToldFailure(error, { server, what: 'asking whose token it is' });
  }
}

const isUnauthorized = (error: unknown): boolean => error instanceof OAuthFault && error.status === 401;
