import { SidecarError } from '../errors.js';
import { isLoopback } from '../transport/route/private-way.js';

/**
 * The control plane that an address names: https, or http on this machine only, because a token goes with every request.
 * Without a slash at its end. Throws `usage.invalid`; `source` says where the address stands.
 */
export function serverAddress(text: string, source: string): string {
  const wrong = (reason: string): SidecarError =>
    new SidecarError('usage.invalid', { reason: `${source}: ${reason}`, suggestion: 'write https://host/path' });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // It may hold a password.
    throw wrong(text.includes('@') ? 'this is no address' : `${text} is no address`);
  }
  const { protocol, origin, hostname, pathname, username, password, search, hash } = url;
  if (username !== '' || password !== '') throw wrong('a user or a password does not belong there');
  if (search !== '' || hash !== '') throw wrong('a query does not belong there');
  if (protocol === 'http:' && !isLoopback(hostname))
    throw wrong('http:// is for this machine only: what is sent could be read on the way');
  if (protocol !== 'https:' && protocol !== 'http:') throw wrong(`a server is not reached by ${protocol}//`);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
