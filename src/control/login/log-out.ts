import { asToldFailure, oauthFailure, OAuthRefusal } from '../oauth/failure.js';
import { openOAuthClient } from '../oauth/oauth-client.js';
import { sender } from '../http/send.js';
import type { AccessTokensOptions } from '../open-access-tokens.js';
import { Sessions, type Session } from '../tokens/sessions.js';

export type LoggedOut =
  | { readonly kind: 'was not' }
  /** The session is over, here and there. */
  | { readonly kind: 'revoked' }
  /** It is gone from here, and its tokens are good for as long as they last: `error` says why. */
  | { readonly kind: 'only here'; readonly error: unknown };

export interface LogOutOptions extends Omit<AccessTokensOptions, 'timeOfDay'> {
  readonly signal?: AbortSignal | undefined;
}

/** Ends the session: on the server if that can be had, here in any case. Throws what storage throws. */
export async function logOut(options: LogOutOptions): Promise<LoggedOut> {
  const { server, signal } = options;
  const sessions = new Sessions(options);
  if ((await sessions.logins.get(server)) === undefined) return { kind: 'was not' };
  const end = async (): Promise<LoggedOut> => {
    const unrevoked = await revoke(options, sessions).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // One that is over there is of no use here.
    if (unrevoked === undefined) {
      await sessions.drop(server);
      return { kind: 'revoked' };
    }
    signal?.throwIfAborted();
    await sessions.drop(server, signal);
    return { kind: 'only here', ...unrevoked };
  };
  return sessions.locked(server, end, signal);
}

async function revoke(options: LogOutOptions, sessions: Sessions): Promise<void> {
  const { server, env, clock, signal, send = sender({ env }) } = options;
  const kept = await sessions.read(server, signal);
  if (kept === undefined) return;
  const { library, configuration } = await openOAuthClient({ server, send, clock, signal });
  for (const token of tokensOf(kept.session)) {
    await library.tokenRevocation(configuration, token).catch((thrown: unknown) => {
      const error = oauthFailure(thrown, tokensOf(kept.session));
      if (token !== kept.session.refreshToken && isUnsupported(error) && kept.session.refreshToken !== undefined)
        return;
      throw asToldFailure(error, { server, what: 'ending the session' });
    });
  }
}

/** A server need not end access tokens by themselves (RFC 7009 §2.2.1): the session has ended with its refresh token. */
function isUnsupported(error: unknown): boolean {
  return error instanceof OAuthRefusal && error.error === 'unsupported_token_type';
}

/** The refresh token first: it lasts longer, and its end is mostly that of the other (RFC 7009 §2.1). */
const tokensOf = ({ refreshToken, accessToken }: Session): string[] =>
  refreshToken === undefined ? [accessToken] : [refreshToken, accessToken];
