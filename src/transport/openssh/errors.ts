import { SidecarError } from '../../errors.js';
import type { Endpoint, Stage } from '../ssh2/errors.js';
import type { Address } from '../transport.js';
import type { SshLog, Word } from './log.js';
import { notStarted } from './not-started.js';
import { bounded, config, errnoOf, network, of, permanent, socketError, unresolved, type Reading } from './reading.js';

export type { Endpoint } from '../ssh2/errors.js';

/** Why ssh ended, by what it said and its exit status. What is not known is not retried. */
export function readEnd(log: SshLog, status: number | null): Reading {
  const said = heeded(log);
  if (status === noProgram) return config('there is no `ssh` program on PATH');
  for (const row of table) {
    for (const word of said) {
      const found = fit(row, word);
      if (found === null) continue;
      const reading = row.reading(found, word);
      return word.by === 'ssh' ? withOthersWords(reading, said, log.stage) : reading;
    }
  }
  const last = (said.findLast(({ by }) => by === 'ssh') ?? said.at(-1))?.line;
  // By a signal: it did not end by itself. A shell tells of it as of 128 and more.
  if (status === null || (status > 128 && status < 255)) return network('ssh was ended by a signal');
  return permanent(last === undefined ? `ssh ended with status ${status}` : bounded(last));
}

/** The error of a connection that never became a session. */
export function connectError(
  { code, retryable, reason, facts }: Reading,
  { host, port, stage }: Endpoint & { stage: Stage },
): SidecarError {
  return new SidecarError(code, { host, port, stage, reason, ...facts }, { retryable });
}

/** The error of a session that was open and is lost. */
export function connectionLost({ retryable, reason, facts }: Reading, { host, port }: Endpoint): SidecarError {
  return new SidecarError('ssh.connection_lost', { host, port, reason, ...facts }, { retryable });
}

/** The error of a channel that the server, while connected, would not open or not run a command on. */
export function channelRefused(
  reason: string,
  { host, port }: Endpoint,
  { sshReason, cause }: { readonly sshReason?: number; readonly cause?: Error } = {},
): SidecarError {
  const facts = { host, port, reason: bounded(reason), ...(sshReason === undefined ? {} : { sshReason }) };
  return new SidecarError('ssh.channel_refused', facts, {
    retryable: false,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error of a server that does not listen for us. */
export function listenRefused(cause: Error, { host, port }: Endpoint, listen: Address): SidecarError {
  const facts = { host, port, listenHost: listen.host, listenPort: listen.port };
  return new SidecarError('forward.remote_refused', facts, { cause, retryable: false });
}

/** The words of the server before the login, for the error of one that it refused. */
export function bannerIn(log: SshLog): string {
  const lines = log.words.filter(({ by, stage, line }) => by === 'others' && stage === 'auth' && !isChatter(line));
  return bounded(lines.map(({ line }) => line).join('\n'), 500);
}

/** Once the way has led to the server, what others say is its banner: that decides nothing. But ssh may say there why it ends. */
function heeded({ words, stage }: SshLog): Word[] {
  const isLast = (line: string): boolean => /^(Connection to|Read from remote host) /.test(line);
  return words.filter(({ by, line }) => by === 'ssh' || stage !== 'auth' || isLast(line));
}

const fit = ({ says, when }: Row, word: Word): RegExpExecArray | null =>
  when === undefined || when(word) ? says.exec(word.line) : null;

const isKnown = (word: Word): boolean => table.some((row) => fit(row, word) !== null);

/** What another ssh says, whatever comes of it. */
const isChatter = (line: string): boolean =>
  /^(Warning: |Killed by signal|OpenSSH_|Authenticated to |Transferred: |Bytes per second: )/.test(line);

/** A shell's status for a program that is not there. */
const noProgram = 127;

interface Row {
  readonly says: RegExp;
  /** Absent: always. */
  readonly when?: (word: Word) => boolean;
  readonly reading: (found: RegExpExecArray, word: Word) => Reading;
}

/** The first row that some line fits counts: what decides stands before what follows from it. Words of OpenSSH 7.6 to 10. */
const table: readonly Row[] = [
  {
    // A shell on the way says `line 1: …` as well, of whatever fails in it.
    says: /^(?:.*[^:]:? line \d+: .+|Can't open user config file .+)$/,
    when: ({ by, stage }) => by === 'ssh' && stage === 'dial',
    reading: configured,
  },
  // Of an option on its command line, ssh says so before it knows where its log is.
  {
    says: /^(?:.*: Bad configuration option: .*|.*: terminating, \d+ bad configuration options?|command-line:? line 0: .+)$/,
    when: ({ by }) => by === 'others',
    reading: configured,
  },
  { says: /^Bad owner or permissions on .+$/, reading: configured },
  { says: /^Host key .* (revoked by file .*)$/, reading: ([, what]) => revokedByFile(what ?? '') },
  {
    says: /^Host key verification failed\.|^No \S+ host key is known for |^Certificate invalid: |IDENTIFICATION HAS CHANGED/,
    reading: (_found, { by }) => (by === 'ssh' ? of('host key', hostKeyReading) : jumpsHostKey()),
  },
  {
    says: /^Unable to negotiate with .*?: (no matching .+?)(?: found)?\. /,
    reading: ([, what]) => permanent(what ?? ''),
  },
  { says: /^ssh_dispatch_run_fatal: .*: (no matching .+)$/, reading: ([, what]) => permanent(what ?? '') },
  {
    says: /(Protocol major versions differ.*|Bad remote protocol version.*|banner line .*|No SSH identification string.*)$/,
    reading: ([, what]) => permanent(bounded(what ?? '')),
  },
  {
    says: /(Bad packet length.*|[Cc]orrupted MAC.*|message authentication code incorrect|padding error.*|.*incomplete message)$/,
    reading: ([, what]) => permanent(bounded(what ?? '')),
  },
  { says: /^Received disconnect from .*? port \d+:2: Too many authentication failures/, reading: tooManyKeys },
  { says: /^Received disconnect from .*? port \d+:(\d+): ?(.*)$/, reading: disconnected },
  { says: /Permission denied \(|^Too many authentication failures/, reading: loginRefused },
  {
    says: /^channel \d+: open failed: (administratively prohibited|connect failed|unknown channel type|resource shortage)(.*)$/,
    when: ({ by }) => by === 'others',
    reading: notForwarded,
  },
  {
    says: notStarted,
    // Afterwards it is something else that is not there.
    when: ({ by, stage }) => by === 'others' && stage === 'dial',
    reading: ([line]) => config(`the proxy command cannot be started: ${bounded(line)}`),
  },
  { says: /^ssh: connect to (?:host|address) .* port \d+: (.+)$/, reading: ([, what]) => socketError(what ?? '') },
  {
    says: /^ssh: Could not resolve host(?:name .*: (.+)| ".*")$/,
    reading: ([, what]) => unresolved(what ?? ''),
  },
  {
    says: /^Connection timed out during banner exchange|^Connection to .* timed out|^Timeout, server .* not responding/,
    reading: () => network('no answer', { errno: 'ETIMEDOUT' }),
  },
  { says: /_exchange_identification: (?:read: |write: |client sent .*|Connection closed)(.*)$/, reading: hungUpEarly },
  { says: /^banner exchange: Connection to .* port \d+: (Broken pipe)$/, reading: hungUpEarly },
  {
    says: /(?:Read from remote host|banner exchange|client_loop: send disconnect|packet_write_wait|ssh_dispatch_run_fatal|ssh_packet_\w+).*: (.+)$/,
    reading: ([, what]) => socketError(what ?? ''),
  },
  { says: /^(Connection reset) by /, reading: () => socketError('Connection reset by peer') },
  {
    says: /^Connection (?:to \S+ )?closed by |^Disconnected from /,
    reading: () => network('the server closed the connection'),
  },
];

function configured([line]: RegExpExecArray): Reading {
  return config(bounded(line));
}

/** The programs on the way, those of ProxyJump and ProxyCommand, say why the way ended. */
function withOthersWords(reading: Reading, said: readonly Word[], stage: Stage): Reading {
  if (reading.code !== 'ssh.unreachable' || stage === 'auth') return reading;
  const other = said.findLast((word) => word.by === 'others' && !isKnown(word) && !isChatter(word.line));
  return other === undefined ? reading : { ...reading, reason: `${reading.reason} (${bounded(other.line)})` };
}

const hostKeyReading = permanent('the host key is not the expected one');

/** `RevokedHostKeys`, a file of the user's own. What known_hosts revokes is in ours, and found there. */
function revokedByFile(what: string): Reading {
  const source = /^revoked by file (.+)$/.exec(what)?.[1] ?? 'RevokedHostKeys';
  return { ...permanent(what, { source }), code: 'ssh.host_key_revoked' };
}

function jumpsHostKey(): Reading {
  return permanent('ssh does not trust the host key of a host on the way: connect to that one once with `ssh`');
}

function tooManyKeys(_found: RegExpExecArray, { by, stage }: Word): Reading {
  const reason = 'Too many authentication failures';
  return by === 'ssh' && stage === 'auth'
    ? of('login', permanent(reason))
    : permanent(`the server disconnected: ${reason}`, { disconnect: 2 });
}

/** RFC 4253 §11.1: 10 CONNECTION_LOST and 12 TOO_MANY_CONNECTIONS pass by themselves. 11 is BY_APPLICATION. */
function disconnected([, number, text]: RegExpExecArray): Reading {
  const disconnect = Number(number);
  if (disconnect === 11) return network('the server closed the connection');
  const reason = `the server disconnected: ${bounded(text ?? '')}`;
  return disconnect === 10 || disconnect === 12 ? network(reason, { disconnect }) : permanent(reason, { disconnect });
}

function loginRefused([line]: RegExpExecArray, { by, line: whole }: Word): Reading {
  if (by === 'ssh') return of('login', permanent(line));
  const reason = `a host on the way refused the login: ${bounded(whole)}`;
  return { ...permanent(reason), code: 'ssh.auth_refused' };
}

/** RFC 4254 §5.1, in OpenSSH's words. Only that a machine does not listen yet passes by itself. */
function notForwarded([, why = '', what = '']: RegExpExecArray): Reading {
  const reason = `a host on the way says: ${bounded(`${why}${what}`.toLowerCase())}`;
  if (why === 'connect failed') return network(reason);
  return { ...permanent(reason, { sshReason: channelReasons.indexOf(why) }), code: 'ssh.channel_refused' };
}

/** By their numbers. */
const channelReasons = [
  '',
  'administratively prohibited',
  'connect failed',
  'unknown channel type',
  'resource shortage',
];

/** ssh found that out as it read (no words of the system), or already as it wrote its own banner: a broken pipe. */
function hungUpEarly([, words = '']: RegExpExecArray): Reading {
  const errno = errnoOf(words);
  const isHangUp = errno === undefined || errno === 'EPIPE';
  return isHangUp ? network('the server hung up before it spoke SSH') : socketError(words);
}
