import { describe, expect, it } from 'vitest';
import { channelRefused, connectError, connectionLost, isTooManyKeys } from '../../../src/transport/ssh2/errors.js';

const endpoint = { host: 'dev-1', port: 22 };
const at = { ...endpoint, stage: 'handshake' } as const;

function ssh2Error(message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), properties);
}

function socketError(code: string): Error {
  return ssh2Error(`connect ${code}`, { level: 'client-socket', code });
}

/** What Node reports for a name with two addresses. */
function aggregate(...codes: string[]): Error {
  const error = new AggregateError(codes.map(socketError), '');
  return Object.assign(error, { level: 'client-socket', code: codes[0] });
}

const networkErrnos = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
  ...['ENETUNREACH', 'ENETDOWN', 'EAI_AGAIN', 'ENOTFOUND'],
];

const retryable: [title: string, error: Error][] = [
  ...networkErrnos.map((errno): [string, Error] => [`socket error ${errno}`, socketError(errno)]),
  ['all addresses of a name refused', aggregate('ECONNREFUSED', 'ECONNREFUSED')],
  ['addresses of a name failed differently', aggregate('ENETUNREACH', 'ECONNREFUSED', 'ETIMEDOUT')],
  [
    'of the addresses of a name, all of kinds that this machine has',
    aggregate('EADDRNOTAVAIL', 'ECONNREFUSED', 'EAFNOSUPPORT'),
  ],
  ['a time limit of ssh2', ssh2Error('Keepalive timeout', { level: 'client-timeout' })],
  ['the end before the banner', ssh2Error('Connection lost before handshake', { level: 'protocol', fatal: true })],
  ['DISCONNECT 10', ssh2Error('connection lost', { code: 10 })],
  ['DISCONNECT 12', ssh2Error('go away', { code: 12 })],
];

const permanent: [title: string, error: unknown][] = [
  ['a socket error that is none of the network', socketError('EACCES')],
  ['a socket error without a code', ssh2Error('odd', { level: 'client-socket' })],
  ['no address is of a kind that this machine has', aggregate('EADDRNOTAVAIL', 'EAFNOSUPPORT')],
  ['one address is of no such kind, and the other refused for good', aggregate('EADDRNOTAVAIL', 'EACCES')],
  ['a name of which one address failed for another reason', aggregate('ECONNREFUSED', 'EACCES')],
  ['ECONNRESET that is not of the socket', ssh2Error('reset', { code: 'ECONNRESET' })],
  ['a failed key exchange', ssh2Error('Handshake failed: no matching key exchange algorithm', { level: 'handshake' })],
  ['DISCONNECT 2', ssh2Error('protocol error', { code: 2 })],
  ['DISCONNECT 7', ssh2Error('service not available', { code: 7 })],
  ['DISCONNECT 14', ssh2Error('no more auth methods', { code: 14 })],
  ['a banner of SSH 1', ssh2Error('Invalid identification string')],
  ['words that only resemble the end before the banner', ssh2Error('Connection lost before handshake, maybe')],
  ['something thrown that is no error', 'text'],
];

describe('connectError', () => {
  it.each(retryable)('%s: ssh.unreachable, may be retried', (_title, error) => {
    const made = connectError({ kind: 'error', error }, at);
    expect(made).toMatchObject({ code: 'ssh.unreachable', retryable: true, cause: error });
    expect(made.facts).toMatchObject({ ...at, reason: expect.stringMatching(/\w/) as string });
  });

  it.each(permanent)('%s: may not be retried', (_title, error) => {
    expect(connectError({ kind: 'error', error }, at)).toMatchObject({ retryable: false, cause: error });
  });

  it('an end without any error event may be retried', () => {
    expect(connectError({ kind: 'closed' }, at)).toMatchObject({
      code: 'ssh.unreachable',
      retryable: true,
      facts: { reason: 'the server closed the connection' },
    });
  });

  it('our own time limit may be retried, and says how long it was', () => {
    expect(connectError({ kind: 'timeout', limitMs: 10_000 }, at)).toMatchObject({
      code: 'ssh.unreachable',
      retryable: true,
      facts: { reason: 'no answer within 10 s' },
    });
  });

  it('names the errno, also of an AggregateError, whose own message is empty', () => {
    const made = connectError({ kind: 'error', error: aggregate('ECONNREFUSED', 'ECONNREFUSED') }, at);
    expect(made.facts).toMatchObject({ errno: 'ECONNREFUSED', reason: 'connection refused' });
  });

  it("names a DISCONNECT's number", () => {
    expect(connectError({ kind: 'error', error: ssh2Error('go away', { code: 12 }) }, at).facts).toMatchObject({
      disconnect: 12,
      reason: 'the server disconnected: go away',
    });
  });

  it('does not repeat an endless message of the server', () => {
    const { facts } = connectError({ kind: 'error', error: ssh2Error('x'.repeat(100_000), { code: 2 }) }, at);
    expect(String(facts['reason']).length).toBeLessThan(400);
  });
});

describe('connectionLost', () => {
  it.each(retryable)('%s: may be retried', (_title, error) => {
    const lost = connectionLost({ kind: 'error', error }, endpoint);
    expect(lost).toMatchObject({ code: 'ssh.connection_lost', retryable: true, facts: endpoint, cause: error });
  });

  it.each(permanent)('%s: may not be retried', (_title, error) => {
    expect(connectionLost({ kind: 'error', error }, endpoint)).toMatchObject({
      code: 'ssh.connection_lost',
      retryable: false,
    });
  });
});

describe('channelRefused', () => {
  it("keeps the server's words and number, and may not be retried", () => {
    const error = ssh2Error('(SSH) Channel open failure: open failed', { reason: 2 });
    expect(channelRefused(error, endpoint)).toMatchObject({
      code: 'ssh.channel_refused',
      retryable: false,
      facts: { ...endpoint, reason: 'open failed', sshReason: 2 },
    });
  });
});

describe('isTooManyKeys', () => {
  it('knows the words of OpenSSH, with DISCONNECT 2 only', () => {
    expect(isTooManyKeys(ssh2Error('Too many authentication failures', { code: 2 }))).toBe(true);
    expect(isTooManyKeys(ssh2Error('Too many authentication failures for root', { code: 2 }))).toBe(true);
    expect(isTooManyKeys(ssh2Error('Too many authentication failures', { code: 12 }))).toBe(false);
    expect(isTooManyKeys(ssh2Error('protocol error', { code: 2 }))).toBe(false);
  });
});
