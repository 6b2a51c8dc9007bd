import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { justWork, type Finishing } from '../finishing.js';
import { sender, type Send } from '../http/send.js';
import { openOAuthClient } from '../oauth/oauth-client.js';
import type { Account } from '../oauth/tokens.js';
import type { AccessTokens } from '../access-tokens.js';
import { environmentToken } from '../environment-token.js';
import { loginRequired } from '../login-required.js';
import { openAccessTokens } from '../open-access-tokens.js';
import { isOfRenewal } from '../session-tokens.js';
import { chooseStorage, wantedKind, type ChosenStorage } from '../tokens/choose-storage.js';
import type { OpenKeyringEntry } from '../tokens/keyring.js';
import type { StorageKind } from '../tokens/logins.js';
import { Sessions, type Session } from '../tokens/sessions.js';
import { requestDeviceCode, type Prompt } from './device-code.js';
import { pollForTokens } from './poll.js';
import { registerMachineKey } from './register-machine-key.js';

export interface LogInOptions {
  /** As `configuredServer` gives it. */
  readonly server: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** What the key of this machine is called on the server. */
  readonly keyTitle: string;
  /** Where the session will be kept: called before the user is asked for anything. */
  readonly onStorage: (chosen: ChosenStorage) => void;
  /** What the user is to do. */
  readonly onPrompt: (prompt: Prompt) => void;
  /** The server did not answer, and is asked again after `delayMs`. */
  readonly onTrouble: (error: unknown, delayMs: number) => void;
  /** How the server is asked. Default: through the proxies of the environment. */
  readonly send?: Send | undefined;
  /** Default: that of the system. */
  readonly openKeyring?: OpenKeyringEntry | undefined;
  /** For what the user approved, from when it was heard until it is stored, and for renewals. */
  readonly finishing?: Finishing | undefined;
  /** In milliseconds since 1970. */
  readonly timeOfDay?: (() => number) | undefined;
}

export interface LoggedIn {
  readonly account: Account | undefined;
  readonly storage: StorageKind | 'environment';
  /** Whether the user was asked: a session that is still good is used as it is. */
  readonly approved: boolean;
  readonly key: 'registered' | 'known';
}

/**
 * Has the user log in, and this machine's key registered. The session is stored before the key is registered, so that a
 * failure of that needs no new approval.
 *
 * Throws `login.*`, `server.unreachable`, and what storage and settings throw.
 */
export async function logIn(options: LogInOptions): Promise<LoggedIn> {
  const { server, env } = options;
  if (environmentToken(env, server) !== undefined) return withGivenToken(options);
  const standing = await unlessRequired(standingLogin(options));
  if (standing !== undefined) return { ...standing, approved: false };
  const { session, storage } = await approvedSession(options);
  const stored = openAccessTokens(options);
  // It was given a moment ago, and needs no renewal, however soon it ends.
  const tokens: AccessTokens = {
    token: async (asked) => (asked?.refused === undefined ? session.accessToken : stored.token(asked)),
  };
  const key = await register(options, tokens);
  if (key !== 'token refused') return { account: session.account, storage, approved: true, key };
  const reason = 'it does not take the token that it has just given';
  const facts = { server, what: 'registering the key of this machine', reason };
  throw new SidecarError('login.failed', facts, { retryable: false });
}

async function withGivenToken(options: LogInOptions): Promise<LoggedIn> {
  const key = await register(options);
  if (key !== 'token refused') return { account: undefined, storage: 'environment', approved: false, key };
  throw loginRequired(options.server, { fromEnvironment: true });
}

/** An earlier login with the key registered; undefined where the server does not take it, or it is to be kept elsewhere. */
async function standingLogin(options: LogInOptions): Promise<Omit<LoggedIn, 'approved'> | undefined> {
  const { server, env, signal } = options;
  const sessions = new Sessions(options);
  const wanted = wantedKind(env);
  const login = await sessions.logins.get(server);
  if (login === undefined || (wanted !== undefined && wanted !== login.storage)) return undefined;
  const key = await register(options);
  if (key === 'token refused') return undefined;
  const kept = await sessions.read(server, signal);
  return kept && { account: kept.session.account, storage: kept.storage, key };
}

/**
 * Undefined where there is no session, or it has turned out to be over: also where the server does not renew it for another
 * reason than that. A new approval needs nothing of it.
 */
async function unlessRequired<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (error instanceof SidecarError && (error.code === 'login.required' || isOfRenewal(error))) return undefined;
    throw error;
  });
}

async function approvedSession(options: LogInOptions): Promise<{ session: Session; storage: StorageKind }> {
  const { server, clock, signal, timeOfDay, finishing = justWork, onStorage, onPrompt, onTrouble } = options;
  const chosen = await chooseStorage(options);
  onStorage(chosen);
  const client = await openOAuthClient({ server, clock, signal, send: sendOf(options) });
  const { prompt, intervalMs, ask } = await requestDeviceCode(client, { server, timeOfDay });
  onPrompt(prompt);
  const { expiresInMs } = prompt;
  const tokens = await pollForTokens({ ask, server, intervalMs, expiresInMs, clock, signal, onTrouble });
  const session = { ...tokens, issuer: client.issuer };
  const sessions = new Sessions(options);
  // A session that this one replaces is not revoked: with it a server may end all of the same grant, RFC 7009 §2.1, and so
  // this one. From here on there is something to lose, so the signal does not count.
  await finishing(sessions.locked(server, () => sessions.keep(server, session, chosen.storage)));
  return { session, storage: chosen.storage.kind };
}

function register(
  options: LogInOptions,
  tokens: AccessTokens = openAccessTokens(options),
): ReturnType<typeof registerMachineKey> {
  return registerMachineKey({ ...options, tokens, send: sendOf(options) });
}

const sendOf = ({ send, env }: LogInOptions): Send => send ?? sender({ env });
