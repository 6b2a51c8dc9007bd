import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { SidecarError } from '../errors.js';
import { errnoWords } from './errno.js';
import { configInvalid } from './config-invalid.js';
import { destinationText, type Destination } from './destination.js';
import { homesOf, placesOf, type Homes } from './homes.js';
import { dumpSshOptions, type SshDump, type Values } from './ssh-dump.js';
import { checkCircle, overHops, routeOf, type AskedRoute, type OverHops } from './ssh-route.js';
import { expandTokens, type Tokens } from './ssh-tokens.js';
import { hostKeyOptions } from './host-key-options.js';
import { hostKeyName } from './known-hosts.js';
import { whyOpenssh, checkOpenssh } from './openssh/choice.js';
import { opensshWay } from './openssh/way.js';
import type { HostKeyLine, SshTarget, TransportName } from './target.js';

/** The machine that the user named, what the user said about it besides, and the user's surroundings. */
export interface SshHostQuery {
  /** An address, or an alias of `~/.ssh/config`. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** A private key file. ssh2 then tries no other key, OpenSSH those of the configuration after it. */
  readonly identity?: string | undefined;
  /** The hosts to jump over instead of those of the configuration, as `ssh -J`. None at all: over none. */
  readonly jump?: readonly Destination[] | undefined;
  /** The keys pinned for hops, by `hostKeyName`. */
  readonly hopKeys?: HopKeys | undefined;
  /** Default: the user's own ssh where only that can do what is configured, see openssh/choice.ts. */
  readonly transport?: TransportName | undefined;
  /** Its own host key is pinned, so what known_hosts says of it does not count. */
  readonly isPinned?: boolean | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
  /** Ends what `ssh` has started to answer. */
  readonly signal?: AbortSignal | undefined;
}

export type HopKeys = Readonly<Record<string, readonly HostKeyLine[]>>;

export type ResolvedSshHost = Omit<SshTarget, 'hostKeys'>;

/**
 * Answers what the user's own ssh would do for `ssh host`, by asking it: `ssh -G` follows Include and Match, which no
 * library does. Without an ssh, `host` is taken literally, with the usual keys and known_hosts in `~/.ssh`.
 *
 * The hosts to jump over are resolved in the same way, each by itself, as the `ssh -W` that ssh starts for each. Where the
 * user's own ssh is to connect, it finds the way by itself, and there is no route.
 *
 * Throws `usage.invalid` for a host that is no name, and for OpenSSH where we cannot use it; `ssh.config_invalid` with the
 * reason when the configuration is broken, leads in a circle, or asks for what is not supported; `ssh.unreachable`, retryable,
 * where ssh looks up the host for its answer, and cannot; the signal's reason.
 */
export function resolveSshHost(query: SshHostQuery): Promise<ResolvedSshHost> {
  return resolve(query, []);
}

/** `behind` are the hosts that this one is to lead to. */
async function resolve(query: SshHostQuery, behind: readonly ResolvedSshHost[]): Promise<ResolvedSshHost> {
  checkHost(query.host);
  if (query.transport === 'openssh') checkOpenssh();
  const homes = homesOf(query.homeDir);
  const dump = await dumpSshConfig(query, homes);
  if (dump.kind === 'failed') throw dump.isUnresolved ? unresolved(query) : configInvalid(query.host, dump.reason);
  if (dump.kind === 'no-ssh' && query.transport === 'openssh') throw configInvalid(query.host, noSsh);
  const { route, ...host } =
    dump.kind === 'options' ? fromOptions(query, homes, dump.values) : withoutSsh(query, homes);
  const byOpenssh = (why: string): ResolvedSshHost => ({
    ...host,
    openssh: opensshWay({ ...query, why, dump, args: sshArguments(query, homes) }),
  });
  const why = await whyOpensshFor(query, dump, host);
  if (why !== undefined) return byOpenssh(why);
  checkCircle(host, behind);
  if (route === undefined) checkBindAddress(host);
  if (route?.kind !== 'hops') return { ...host, ...(route !== undefined && { route }) };
  const over = await resolveHop(query, route, [...behind, host]);
  // What only ssh can log in to, only ssh can lead over.
  if (over.openssh !== undefined) return byOpenssh(`${over.alias}: ${over.openssh.why}`);
  return { ...host, route: { kind: 'jump', over } };
}

function unresolved({ host, port = 22 }: SshHostQuery): SidecarError {
  const facts = { host, port, stage: 'dial', errno: 'ENOTFOUND', reason: errnoWords['ENOTFOUND'] ?? '' };
  return new SidecarError('ssh.unreachable', facts, { retryable: true });
}

/** ssh would take a name, too, and look it up. */
function checkBindAddress({ alias, bindAddress }: Pick<ResolvedSshHost, 'alias' | 'bindAddress'>): void {
  if (bindAddress === undefined || isIP(bindAddress) !== 0) return;
  throw configInvalid(alias, `BindAddress ${bindAddress} is no IP address; \`--transport openssh\` takes a name`);
}

const noSsh = 'there is no `ssh` program on PATH';

async function whyOpensshFor(
  { transport, hopKeys = {}, isPinned, env }: SshHostQuery,
  dump: SshDump,
  host: Omit<ResolvedSshHost, 'route'>,
): Promise<string | undefined> {
  if (transport !== undefined) return transport === 'openssh' ? 'asked for' : undefined;
  if (dump.kind !== 'options') return undefined;
  const isKnown = isPinned === true || (hopKeys[hostKeyName(host)] ?? []).length > 0;
  return whyOpenssh({ values: dump.values, keys: host, host: isKnown ? undefined : host, revoked: host, env });
}

/** With no hops before it, its own configuration says how it is reached. */
async function resolveHop(
  { env, homeDir, hopKeys = {}, transport, signal }: SshHostQuery,
  { last, before }: OverHops,
  behind: readonly ResolvedSshHost[],
): Promise<SshTarget> {
  const hop = await resolve(
    { ...last, ...(before.length > 0 && { jump: before }), hopKeys, transport, env, homeDir, signal },
    behind,
  );
  return { ...hop, hostKeys: hopKeys[hostKeyName(hop)] ?? [] };
}

/** What is known of a host before those are resolved that it is to be reached over. */
interface KnownSshHost extends Omit<ResolvedSshHost, 'route'> {
  readonly route?: AskedRoute | undefined;
}

/** All that ssh itself says of a host. */
export function dumpSshConfig(query: SshHostQuery, homes = homesOf(query.homeDir)): Promise<SshDump> {
  return dumpSshOptions(sshArguments(query, homes), query);
}

/** A leading dash would be an option to any ssh that a host name is handed to. */
function checkHost(host: string): void {
  if (/^(?!-)[^\s\p{Cc}]+$/u.test(host)) return;
  throw new SidecarError('usage.invalid', { reason: `"${host}" is not a host name`, host }, { retryable: false });
}

function sshArguments({ host, user, port, jump }: SshHostQuery, [home, ...accountHome]: Homes): string[] {
  const config = join(home, '.ssh', 'config');
  return [
    // Left to itself, ssh would not look there, see homes.ts.
    ...(accountHome.length > 0 && existsSync(config) ? ['-F', config] : []),
    // `Match user` and the like look at these.
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(jump === undefined ? [] : ['-J', jump.length === 0 ? 'none' : jump.map(destinationText).join(',')]),
    '--',
    host,
  ];
}

function fromOptions(query: SshHostQuery, homes: Homes, values: Values): KnownSshHost {
  const { host: alias, env } = query;
  const host = values('hostname')[0] ?? alias;
  const port = Number(values('port')[0] ?? query.port ?? 22);
  const user = values('user')[0] ?? localUser(env);
  const hostKeyAlias = values('hostkeyalias')[0];
  const addressFamily = { inet: 4, inet6: 6 }[values('addressfamily')[0] ?? ''] as 4 | 6 | undefined;
  const [bindAddress] = values('bindaddress');
  const far = { h: host, k: hostKeyAlias ?? alias, n: alias, p: String(port), r: user };
  const tokens = { ...localTokens(env), ...far };
  const filesOf = (option: string): string[] =>
    values(option)
      .filter((path) => path !== 'none')
      .flatMap((path) => identityFile(expand(path, tokens, env), homes));
  const certificateFiles = filesOf('certificatefile');
  const agent = agentSocket(values('identityagent')[0], homes, env);
  return {
    alias,
    host,
    port,
    user,
    route: routeOf(values, { alias, far, env }),
    ...(addressFamily !== undefined && { addressFamily }),
    ...(bindAddress !== undefined && { bindAddress }),
    ...(hostKeyAlias !== undefined && { hostKeyAlias }),
    ...(certificateFiles.length > 0 && { certificateFiles }),
    ...keys(query, { files: filesOf('identityfile'), only: values('identitiesonly')[0] === 'yes' }),
    ...agent,
    ...forwardedAgent(values('forwardagent')[0], { agent, homes, env }),
    ...hostKeyOptions(values, {
      printed: (path) => placesOf(path, homes),
      expanded: (path) => placesOf(expand(path, tokens, env), homes),
    }),
  };
}

function withoutSsh(query: SshHostQuery, homes: Homes): KnownSshHost {
  const { host, user, port = 22, jump = [], env } = query;
  return {
    route: overHops(jump),
    alias: host,
    host,
    port,
    user: user ?? localUser(env),
    ...keys(query, { files: usualKeys.flatMap((path) => identityFile(path, homes)), only: false }),
    ...agentSocket(undefined, homes, env),
    knownHostsFiles: placesOf('~/.ssh/known_hosts', homes),
  };
}

/** An identity that the user gave by hand stands alone. */
function keys(
  { identity }: SshHostQuery,
  { files, only }: { readonly files: readonly string[]; readonly only: boolean },
): Pick<SshTarget, 'identityFiles' | 'identitiesOnly'> {
  return identity === undefined
    ? { identityFiles: files, identitiesOnly: only }
    : { identityFiles: [identity], identitiesOnly: true };
}

/** Those of ssh's own list that can be used here. */
const usualKeys = ['~/.ssh/id_rsa', '~/.ssh/id_ecdsa', '~/.ssh/id_ed25519'];

/** The file, in the first home directory that has it. A usual one that nobody made is not worth a word. */
function identityFile(path: string, homes: Homes): string[] {
  const places = placesOf(path, homes);
  const found = places.find((place) => existsSync(place) || existsSync(`${place}.pub`));
  if (found !== undefined) return [found];
  return /[\\/]\.ssh[\\/]id_[a-z0-9_]+$/.test(path) ? [] : places.slice(0, 1);
}

/** `IdentityAgent`, see ssh_config(5): a path, `none`, `$NAME` or `SSH_AUTH_SOCK`, which is also the default. */
function agentSocket(option: string | undefined, homes: Homes, env: NodeJS.ProcessEnv): Pick<SshTarget, 'agentSocket'> {
  if (option === 'none') return {};
  const variable = option === undefined || option === 'SSH_AUTH_SOCK' ? 'SSH_AUTH_SOCK' : /^\$(\w+)$/.exec(option)?.[1];
  const places = variable === undefined ? placesOf(option ?? '', homes) : [env[variable] ?? ''];
  const socket = places.find((place) => existsSync(place)) ?? places[0] ?? '';
  return socket === '' ? {} : { agentSocket: socket };
}

/** `ForwardAgent`: `yes`, `no`, a path or `$NAME`. What `yes` means is the agent that is used here. */
function forwardedAgent(
  option = 'no',
  { agent, homes, env }: { readonly agent: Pick<SshTarget, 'agentSocket'>; homes: Homes; env: NodeJS.ProcessEnv },
): Pick<SshTarget, 'forwardAgent'> {
  if (option === 'no') return {};
  const { agentSocket: socket } = option === 'yes' ? agent : agentSocket(option, homes, env);
  return socket === undefined ? {} : { forwardAgent: socket };
}

/** ssh prints some paths before it has expanded them: `%` tokens and `${NAME}`, see ssh_config(5) TOKENS. */
function expand(path: string, tokens: Tokens, env: NodeJS.ProcessEnv): string {
  return expandTokens(path, tokens).replace(/\$\{(\w+)\}/g, (variable, name: string) => env[name] ?? variable);
}

/** What the tokens say of this side; `~` is expanded later, see homes.ts. */
function localTokens(env: NodeJS.ProcessEnv): Record<string, string> {
  const name = hostname();
  return {
    '%': '%',
    d: '~',
    i: String(process.getuid?.() ?? ''),
    l: name,
    L: name.split('.')[0] ?? name,
    u: localUser(env),
  };
}

function localUser(env: NodeJS.ProcessEnv): string {
  return env['USER'] ?? env['USERNAME'] ?? userInfo().username;
}
