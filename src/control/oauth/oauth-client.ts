import type { Configuration } from 'openid-client';
import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { survivingReads } from '../http/reads.js';
import type { Send } from '../http/send.js';
import { isPrivateWay } from '../../transport/route/private-way.js';
import { asToldFailure, oauthFailure, OAuthFault } from './failure.js';
import { fetchOver } from './fetch-over.js';

/** What every installation of sidecar is to a control plane. It has no secret: RFC 8252 §8.5. */
const clientId = 'sidecar-cli';

export interface OAuthClientOptions {
  /** As `configuredServer` gives it. */
  readonly server: string;
  readonly send: Send;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** A control plane's OAuth, as it describes itself. */
export interface OAuthClient {
  readonly library: typeof import('openid-client');
  readonly configuration: Configuration;
  readonly issuer: string;
  /** How long each answer may take from now on, in milliseconds, where that is less than usual. */
  readonly limit: (limitMs: number) => void;
}

/**
 * Asks the server where its login is: OpenID Connect Discovery 1.0 §4, else RFC 8414 §3. The issuer may be elsewhere, but
 * nothing of it on plain http that is not on this machine. Throws `server.unreachable` and `login.failed`.
 */
export async function openOAuthClient({ server, send, clock, signal }: OAuthClientOptions): Promise<OAuthClient> {
  const library = await import('openid-client');
  const reads = fetchOver(survivingReads(send, { clock }), signal);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked to stand out; it is for this machine alone
  const insecure = isPlain(server) ? [library.allowInsecureRequests] : [];
  const discover = (url: string): Promise<Configuration> =>
    // What an id token says is only shown, so a clock that goes wrong is no reason to refuse it.
    library.discovery(new URL(url), clientId, { [library.clockTolerance]: yearsSeconds }, library.None(), {
      [library.customFetch]: reads,
      execute: insecure,
    });
  try {
    const configuration = await firstFound(addresses(server), discover);
    checkEndpoints(server, configuration.serverMetadata());
    // Only reads are asked again by themselves, such as who the user is.
    configuration[library.customFetch] = reads;
    const limit = (limitMs: number): void => {
      configuration[library.customFetch] = fetchOver((asked) => send({ ...asked, limitMs }), signal);
    };
    return { library, configuration, issuer: configuration.serverMetadata().issuer, limit };
  } catch (error) {
    const suggestion = 'check its address (--server, SIDECAR_SERVER), or ask who runs that server';
    throw asToldFailure(error, { server, what: 'asking where to log in', suggestion });
  }
}

/** Whatever the two clocks say. */
const yearsSeconds = 100 * 365 * 24 * 3600;

function addresses(server: string): readonly string[] {
  const { origin, pathname } = new URL(server);
  const path = pathname === '/' ? '' : pathname;
  return [`${server}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`];
}

/** What the first address gives at which there is something. */
async function firstFound(
  [url = '', ...others]: readonly string[],
  discover: (url: string) => Promise<Configuration>,
): Promise<Configuration> {
  try {
    return await discover(url);
  } catch (thrown) {
    const error = oauthFailure(thrown);
    if (others.length > 0 && error instanceof OAuthFault) return firstFound(others, discover);
    throw error instanceof OAuthFault ? new OAuthFault(`no control plane is there (${url}: ${error.message})`) : error;
  }
}

function checkEndpoints(server: string, described: object): void {
  for (const [name, value] of Object.entries(described)) {
    if ((name !== 'issuer' && !name.endsWith('_endpoint')) || value === null) continue;
    if (typeof value === 'string' && isGood(value, { plain: isPlain(server) })) continue;
    const reason = `its ${name} is not on https: ${String(value)}`;
    throw new SidecarError('login.failed', { server, what: 'asking where to log in', reason }, { retryable: false });
  }
}

function isGood(text: string, { plain }: { readonly plain: boolean }): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isPrivateWay(url, 'http') && (plain || url.protocol === 'https:');
}

const isPlain = (server: string): boolean => server.startsWith('http:');
