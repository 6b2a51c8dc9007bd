import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SidecarError } from '../errors.js';
import { homesOf, placesOf, type Homes } from './homes.js';
import { dumpSshOptions, type SshDump } from './ssh-dump.js';
import type { SshTarget } from './target.js';

/** The machine that the user named, what the user said about it besides, and the user's surroundings. */
export interface SshHostQuery {
  /** An address, or an alias of `~/.ssh/config`. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** A private key file: then no other key is tried. */
  readonly identity?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
}

export type ResolvedSshHost = Omit<SshTarget, 'hostKeys'>;

/**
 * Answers what the user's own ssh would do for `ssh host`, by asking it: `ssh -G` follows Include and Match, which no
 * library does. Without an ssh, `host` is taken literally, with the usual keys and known_hosts in `~/.ssh`.
 *
 * Throws `usage.invalid` for a host that is no name, and `ssh.config_invalid` with the reason when the configuration is
 * broken or asks for a ProxyJump or ProxyCommand.
 */
export async function resolveSshHost(query: SshHostQuery): Promise<ResolvedSshHost> {
  checkHost(query.host);
  const homes = homesOf(query.homeDir);
  const dump = await dumpSshConfig(query, homes);
  switch (dump.kind) {
    case 'options':
      return fromOptions(query, homes, dump.values);
    case 'no-ssh':
      return withoutSsh(query, homes);
    case 'failed':
      throw configInvalid(query.host, dump.reason);
  }
}

/** All that ssh itself says of a host. */
export function dumpSshConfig(query: SshHostQuery, homes = homesOf(query.homeDir)): Promise<SshDump> {
  return dumpSshOptions(sshArguments(query, homes), query.env);
}

/** A leading dash would be an option to any ssh that a host name is handed to. */
function checkHost(host: string): void {
  if (/^(?!-)[^\s\p{Cc}]+$/u.test(host)) return;
  throw new SidecarError('usage.invalid', { reason: `"${host}" is not a host name`, host }, { retryable: false });
}

function sshArguments({ host, user, port }: SshHostQuery, [home, ...accountHome]: Homes): string[] {
  const config = join(home, '.ssh', 'config');
  return [
    // Left to itself, ssh would not look there, see homes.ts.
    ...(accountHome.length > 0 && existsSync(config) ? ['-F', config] : []),
    // `Match user` and the like look at these.
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
}

function fromOptions(query: SshHostQuery, homes: Homes, values: Values): ResolvedSshHost {
  const { host: alias, env } = query;
  const proxy = [...values('proxyjump'), ...values('proxycommand')].find((value) => value !== 'none');
  if (proxy !== undefined) {
    const option = values('proxyjump').includes(proxy) ? 'ProxyJump' : 'ProxyCommand';
    throw configInvalid(alias, `${option} is not supported yet, and ssh is configured to use "${proxy}"`);
  }
  const host = values('hostname')[0] ?? alias;
  const port = Number(values('port')[0] ?? query.port ?? 22);
  const user = values('user')[0] ?? localUser(env);
  const hostKeyAlias = values('hostkeyalias')[0];
  const tokens = { ...localTokens(env), h: host, k: hostKeyAlias ?? alias, n: alias, p: String(port), r: user };
  const identityFiles = values('identityfile')
    .filter((path) => path !== 'none')
    .flatMap((path) => identityFile(expand(path, tokens, env), homes));
  return {
    alias,
    host,
    port,
    user,
    ...(hostKeyAlias !== undefined && { hostKeyAlias }),
    ...keys(query, { files: identityFiles, only: values('identitiesonly')[0] === 'yes' }),
    ...agentSocket(values('identityagent')[0], homes, env),
    knownHostsFiles: [...values('userknownhostsfile'), ...values('globalknownhostsfile')]
      .flatMap(splitPaths)
      .flatMap((path) => placesOf(path, homes)),
  };
}

type Values = Extract<SshDump, { kind: 'options' }>['values'];

function withoutSsh(query: SshHostQuery, homes: Homes): ResolvedSshHost {
  const { host, user, port = 22, env } = query;
  return {
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

/** Several paths on one line, which ssh prints without quotes: a new one starts where an absolute path does. */
function splitPaths(value: string): string[] {
  return value === 'none' ? [] : value.split(/ (?=[/~]|[A-Za-z]:[\\/])/);
}

/** ssh prints some paths before it has expanded them: `%` tokens and `${NAME}`, see ssh_config(5) TOKENS. */
function expand(path: string, tokens: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): string {
  return path
    .replace(/%(.)/g, (token, letter: string) => tokens[letter] ?? token)
    .replace(/\$\{(\w+)\}/g, (variable, name: string) => env[name] ?? variable);
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

/** ssh says `FILE: line 2: Bad configuration option: prot`, and where a value is bad `FILE line 2: …`. */
function configInvalid(host: string, reason: string): SidecarError {
  const [, file, line] = /^(.+?):? line (\d+): /.exec(reason) ?? [];
  const place = file === undefined || !isAbsolute(file) ? {} : { file, line: Number(line) };
  return new SidecarError('ssh.config_invalid', { host, reason, ...place }, { retryable: false });
}
