import { describe, expect, it } from 'vitest';
import { bannerIn, readEnd } from '../../../src/transport/openssh/errors.js';
import { SshLog } from '../../../src/transport/openssh/log.js';

/** The last words of ssh, also of versions and systems that are not at hand: what they come to. */

const dial = '';
const handshake = 'debug1: Connection established.\r\n';
const auth = `${handshake}debug1: SSH2_MSG_NEWKEYS received\r\n`;

function logOf(said: string, others = ''): SshLog {
  const log = new SshLog('/nowhere');
  log.take('others', others);
  log.take('ssh', said);
  return log;
}

const read = (said: string, status = 255) => readEnd(logOf(`${said}\r\n`), status);

/** What others say is on stderr, beside the log. */
const readBeside = (others: string, said: string) => readEnd(logOf(`${said}\r\n`, `${others}\r\n`), 255);

describe('a passing fault is retried', () => {
  it.each([
    [dial, 'ssh: connect to host web port 22: Connection refused', { errno: 'ECONNREFUSED' }],
    [dial, 'ssh: connect to host web port 22: Connection timed out', { errno: 'ETIMEDOUT' }],
    [dial, 'ssh: connect to host web port 22: Operation timed out', { errno: 'ETIMEDOUT' }], // macOS
    [dial, 'ssh: connect to host web port 22: No route to host', { errno: 'EHOSTUNREACH' }],
    [dial, 'ssh: connect to host web port 22: Host is unreachable', { errno: 'EHOSTUNREACH' }], // musl
    [dial, 'ssh: connect to host web port 22: Network is unreachable', { errno: 'ENETUNREACH' }],
    [dial, 'ssh: connect to host web port 22: Host is down', { errno: 'EHOSTDOWN' }],
    [dial, 'ssh: connect to host web port 22: Cannot assign requested address', { errno: 'EADDRNOTAVAIL' }],
    [dial, "ssh: connect to host web port 22: Can't assign requested address", { errno: 'EADDRNOTAVAIL' }], // macOS
    [dial, 'ssh: connect to host web port 22: Address family not supported by protocol', { errno: 'EAFNOSUPPORT' }],
    [dial, 'ssh: Could not resolve host "web"', { errno: 'ENOTFOUND' }],
    [dial, 'ssh: Could not resolve hostname web: Name or service not known', { errno: 'ENOTFOUND' }],
    [dial, 'ssh: Could not resolve hostname web: nodename nor servname provided, or not known', { errno: 'ENOTFOUND' }],
    [dial, 'ssh: Could not resolve hostname web: Temporary failure in name resolution', { errno: 'EAI_AGAIN' }],
    [handshake, 'Connection timed out during banner exchange\r\nConnection to 10.0.0.7 port 22 timed out', {}],
    [handshake, 'kex_exchange_identification: Connection closed by remote host', {}],
    [handshake, 'ssh_exchange_identification: Connection closed by remote host', {}],
    [handshake, 'kex_exchange_identification: read: Connection reset by peer', { errno: 'ECONNRESET' }],
    [handshake, 'ssh_exchange_identification: read: Connection reset by peer', { errno: 'ECONNRESET' }],
    [dial, 'banner exchange: Connection to UNKNOWN port 65535: Broken pipe', {}],
    [handshake, 'banner exchange: Connection to 10.0.0.7 port 22: Connection aborted', { errno: 'ECONNABORTED' }],
    [handshake, 'Connection reset by 10.0.0.7 port 22', { errno: 'ECONNRESET' }],
    [auth, 'Connection closed by 10.0.0.7 port 22', {}],
    [auth, 'Connection closed by authenticating user dev 10.0.0.7 port 22 [preauth]', {}],
    [auth, 'Connection to web closed by remote host.', {}],
    [auth, 'Read from remote host web: Operation timed out\r\nclient_loop: send disconnect: Broken pipe', {}],
    [auth, 'client_loop: send disconnect: Connection reset', { errno: 'ECONNRESET' }],
    [auth, 'packet_write_wait: Connection to 10.0.0.7 port 22: Broken pipe', { errno: 'EPIPE' }],
    [auth, 'Timeout, server web not responding.', { errno: 'ETIMEDOUT' }],
    [auth, 'Received disconnect from 10.0.0.7 port 22:12: Too many connections\r\nDisconnected from 10.0.0.7', {}],
  ])('%s%s', (before, said, facts) => {
    expect(read(before + said)).toMatchObject({ code: 'ssh.unreachable', retryable: true, facts });
  });

  it.each([
    'bash: line 1: /dev/tcp/10.0.0.7/22: Connection refused',
    '/home/dev/bin/proxy: line 3: 4711 Terminated nc web 22',
    'bash: connect: Connection refused',
    '/home/dev/bin/proxy: line 3: logger: command not found',
    '/home/dev/bin/proxy: 3: logger: not found',
    'nc: getaddrinfo for host "web" port 22: Name or service not known',
  ])('a proxy command that fails, which is told: %s', (others) => {
    const reading = readBeside(others, `${dial}kex_exchange_identification: Connection closed by remote host`);
    expect(reading).toMatchObject({ code: 'ssh.unreachable', retryable: true });
    expect(reading.reason).toBe(`the server hung up before it spoke SSH (${others})`);
  });

  it.each([
    ['', 'Connection to web closed by remote host.'],
    ['Helpdesk: line 12: call 555\r\n', 'Connection to web closed by remote host.'],
    ['web: Bad configuration option: none\r\n', 'Connection to web closed by remote host.'],
  ])('a loss of a server that had said this: %s', (banner, others) => {
    const reading = readBeside(banner + others, `${auth}client_loop: send disconnect: Broken pipe`);
    expect(reading).toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });

  it('a server that disconnects with words like those of a configuration', () => {
    const said = `${auth}Received disconnect from 10.0.0.7 port 22:11: gone: line 3: away`;
    expect(read(said)).toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });

  it('an ssh that was killed', () => {
    expect(read(auth, 137)).toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });
});

describe('what waiting does not cure is not retried', () => {
  it.each([
    [handshake, 'Unable to negotiate with 10.0.0.7 port 22: no matching key exchange method found. Their offer: x', {}],
    [handshake, 'Unable to negotiate with 10.0.0.7 port 22: no matching host key type found. Their offer: ssh-rsa', {}],
    [handshake, 'kex_exchange_identification: banner line contains invalid characters', {}],
    [handshake, 'Protocol major versions differ: 2 vs. 1', {}],
    [
      handshake,
      'Bad packet length 1397966893.\r\nssh_dispatch_run_fatal: Connection to 1.2.3.4 port 22: Connection corrupted',
      {},
    ],
    [auth, 'Received disconnect from 10.0.0.7 port 22:14: No more auth methods\r\nDisconnected from 10.0.0.7', {}],
    [auth, 'something new that no version has said so far', {}],
  ])('%s%s', (before, said) => {
    expect(read(before + said)).toMatchObject({ code: 'ssh.protocol', retryable: false });
  });

  it.each([
    ['/home/dev/.ssh/config: line 3: Bad configuration option: prot', 'ssh.config_invalid'],
    ['/home/dev/.ssh/config line 3: unsupported option "maybe".', 'ssh.config_invalid'],
    ['Bad owner or permissions on /home/dev/.ssh/config', 'ssh.config_invalid'],
    ['ssh: connect to host web port 22: Permission denied', 'ssh.unreachable'],
    ['Host key ED25519 SHA256:abc revoked by file /etc/ssh/revoked', 'ssh.host_key_revoked'],
  ])('%s', (said, code) => {
    expect(read(said)).toMatchObject({ code, retryable: false });
  });

  it.each([
    ['command-line: line 0: Bad configuration option: nonsense', 'ssh.config_invalid'],
    ['command-line line 0: unsupported option "maybe".', 'ssh.config_invalid'],
    ['/home/dev/.ssh/jump: line 3: Bad configuration option: prot', 'ssh.config_invalid'],
    ['/home/dev/.ssh/jump: terminating, 1 bad configuration options', 'ssh.config_invalid'],
    ['Bad owner or permissions on /home/dev/.ssh/jump', 'ssh.config_invalid'],
    ['dev@jump: Permission denied (publickey).', 'ssh.auth_refused'],
    ['Host key verification failed.', 'ssh.protocol'],
  ])('also of a host on the way: %s', (others, code) => {
    const reading = readBeside(others, `${dial}Connection closed by UNKNOWN port 65535`);
    expect(reading).toMatchObject({ kind: 'other', code, retryable: false });
  });

  it.each([
    '/bin/sh: 1: exec: nosuch: not found', // dash
    '/bin/sh: 1: exec: /etc/passwd: Permission denied',
    '/bin/bash: line 1: exec: nosuch: not found',
    '/bin/bash: line 0: exec: nosuch: not found', // before 5.1
    '/bin/bash: line 1: /no/such: No such file or directory',
    '/bin/bash: line 1: exec: /etc/passwd: cannot execute: Permission denied',
    'bash: nc: command not found', // at a hop
    'sh: exec: line 0: nosuch: not found', // busybox
    '/bin/mksh: exec: nosuch: inaccessible or not found',
    'zsh:1: command not found: nosuch',
    '/bin/zsh:1: no such file or directory: /no/such',
    'zsh:1: permission denied: /etc/passwd',
    'fish: Unknown command: nosuch',
    "fish: Unknown command. '/etc/passwd' exists but is not an executable file.",
    'nosuch: Command not found.', // csh
    '/etc/passwd: Permission denied.',
  ])('a proxy command that is not there: %s', (others) => {
    const reading = readBeside(others, `${dial}kex_exchange_identification: Connection closed by remote host`);
    const reason = `the proxy command cannot be started: ${others}`;
    expect(reading).toMatchObject({ code: 'ssh.config_invalid', retryable: false, reason });
  });

  it('a program that is not there', () => {
    expect(read('sh: line 4: ssh: command not found', 127)).toMatchObject({ code: 'ssh.config_invalid' });
  });

  it.each([
    [auth, 'dev@web: Permission denied (publickey).', 'login'],
    [auth, 'Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures', 'login'],
    [handshake, 'No ED25519 host key is known for web and you have requested strict checking.', 'host key'],
  ])('and is for whoever knows more: %s%s', (before, said, kind) => {
    expect(read(before + said)).toMatchObject({ kind, retryable: false });
  });
});

describe('a log of ssh', () => {
  it('tells how far it has come, in whatever pieces it arrives', () => {
    const said =
      `debug1: Connecting to web [10.0.0.7] port 22.\r\n${handshake}` +
      'debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc, serial 0 ID "x" CA ssh-rsa SHA256:def\r\n' +
      "debug1: Host 'web' is known and matches the ED25519-CERT host certificate.\r\n" +
      'debug1: SSH2_MSG_NEWKEYS received\r\n' +
      'debug1: Offering public key: /home/dev/my key RSA SHA256:ghi explicit\r\n' +
      'debug1: Offering public key: dev@laptop ED25519 SHA256:jkl agent\r\n' +
      'debug1: Server accepts key: dev@laptop ED25519 SHA256:jkl agent\r\n';
    const log = logOf('');
    for (const letter of said) log.take('ssh', letter);
    expect(log).toMatchObject({
      stage: 'auth',
      hostKey: { keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc' },
      isVouchedFor: true,
      tried: ['/home/dev/my key', 'agent: dev@laptop'],
      isSigning: true,
      isReady: false,
    });
    log.take('ssh', 'debug1: Authentication succeeded (publickey).\r\ndebug1: Entering interactive session.\r\n');
    expect(log).toMatchObject({ isSigning: false, isReady: true });
  });

  it('does not heed how far another ssh has come, nor tells what that says of it', () => {
    const log = logOf('', `${auth}debug1: Entering interactive session.\r\nno way there\r\n`);
    expect(log).toMatchObject({ stage: 'dial', isReady: false, hostKey: undefined });
    expect(log.words.map(({ line }) => line)).toEqual(['no way there']);
  });

  it('holds the words of the server, which decide and end nothing', () => {
    const log = logOf(auth);
    log.take('others', 'Welcome to web.\r\nHost key verification failed.\r\n/nowhere-else ended 0\r\nBye.');
    log.take('ssh', 'Connection closed by 10.0.0.7 port 22\r\n');
    expect(readEnd(log, 255)).toMatchObject({ code: 'ssh.unreachable', retryable: true });
    expect(bannerIn(log)).toBe('Welcome to web.\nHost key verification failed.\n/nowhere-else ended 0');
    log.take('ssh', '\n/nowhere ended 255\n');
    expect(log.endedWith).toBeUndefined();
    log.take('others', '\n/nowhere ended 255\n');
    expect(log.endedWith).toBe(255);
    expect(bannerIn(log)).toContain('Bye.');
  });

  it('keeps the last words of ssh, however many others there are', () => {
    const log = logOf('Connection reset by 10.0.0.7 port 22\r\n');
    log.take('others', 'and on it goes\r\n'.repeat(1000));
    expect(readEnd(log, 255)).toMatchObject({ facts: { errno: 'ECONNRESET' } });
  });
});
