import { SidecarError } from '../errors.js';
import { configInvalid } from './config-invalid.js';
import { parseJump, type Destination } from './destination.js';
import type { Values } from './ssh-dump.js';
import { expandTokens, unknownToken, type Tokens } from './ssh-tokens.js';
import type { Route, SshTarget } from './target.js';

/** The way to a host that somebody asks for. */
export type AskedRoute = Route | OverHops;

/** Over hosts that are yet to be resolved. */
export interface OverHops {
  readonly kind: 'hops';
  /** The one that is next to the host. */
  readonly last: Destination;
  /** Those to go over before it. */
  readonly before: readonly Destination[];
}

/** Undefined where there is none. */
export function overHops(hops: readonly Destination[]): OverHops | undefined {
  const last = hops.at(-1);
  return last === undefined ? undefined : { kind: 'hops', last, before: hops.slice(0, -1) };
}

/**
 * Throws `ssh.config_invalid` where the way to those `behind` comes round to the host. What is reached at the same address by
 * another name may be another machine, which only the one before it can see.
 */
export function checkCircle(host: Hop, behind: readonly Hop[]): void {
  const isSame = ({ alias, port, user }: Hop): boolean =>
    alias === host.alias && port === host.port && user === host.user;
  const way = [...behind, host].map(({ alias }) => alias).join(' over ');
  if (behind.some(isSame)) throw configInvalid(host.alias, `its jump hosts lead in a circle: ${way}`);
  // Names that are made of names (`ProxyJump via-%n`) never come round.
  if (behind.length > maxHops) throw configInvalid(host.alias, `it has more than ${maxHops} jump hosts`);
}

const maxHops = 16;

type Hop = Pick<SshTarget, 'alias' | 'port' | 'user'>;

/** ProxyJump, or ProxyCommand: ssh itself tells only of the one that counts. */
export function routeOf(
  values: Values,
  { alias, far, env }: { readonly alias: string; readonly far: Tokens; readonly env: NodeJS.ProcessEnv },
): AskedRoute | undefined {
  const isGiven = (value: string): boolean => value !== 'none';
  const jump = values('proxyjump').find(isGiven);
  if (jump !== undefined) return overHops(readJump(expandTokens(jump, { ...far, '%': '%' }), alias));
  const command = values('proxycommand').find(isGiven);
  if (command === undefined) return undefined;
  if (values('proxyusefdpass')[0] === 'yes') throw configInvalid(alias, 'ProxyUseFdpass is not supported');
  return { kind: 'command', argv: proxyCommand(command, { alias, far, env }) };
}

function readJump(text: string, alias: string): Destination[] {
  try {
    return parseJump(text);
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    throw configInvalid(alias, `ProxyJump "${text}" cannot be used`);
  }
}

/** As ssh starts it: by the user's shell, which makes place for the command. */
function proxyCommand(
  line: string,
  { alias, far, env }: { readonly alias: string; readonly far: Tokens; readonly env: NodeJS.ProcessEnv },
): [string, ...string[]] {
  const { SHELL: shell = '' } = env;
  const tokens: Tokens = { ...far, '%': '%' };
  const unknown = unknownToken(line, tokens);
  if (unknown !== undefined) throw configInvalid(alias, `ProxyCommand "${line}" holds the unknown token "${unknown}"`);
  return [shell === '' ? '/bin/sh' : shell, '-c', `exec ${expandTokens(line, tokens)}`];
}
