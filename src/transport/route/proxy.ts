import { BlockList, isIP } from 'node:net';

/**
 * The HTTP proxy that the environment names for an encrypted connection to `url`, as curl reads it: HTTPS_PROXY, then
 * ALL_PROXY, unless NO_PROXY holds the host; lower case first. The environment is that of whoever asks, not this process's.
 *
 * Throws what `invalid` makes of one that cannot be used. It may hold a password, and so is not told.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv, invalid: (reason: string) => Error): URL | undefined {
  const of = (...names: string[]): string =>
    names
      .flatMap((name) => [env[name.toLowerCase()], env[name]])
      .find((value) => value !== undefined && value !== '') ?? '';
  const value = of('HTTPS_PROXY', 'ALL_PROXY');
  if (value === '' || isExempt(url, of('NO_PROXY'))) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(text)) throw invalid('the proxy in the environment is no URL');
  const proxy = new URL(text);
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy;
  throw invalid(`the proxy in the environment is of the kind ${proxy.protocol}//, and only http and https are spoken`);
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? '443' : url.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return isInSubnet(host, entry);
      const [, name = entry, ofPort = port] =
        /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
      const suffix = name.replace(/^\*?\.?/, '');
      return ofPort === port && (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`)));
    });
}

function isInSubnet(host: string, entry: string): boolean {
  const [address = '', prefix = ''] = entry.split('/');
  const [kind, own] = [isIP(address), isIP(host)];
  if (own === 0 || kind !== own || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (kind === 4 ? 32 : 128)) return false;
  const subnet = new BlockList();
  subnet.addSubnet(address, Number(prefix), kind === 4 ? 'ipv4' : 'ipv6');
  return subnet.check(host, kind === 4 ? 'ipv4' : 'ipv6');
}
