import { SidecarError } from '../errors.js';
import { isToken } from './oauth/tokens.js';
import { serverAddress } from './server-address.js';

const variable = 'SIDECAR_TOKEN';

/**
 * What SIDECAR_TOKEN says, without the line end of the file that it may come from. It belongs to the server that
 * SIDECAR_SERVER names: to any other it is not told. Without that variable it belongs to whichever is asked. Never stored,
 * never renewed.
 *
 * Throws `settings.invalid` for what is no token: as a header, it would be quoted where it is refused; and `usage.invalid`
 * where SIDECAR_SERVER is no address.
 */
export function environmentToken(env: NodeJS.ProcessEnv, server: string): string | undefined {
  const token = (env[variable] ?? '').trim();
  if (token === '' || serverOfOtherToken(env, server) !== undefined) return undefined;
  if (isToken(token)) return token;
  throw new SidecarError('settings.invalid', { variable, reason: `${variable} holds what no token holds` });
}

/** The server that SIDECAR_TOKEN belongs to, where it is another one than `server`. */
export function serverOfOtherToken(env: NodeJS.ProcessEnv, server: string): string | undefined {
  const { SIDECAR_SERVER: named = '' } = env;
  if ((env[variable] ?? '').trim() === '' || named === '') return undefined;
  const owner = serverAddress(named, 'SIDECAR_SERVER');
  return owner === serverAddress(server, 'the control plane') ? undefined : owner;
}
