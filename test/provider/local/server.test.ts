import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Client, ClientChannel, ConnectConfig } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountName } from '../../../src/provider/local/account.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { startLocalServer, type LocalServer } from '../../../src/provider/local/server.js';
import { digest, exec, finish, logIn, run, shell, text } from './ssh-client.js';

const mebibyte = 1024 * 1024;

describe('the embedded server', () => {
  let base: string;
  let home: string;
  let server: LocalServer;
  let login: ConnectConfig;
  let client: Client;

  const hostKeys = generateKeyPair();
  const clientKeys = generateKeyPair();

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'sidecar-server-'));
    home = join(base, 'home');
    await mkdir(home);
    const env = {
      PATH: process.env['PATH'],
      GIT_DIR: '/x',
      SIDECAR_NAME: 'x',
      AWS_SECRET: 'x',
      LC_TIME: 'C',
      TERM: 'x',
    };
    const authorizedKeys = [(await clientKeys).publicKey];
    server = await startLocalServer({ port: 0, hostKey: (await hostKeys).privateKey, authorizedKeys, home, env });
    login = { port: server.port, username: accountName(), privateKey: (await clientKeys).privateKey };
    client = await logIn(login);
  });
  afterEach(async () => {
    client.destroy();
    await server.close();
    await rm(base, { recursive: true });
  });

  /** A pipe in the file system. Reading it ends once the last process that holds it for writing is gone. */
  const makePipe = async (): Promise<string> => {
    const path = join(base, `pipe-${randomBytes(4).toString('hex')}`);
    await promisify(execFile)('mkfifo', [path]);
    return path;
  };

  describe('lets in', () => {
    it('nobody with another key', async () => {
      const privateKey = (await generateKeyPair()).privateKey;
      await expect(logIn({ ...login, privateKey })).rejects.toThrow('authentication methods failed');
    });

    it('nobody under another name', async () => {
      await expect(logIn({ ...login, username: `${accountName()}x` })).rejects.toThrow('authentication methods failed');
    });

    it('nobody with a password, or with nothing', async () => {
      const { port, username } = login;
      await expect(logIn({ port, username, password: '' } as ConnectConfig)).rejects.toThrow();
      await expect(logIn({ port, username } as ConnectConfig)).rejects.toThrow();
    });

    it('nobody who shows the key and cannot sign with it', async () => {
      const { port, username } = login;
      const { utils } = (await import('ssh2')).default;
      const shown = utils.parseKey((await clientKeys).publicKey);
      const other = utils.parseKey((await generateKeyPair()).privateKey);
      if (shown instanceof Error || other instanceof Error) throw new Error('no key');
      const { BaseAgent } = (await import('ssh2')).default;
      class Impostor extends BaseAgent<string> {
        override getIdentities(callback: (error: undefined, keys: string[]) => void): void {
          callback(undefined, [shown as unknown as string]);
        }
        override sign(...args: unknown[]): void {
          const callback = args.at(-1) as (error: undefined, signature: Buffer) => void;
          callback(undefined, (other as { sign: (data: Buffer) => Buffer }).sign(args[1] as Buffer));
        }
      }
      const refused = logIn({ port, username, agent: new Impostor() } as ConnectConfig);
      await expect(refused).rejects.toThrow('authentication methods failed');
    });

    it('only who expects the key that was made for it', async () => {
      let shown: Buffer | undefined;
      const verifying = await logIn({
        ...login,
        hostVerifier: (key: Buffer) => {
          shown = key;
          return true;
        },
      });
      verifying.destroy();
      expect(shown?.toString('base64')).toBe((await hostKeys).publicKey.split(' ')[1]);
    });
  });

  it('listens on the loopback interface alone', async () => {
    const { stdout } = await promisify(execFile)('sh', ['-c', 'cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true']);
    const hexPort = server.port.toString(16).toUpperCase().padStart(4, '0');
    const listening = stdout.split('\n').filter((line) => new RegExp(`:${hexPort} \\S+ 0A `).test(line));
    expect(listening.map((line) => line.trim().split(/\s+/)[1])).toEqual(stdout === '' ? [] : [`0100007F:${hexPort}`]);
  });

  it('takes another port when somebody else has the wanted one', async () => {
    const { privateKey, publicKey } = await clientKeys;
    const second = await startLocalServer({
      port: server.port,
      hostKey: privateKey,
      authorizedKeys: [publicKey],
      home,
      env: {},
    });
    await second.close();
    expect(second.port).not.toBe(server.port);
  });

  describe('a command', () => {
    it('gives output, errors and exit code', async () => {
      expect(await run(client, 'echo out; echo err >&2; exit 3')).toEqual({
        stdout: 'out\n',
        stderr: 'err\n',
        exit: [3],
      });
    });

    it.each(['KILL', 'TERM', 'HUP', 'USR1', 'SEGV', 'PIPE'])('that dies of SIG%s says so', async (name) => {
      const { exit } = await run(client, `kill -${name} $$`);
      expect(exit.slice(0, 2)).toEqual([null, `SIG${name}`]);
    });

    it('that dies of a signal without a name in SSH says what a shell says', async () => {
      expect((await run(client, 'kill -SYS $$')).exit).toEqual([128 + 31]);
    });

    it('starts in its home, with an environment of its own', async () => {
      const { stdout } = await run(client, 'pwd; env');
      const [directory, ...lines] = stdout.trim().split('\n');
      const names = lines.map((line) => line.slice(0, line.indexOf('=')));
      expect(directory).toBe(home);
      expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)).sort()).toEqual(
        ['HOME', 'LC_TIME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'].sort(),
      );
      expect(lines).toContain(`HOME=${home}`);
    });

    it('gets from the client the language and nothing else', async () => {
      const env = { LC_ALL: 'C', LANG: 'en', LD_PRELOAD: '/x', LC_X: 'a\u0000b'.slice(0, 1) };
      const { stdout } = await finish(await exec(client, 'echo $LC_ALL $LANG $LC_X $LD_PRELOAD', { env }));
      expect(stdout).toBe('C en a\n');
    });

    it('gets signals from the client, and so does what it started', async () => {
      const { channel, exit } = await exec(client, 'sleep 1000 & echo up; wait');
      await once(channel, 'data');
      channel.signal('TERM');
      expect((await exit).slice(0, 2)).toEqual([null, 'SIGTERM']);
    });

    it('that cannot be started is a failure, not a silence', async () => {
      await rm(home, { recursive: true });
      const { exit, stderr } = await run(client, 'true');
      expect(exit).toEqual([126]);
      expect(stderr).toContain(home);
      await mkdir(home);
      expect((await run(client, 'true')).exit).toEqual([0]);
    });

    it('is refused a terminal where none can be had, and goes on without', async () => {
      const env = { PATH: join(base, 'nothing-here') };
      const { privateKey } = await hostKeys;
      const options = { port: 0, hostKey: privateKey, authorizedKeys: [(await clientKeys).publicKey], home, env };
      const without = await startLocalServer(options);
      const other = await logIn({ ...login, port: without.port });
      await expect(exec(other, 'true', { pty: true })).rejects.toThrow('pseudo-terminal');
      expect((await run(other, 'true')).exit).toEqual([0]);
      other.destroy();
      await without.close();
    });

    it('is refused when it wants a subsystem', async () => {
      const sftp = new Promise((resolve, reject) =>
        client.sftp((error, value) => (error ? reject(error) : resolve(value))),
      );
      await expect(sftp).rejects.toThrow();
      expect((await run(client, 'true')).exit).toEqual([0]);
    });

    it('runs beside others on the same connection', async () => {
      const all = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((n) => run(client, `cat; exit ${n}`, String(n))));
      expect(all.map(({ stdout, exit }) => [stdout, exit])).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [String(n), [n]]),
      );
    });
  });

  it('runs a login shell on what the client types', async () => {
    expect(await finish(await shell(client), 'echo from $0\nexit 4\n')).toEqual({
      stdout: 'from -sh\n',
      stderr: '',
      exit: [4],
    });
  });

  describe('bytes', () => {
    it('go through unchanged, 64 MiB both ways at once', async () => {
      const block = randomBytes(mebibyte);
      const blocks = Array.from({ length: 64 }, (_, index) => Buffer.from(block.map((byte) => byte ^ index)));
      const { channel } = await exec(client, 'cat');
      const sending = pipeline(Readable.from(blocks), channel);
      const received = await digest(channel);
      await sending;
      expect(received).toEqual(await digest(Readable.from(blocks)));
    });

    it('of output and errors, both more than a window, arrive whole', async () => {
      const { channel, exit } = await exec(client, 'seq 1 900000 & seq 1000000 1900000 >&2; wait; exit 9');
      channel.end();
      const [stdout, stderr] = await Promise.all([digest(channel), digest(channel.stderr)]);
      const numbers = (from: number, count: number): Readable =>
        Readable.from([Buffer.from(Array.from({ length: count }, (_, index) => `${from + index}\n`).join(''))]);
      expect(stdout).toEqual(await digest(numbers(1, 900_000)));
      expect(stderr).toEqual(await digest(numbers(1_000_000, 900_001)));
      expect(await exit).toEqual([9]);
    });

    it('that a command does not read are held back at the client', async () => {
      const gate = await makePipe();
      const { channel } = await exec(client, `echo up; read line < ${gate}; wc -c`);
      let produced = 0;
      const source = Readable.from(
        (function* () {
          for (let count = 0; count < 64; count += 1) {
            produced += mebibyte;
            yield Buffer.alloc(mebibyte);
          }
        })(),
      );
      const sending = pipeline(source, channel);
      await once(channel, 'data');
      for (let trip = 0; trip < 5; trip += 1) await run(client, 'true');
      expect(produced).toBeLessThan(16 * mebibyte);
      await writeFile(gate, 'go\n');
      expect((await text(channel)).trim()).toBe(String(64 * mebibyte));
      await sending;
    });

    it('that the client does not read hold the command back', async () => {
      const { channel } = await exec(client, `head -c ${32 * mebibyte} /dev/zero; echo > ${base}/written`);
      await once(channel, 'readable');
      for (let trip = 0; trip < 5; trip += 1) await run(client, 'true');
      await expect(access(join(base, 'written'))).rejects.toThrow('ENOENT');
      expect((await digest(channel)).bytes).toBe(32 * mebibyte);
      await access(join(base, 'written'));
    });

    it('that nobody will ever read hang nothing: the exit code arrives', async () => {
      const { channel, exit } = await exec(client, 'exec <&-; echo up; exit 5');
      channel.resume();
      channel.on('error', () => undefined);
      channel.end(Buffer.alloc(32 * mebibyte));
      expect(await exit).toEqual([5]);
      expect((await run(client, 'true')).exit).toEqual([0]);
    });

    it('are dropped when a command stops reading and goes on', async () => {
      const gate = await makePipe();
      const { channel, exit } = await exec(client, `exec <&-; echo closed; read line < ${gate}; exit 6`);
      channel.resume();
      await pipeline(Readable.from(Array.from({ length: 16 }, () => Buffer.alloc(mebibyte))), channel, { end: false });
      await writeFile(gate, 'go\n');
      expect(await exit).toEqual([6]);
    });
  });

  describe('a half-closed channel', () => {
    it('is an end of file for the command, whose output still arrives', async () => {
      expect((await run(client, 'cat; echo after; exit 2', 'input ')).stdout).toBe('input after\n');
    });
  });

  describe('ends the command and all that it started', () => {
    /** Starts a command that ignores its input and holds a pipe; resolves with the end of that pipe. */
    const hold = async (before = ''): Promise<{ channel: ClientChannel; gone: Promise<unknown> }> => {
      const pipe = await makePipe();
      const { channel } = await exec(
        client,
        `${before} exec 9> ${pipe}; sleep 1000 & sleep 1000 & echo up; wait; wait`,
      );
      const held = createReadStream(pipe).resume();
      await once(channel, 'data');
      return { channel, gone: once(held, 'end') };
    };

    it('when the client closes the channel, and the connection goes on', async () => {
      const { channel, gone } = await hold();
      channel.close();
      await gone;
      expect((await run(client, 'true')).exit).toEqual([0]);
    });

    it('when the client is lost', async () => {
      const { gone } = await hold();
      client.destroy();
      await gone;
    });

    it('when the client is lost while its input waits to be read', async () => {
      const { channel, gone } = await hold();
      channel.on('error', () => undefined);
      channel.write(Buffer.alloc(8 * mebibyte));
      await run(client, 'true');
      client.destroy();
      await gone;
    });

    it('also when it ignores being told', async () => {
      const { gone } = await hold(`trap '' HUP;`);
      client.destroy();
      await gone;
    });

    it('when the command itself has ended', async () => {
      const pipe = await makePipe();
      const held = createReadStream(pipe).resume();
      const gone = once(held, 'end');
      const { exit } = await run(client, `(exec 9> ${pipe}; exec sleep 1000 > /dev/null 2>&1) & exit 0`);
      expect(exit).toEqual([0]);
      await gone;
    });

    it('when the server ends', async () => {
      const { gone } = await hold(`trap '' HUP;`);
      await server.close();
      await gone;
    });

    it('and does not tell it that its input is complete', async () => {
      const pipe = await makePipe();
      const { channel } = await exec(client, `exec 9> ${pipe}; echo up; cat > part && echo whole > verdict`);
      const gone = once(createReadStream(pipe).resume(), 'end');
      await once(channel, 'data');
      channel.write('half of it');
      await run(client, 'true');
      client.destroy();
      await gone;
      await expect(access(join(home, 'verdict'))).rejects.toThrow('ENOENT');
    });
  });

  describe('a forwarded connection', () => {
    const forward = (port: number, host = '127.0.0.1'): Promise<ClientChannel> =>
      new Promise((resolve, reject) => {
        client.forwardOut('127.0.0.1', 1, host, port, (error, channel) =>
          error === undefined ? resolve(channel) : reject(error),
        );
      });

    it('carries bytes both ways, and each half ends by itself', async () => {
      const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
      await once(echo, 'listening');
      const channel = await forward((echo.address() as AddressInfo).port);
      const sent = Array.from({ length: 16 }, () => randomBytes(mebibyte));
      const [received] = await Promise.all([digest(channel), pipeline(Readable.from(sent), channel)]);
      expect(received).toEqual(await digest(Readable.from(sent)));
      echo.close();
    });

    it('lets the client go on after the other side has ended its half', async () => {
      const answer = createServer({ allowHalfOpen: true }, (socket) => socket.end('all I say')).listen(0, '127.0.0.1');
      await once(answer, 'listening');
      const connected = once(answer, 'connection') as Promise<[Readable]>;
      const channel = await forward((answer.address() as AddressInfo).port, 'localhost');
      const [socket] = await connected;
      const heard = text(socket);
      expect(await text(channel)).toBe('all I say');
      channel.end('and yet');
      expect(await heard).toBe('and yet');
      answer.close();
    });

    it('is refused when nobody listens, or no port is called so', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      taken.close();
      await once(taken, 'close');
      await expect(forward(port)).rejects.toThrow('Channel open failure');
      await expect(forward(70_000)).rejects.toThrow('Channel open failure');
    });

    it('is closed there when the client is lost', async () => {
      const waiting = createServer().listen(0, '127.0.0.1');
      await once(waiting, 'listening');
      const connected = once(waiting, 'connection') as Promise<[Readable]>;
      await forward((waiting.address() as AddressInfo).port);
      const [socket] = await connected;
      const closed = once(socket.resume(), 'close');
      client.destroy();
      await closed;
      waiting.close();
    });
  });

  it('survives what is no SSH', async () => {
    const stranger = connect(server.port, '127.0.0.1');
    const closed = once(stranger.resume(), 'close');
    stranger.end(`GET / HTTP/1.1\r\n\r\n${'x'.repeat(100_000)}`);
    await closed;
    expect((await run(client, 'true')).exit).toEqual([0]);
  });

  it('may be closed twice', async () => {
    await Promise.all([server.close(), server.close()]);
    await expect(logIn(login)).rejects.toThrow('ECONNREFUSED');
  });
});
