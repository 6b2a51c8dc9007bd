import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { errorCode } from '../files/private-files.js';
import { SidecarError } from '../errors.js';
import { after, failed, ok, skipped, Unmade, warning, type Check, type Verdict } from './check.js';
import type { Attempt, KnownHostKey } from './connection.js';
import type { Limit } from './limit.js';
import { hopsOf, type Route, type SshTarget } from '../transport/target.js';
import type { Way } from './way.js';

/** The way to the sidecar, from its name to a shell over there. */
export function wayChecks({ choice, target, attempt, there }: Way, limit: Limit): readonly Check[] {
  const known = after('address', target);
  const tried = after('address', attempt);
  for (const each of [known, tried]) each.catch(() => undefined); // the checks look at them later
  return [
    { id: 'sidecar', run: async () => (await choice).verdict },
    {
      id: 'address',
      run: async () => {
        try {
          return judgeAddress(await target);
        } catch (error) {
          // Nothing is wrong with it, and it may cost something.
          if (error instanceof SidecarError && error.code === 'provider.stopped') return skipped('address.asleep', {});
          throw error;
        }
      },
    },
    { id: 'name', run: async () => limit(judgeName(await known)) },
    { id: 'port', run: async () => judgePort(await tried, await known) },
    { id: 'host_key', run: async () => judgeHostKey(await tried) },
    { id: 'login', run: async () => judgeLogin(await tried, await known) },
    {
      id: 'round_trip',
      run: async () => {
        const { roundTripMs: ms } = await after('remote.shell', there);
        return ok('round_trip.measured', { ms });
      },
    },
  ];
}

function judgeAddress({ user, host, port, route, openssh }: SshTarget): Verdict {
  const by = openssh === undefined ? byOf(route) : { by: `with OpenSSH (${openssh.why})` };
  return ok('address.known', { user, host, port, ...by });
}

/** How it is reached, where that is not straight to its address. */
function byOf(route: Route | undefined): { readonly by?: string } {
  switch (route?.kind) {
    case undefined:
      return {};
    case 'jump':
      return { by: `over ${[...hopsOf(route.over), route.over].map(({ alias }) => alias).join(', ')}` };
    case 'command':
      return { by: 'by a proxy command' };
    case 'websocket':
      return { by: `by ${originOf(route.url)}` };
    case 'stream':
      return { by: 'by its provider' };
  }
}

/** The rest of it may hold a credential. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'a WebSocket';
}

/** Of what is looked up here: of several hosts on the way, that is the first. */
async function judgeName(target: SshTarget): Promise<Verdict> {
  const { host, route, openssh } = hopsOf(target)[0] ?? target;
  // What ssh looks up is for ssh to know: it may have a ProxyJump or a ProxyCommand.
  return route === undefined && openssh === undefined ? resolveName(host) : ok('name.elsewhere', { host });
}

async function resolveName(host: string): Promise<Verdict> {
  if (isIP(host) !== 0) return ok('name.needless', { host });
  try {
    const addresses = await lookup(host, { all: true });
    return ok('name.resolves', { host, addresses: addresses.map(({ address }) => address) });
  } catch (error) {
    const code = errorCode(error);
    const reason =
      code === 'ENOTFOUND' ? 'there is no such name' : `it cannot be looked up just now (${code ?? String(error)})`;
    return failed('name.unknown', { host, reason });
  }
}

export function judgePort(
  attempt: Attempt,
  { host, port, route, openssh }: Pick<SshTarget, 'host' | 'port' | 'route' | 'openssh'>,
): Verdict {
  const isDialed = openssh === undefined && (route === undefined || route.kind === 'jump');
  if (attempt.reached !== 'nothing') {
    return isDialed ? ok('port.open', { host, port }) : ok('port.led_to', {});
  }
  if (isDialed && /ENOTFOUND|EAI_AGAIN/.test(String(attempt.error.facts['errno']))) throw new Unmade('name');
  throw attempt.error;
}

function judgeHostKey(attempt: Attempt): Verdict {
  if (attempt.reached === 'nothing') throw new Unmade('port');
  if (attempt.reached === 'port') throw attempt.error;
  return judgeKnown(attempt.hostKey);
}

function judgeKnown(key: KnownHostKey): Verdict {
  if (key.kind === 'pinned') return ok('host.pinned', {});
  if (key.kind === 'vouched') return ok('host.vouched', { fingerprint: key.fingerprint });
  const { fingerprint, keyType, source } = key;
  return source === 'known_hosts' ? ok('host.known', { fingerprint }) : warning('host.new', { fingerprint, keyType });
}

function judgeLogin(attempt: Attempt, { user }: Pick<SshTarget, 'user'>): Verdict {
  if (attempt.reached === 'nothing') throw new Unmade('port');
  if (attempt.reached === 'port') throw new Unmade('host_key');
  if (attempt.reached === 'host') throw attempt.error;
  return ok('login.accepted', { user });
}
