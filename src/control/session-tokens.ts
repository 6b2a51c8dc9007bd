import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import { within } from '../retry/within.js';
import type { AccessTokens } from './access-tokens.js';
import type { Finishing } from './finishing.js';
import { NoAnswer } from './http/no-answer.js';
import type { Send } from './http/send.js';
import { asToldFailure, oauthFailure, OAuthRefusal } from './oauth/failure.js';
import { loginRequired } from './login-required.js';
import { openOAuthClient } from './oauth/oauth-client.js';
import { tokensFrom, type Tokens } from './oauth/tokens.js';
import type { KeptSession, Session, Sessions } from './tokens/sessions.js';

/** A token that ends within this time is renewed before it is used, in milliseconds. */
const earlyMs = 60_000;

/** Longer than all that a renewal waits for: the lock, the keyring, two questions and their limits. */
const renewalLimitMs = 300_000;

export interface SessionTokensOptions {
  readonly server: string;
  readonly send: Send;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly timeOfDay: () => number;
  readonly finishing: Finishing;
  /** The server that SIDECAR_TOKEN belongs to, where that is another one: for who has no session. */
  readonly otherToken?: string | undefined;
}

interface Renewal {
  readonly refused: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** From here on there is something to lose, so the signal does not count. */
  readonly onBegin: () => void;
}

/**
 * The access tokens of a stored session. A refresh token works once: who renews holds the lock, reads the session again,
 * because another process may have renewed it meanwhile, and stores what it got before anybody uses it.
 */
export class SessionTokens implements AccessTokens {
  readonly #options: SessionTokensOptions;
  #known: Session | undefined;

  constructor(options: SessionTokensOptions) {
    this.#options = options;
  }

  /**
   * Throws `login.required`, `server.unreachable` (the session is kept: it may be tried again), `login.failed`, and what
   * storage throws.
   */
  async token({
    refused,
    signal,
  }: { readonly refused?: string | undefined; readonly signal?: AbortSignal | undefined } = {}): Promise<string> {
    const { server, sessions, clock, finishing } = this.#options;
    signal?.throwIfAborted();
    if (this.#known === undefined || !this.#isGood(this.#known, refused)) {
      this.#known = (await sessions.read(server, signal))?.session;
      if (this.#known === undefined) throw this.#required();
    }
    if (this.#isGood(this.#known, refused)) return this.#known.accessToken;
    // What was asked for is not cut off on abort, only no longer waited for: its answer is stored if it still comes.
    const renewal: Promise<Session> = sessions.locked(
      server,
      () => this.#renew({ refused, signal, onBegin: () => void finishing(renewal) }),
      signal,
    );
    renewal.catch(() => undefined);
    const late = (): Error => new SidecarError('server.unreachable', { server, reason: 'the renewal takes too long' });
    this.#known = await within(renewal, { ms: renewalLimitMs, clock, signal, late });
    return this.#known.accessToken;
  }

  #isGood({ accessToken, expiresAt = Infinity }: Session, refused: string | undefined): boolean {
    return accessToken !== refused && expiresAt - this.#options.timeOfDay() > earlyMs;
  }

  async #renew({ refused, ...asked }: Renewal): Promise<Session> {
    const { server, sessions } = this.#options;
    const kept = await sessions.read(server);
    if (kept === undefined) throw this.#required();
    if (this.#isGood(kept.session, refused)) return kept.session;
    const tokens = await this.#refreshed(kept, asked);
    const session: Session = {
      ...kept.session,
      ...tokens,
      // A server that does not rotate gives none, and not every one says again who it is.
      refreshToken: tokens.refreshToken ?? kept.session.refreshToken,
      account: tokens.account ?? kept.session.account,
    };
    await sessions.replace(server, session);
    return session;
  }

  async #refreshed(
    { session, renewing = false }: KeptSession,
    { signal, onBegin }: Omit<Renewal, 'refused'>,
  ): Promise<Tokens> {
    const { server, send, sessions, clock, timeOfDay } = this.#options;
    const { refreshToken } = session;
    if (refreshToken === undefined) {
      await sessions.drop(server);
      throw this.#required('the session is over, and the server gave nothing to renew it with');
    }
    const { library, configuration } = await openOAuthClient({ server, send, clock });
    signal?.throwIfAborted();
    onBegin();
    await sessions.markRenewing(server, true);
    try {
      return tokensFrom(await library.refreshTokenGrant(configuration, refreshToken), timeOfDay());
    } catch (thrown) {
      const error = oauthFailure(thrown, [refreshToken, session.accessToken]);
      if (error instanceof OAuthRefusal && error.error === 'invalid_grant') {
        // A process that was stopped for long has lost its lock: another one may have renewed the session since.
        const { session: now } = (await sessions.read(server)) ?? {};
        if (now !== undefined && now.refreshToken !== refreshToken) return now;
        await sessions.drop(server);
        throw this.#required(renewing ? lostRenewal : 'the server has ended the session', error);
      }
      // Only where nothing of it can have arrived, or it was refused, the refresh token is as good as before.
      const isUnused = error instanceof OAuthRefusal || (error instanceof NoAnswer && !error.maybeApplied);
      if (isUnused && !renewing) await sessions.markRenewing(server, false);
      throw asToldFailure(error, { server, what: theRenewal });
    }
  }

  #required(reason?: string, cause?: unknown): SidecarError {
    const { server, otherToken } = this.#options;
    return loginRequired(server, { reason, otherToken, cause });
  }
}

const theRenewal = 'the renewal of the session';

/** A failure of the renewal that the server has answered, but not with a session. */
export function isOfRenewal({ code, facts }: SidecarError): boolean {
  return code === 'login.failed' && facts['what'] === theRenewal;
}

const lostRenewal =
  'the answer to an earlier renewal was lost, and what that used up does not work twice, so the server has ended the session';
