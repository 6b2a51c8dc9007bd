import { isIPv6 } from 'node:net';
import { SidecarError } from '../errors.js';
import type { Address } from './transport.js';

/** A port to listen on, on one side, and where to connect to, on the other. The host `*` is every interface. */
export interface ForwardSpec {
  readonly listen: Address;
  readonly target: Address;
}

/**
 * Reads `[bind:]port[:host:port]`, with IPv6 addresses in brackets: where to listen (127.0.0.1 unless said; port 0 is any
 * that is free), and where to connect to (the same port of localhost unless said). `8080:3000` is short for
 * `8080:localhost:3000`, as with docker: nobody's address is 8080.
 *
 * Throws `usage.invalid`.
 */
export function parseForward(spec: string): ForwardSpec {
  const parts = partsOf(spec);
  const [first = '', second, third, fourth] = parts;
  switch (parts.length) {
    case 1:
      return forward(spec, { port: first });
    case 2:
      return isNumber(first)
        ? forward(spec, { port: first, toPort: second })
        : forward(spec, { bind: first, port: second });
    case 3:
      return forward(spec, { port: first, toHost: second, toPort: third });
    case 4:
      return forward(spec, { bind: first, port: second, toHost: third, toPort: fourth });
    default:
      throw invalid(spec, 'it has too many parts', ipv6Words);
  }
}

/** Whether what it listens on is, on one and the same machine, where it connects to: each connection would make another. */
export function leadsToItself({ listen, target }: ForwardSpec): boolean {
  return listen.port === target.port && ['localhost', '127.0.0.1', '::1', listen.host].includes(target.host);
}

/** `host:port`, as it is written. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Parts {
  readonly bind?: string | undefined;
  readonly port: string | undefined;
  readonly toHost?: string | undefined;
  readonly toPort?: string | undefined;
}

function forward(spec: string, { bind = '127.0.0.1', port, toHost = 'localhost', toPort }: Parts): ForwardSpec {
  const listen = { host: hostIn(spec, bind), port: portIn(spec, port) };
  const target = { host: hostIn(spec, toHost), port: toPort === undefined ? listen.port : portIn(spec, toPort) };
  if (target.host === '*') throw invalid(spec, 'there is no connecting to `*`');
  if (target.port === 0) throw invalid(spec, 'there is no connecting to port 0', 'say where to, as in `0:3000`');
  return { listen, target };
}

/** What stands between the colons; an address in brackets is one part. */
function partsOf(spec: string): readonly string[] {
  const parts = spec.match(/\[[^\]]*\]|[^:[\]]+/g) ?? [];
  if (parts.join(':') !== spec) throw invalid(spec, 'it is not of the form [bind:]port[:host:port]', ipv6Words);
  return parts;
}

function hostIn(spec: string, part: string): string {
  if (!part.startsWith('[')) {
    if (/[\s/@\p{Cc}]/u.test(part)) throw invalid(spec, `${part} is no host`);
    return part;
  }
  const address = part.slice(1, -1);
  if (!isIPv6(address)) throw invalid(spec, `${part} holds no IPv6 address`);
  return address;
}

function portIn(spec: string, part = ''): number {
  const port = Number(part);
  if (!isNumber(part) || port > 65_535) throw invalid(spec, `${part} is no port`);
  return port;
}

const isNumber = (part: string): boolean => /^\d{1,5}$/.test(part);

const ipv6Words =
  'examples: `8080`, `8080:3000`, `8080:db:5432`, `0.0.0.0:8080:localhost:80`, `[::1]:8080:[fd00::7]:80`';

function invalid(spec: string, reason: string, suggestion?: string): SidecarError {
  const facts = { reason: `nothing can be forwarded by ${JSON.stringify(spec)}: ${reason}` };
  return new SidecarError('usage.invalid', suggestion === undefined ? facts : { ...facts, suggestion });
}
