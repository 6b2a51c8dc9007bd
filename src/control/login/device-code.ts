import { SidecarError } from '../../errors.js';
import { asToldFailure, oauthFailure, OAuthRefusal } from '../oauth/failure.js';
import type { OAuthClient } from '../oauth/oauth-client.js';
import { tokensFrom } from '../oauth/tokens.js';
import { isPrivateWay } from '../../transport/route/private-way.js';
import { withGoodInterval } from './device-interval.js';
import type { PollAnswer } from './poll.js';

/** What the user is to do. All of it comes from the network: it is to be escaped. */
export interface Prompt {
  /** On https, or http on this machine. */
  readonly verificationUri: string;
  readonly userCode: string;
  /** The same with the code in it, where the server gives one. */
  readonly verificationUriComplete: string | undefined;
  readonly expiresInMs: number;
}

/** A login that the user is to approve. */
export interface DeviceCode {
  readonly prompt: Prompt;
  readonly intervalMs: number | undefined;
  /** Asks once whether it was approved, for `limitMs` at most. Throws what `oauthFailure` gives. */
  readonly ask: (limitMs: number) => Promise<PollAnswer>;
}

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';

/** Begins a login: RFC 8628 §3.1. Throws `server.unreachable` and `login.failed`. */
export async function requestDeviceCode(
  { library, configuration, limit }: OAuthClient,
  { server, timeOfDay = Date.now }: { readonly server: string; readonly timeOfDay?: (() => number) | undefined },
): Promise<DeviceCode> {
  const failed = (reason: string): SidecarError =>
    new SidecarError('login.failed', { server, reason }, { retryable: false });
  if (configuration.serverMetadata().device_authorization_endpoint === undefined)
    throw failed('it offers no login from a command line (RFC 8628)');
  const ask = configuration[library.customFetch];
  if (ask !== undefined) configuration[library.customFetch] = withGoodInterval(ask);
  const answer = await library
    .initiateDeviceAuthorization(configuration, { scope: 'openid offline_access' })
    .catch((thrown: unknown) => {
      throw asToldFailure(oauthFailure(thrown), { server, what: 'the login' });
    });
  const prompt = {
    verificationUri: answer.verification_uri,
    userCode: answer.user_code,
    verificationUriComplete: answer.verification_uri_complete,
    expiresInMs: answer.expires_in * 1000,
  };
  for (const url of [prompt.verificationUri, prompt.verificationUriComplete ?? prompt.verificationUri])
    if (!isBrowsable(url)) throw failed(`what is to be opened in a browser is not on https: ${url}`);
  const { device_code: code, interval } = answer;
  return {
    prompt,
    intervalMs: interval === undefined ? undefined : interval * 1000,
    ask: async (limitMs) => {
      limit(limitMs);
      try {
        const tokens = await library.genericGrantRequest(configuration, grantType, { device_code: code });
        return { kind: 'tokens', tokens: tokensFrom(tokens, timeOfDay()) };
      } catch (thrown) {
        const error = oauthFailure(thrown, [code]);
        if (error instanceof OAuthRefusal && error.error === 'authorization_pending') return { kind: 'pending' };
        if (error instanceof OAuthRefusal && error.error === 'slow_down') return { kind: 'slow-down' };
        throw error;
      }
    },
  };
}

function isBrowsable(text: string): boolean {
  return URL.canParse(text) && isPrivateWay(new URL(text), 'http');
}
