/**
 * Whether what goes to `url` cannot be read on the way: it is encrypted, or does not leave this machine. `scheme` is how it is
 * spoken to, and no other will do.
 */
export function isPrivateWay({ protocol, hostname }: URL, scheme: 'http' | 'ws'): boolean {
  return protocol === `${scheme}s:` || (protocol === `${scheme}:` && isLoopback(hostname));
}

/** Whether what is sent there stays on this machine. `hostname` is as in a URL. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
