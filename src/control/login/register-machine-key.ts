import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import type { AccessTokens } from '../access-tokens.js';
import { ControlPlane } from '../client.js';
import { controlKey } from '../control-key.js';
import { NoAnswer } from '../http/no-answer.js';
import type { Send } from '../http/send.js';

export interface KeyRegistration {
  readonly server: string;
  readonly stateDir: string;
  readonly tokens: AccessTokens;
  readonly send: Send;
  readonly clock: Clock;
  /** What the key is called on the server. */
  readonly keyTitle: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has the server let this machine's key in to its sidecars, as `ControlPlane` registers any: once, because it can be done
 * again by hand. `token refused`: also the renewed one. Throws `server.unreachable`, `login.failed`, and what the tokens
 * throw.
 */
export async function registerMachineKey({
  server,
  stateDir,
  tokens,
  send,
  clock,
  keyTitle: title,
  signal,
}: KeyRegistration): Promise<'registered' | 'known' | 'token refused'> {
  const { publicKey } = await controlKey(stateDir, server);
  try {
    return await new ControlPlane({ server, tokens, send, clock }).registerKey({ title, publicKey }, { signal });
  } catch (error) {
    if (!(error instanceof SidecarError) || !error.code.startsWith('provider.')) throw error;
    if (error.code === 'provider.unauthenticated') return 'token refused';
    throw asTold(error, server);
  }
}

/** Of a provider the user of `login` knows nothing. */
function asTold({ facts, cause }: SidecarError, server: string): SidecarError {
  if (cause instanceof NoAnswer)
    return new SidecarError('server.unreachable', { server, reason: cause.message, suggestion }, { cause });
  const what = 'registering the key of this machine';
  return new SidecarError('login.failed', { ...facts, what, suggestion }, { cause, retryable: false });
}

const suggestion = 'you are logged in; run `sidecar login` again, and only the key is registered';
