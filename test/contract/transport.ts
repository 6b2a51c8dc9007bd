import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Duplex, type Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { finished, pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { Channel, Incoming, RemoteListener, Transport } from '../../src/transport/transport.js';
import { freePort } from '../../src/provider/local/free-port.js';
import { isOver, readHalf, startTcpServer } from '../fakes/tcp-servers.js';

/** A transport whose far side runs real commands in a POSIX shell on this machine. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** Breaks the connection, without a word to either side. */
  readonly cut: () => void;
}

/** What every Transport promises, as `transport.ts` writes it. To be called within a `describe`. */
export function transportContract(
  open: () => Promise<TransportUnderTest>,
  { takesModes = true }: { readonly takesModes?: boolean } = {},
): void {
  let transport: Transport;
  let cut: () => void;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-contract-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  beforeEach(async () => ({ transport, cut } = await open()));
  afterEach(() => transport.close());

  const run = async (command: string, input = ''): Promise<Ran> => finish(await transport.exec(command), input);

  describe('a command', () => {
    it('gives its output, its errors and its exit code', async () => {
      expect(await run('echo out; echo err >&2; exit 3')).toEqual({
        stdout: 'out\n',
        stderr: 'err\n',
        exit: { kind: 'code', code: 3 },
      });
    });

    it('gives exit code 0 when all went well', async () => {
      expect((await run('true')).exit).toEqual({ kind: 'code', code: 0 });
    });

    it('that was killed gives the signal', async () => {
      expect((await run('kill -KILL $$')).exit).toEqual({ kind: 'signal', signal: 'KILL' });
    });

    it('gives its exit code when nobody reads its little output', async () => {
      const channel = await transport.exec('echo out; echo err >&2; exit 4');
      expect(await channel.exit).toEqual({ kind: 'code', code: 4 });
      expect(await text(channel.stdout)).toBe('out\n');
      expect(await text(channel.stderr)).toBe('err\n');
    });

    it('gives its exit code when its outputs are thrown away', async () => {
      const channel = await transport.exec('head -c 3000000 /dev/zero; exit 5');
      channel.stdout.destroy();
      channel.stderr.destroy();
      expect(await channel.exit).toEqual({ kind: 'code', code: 5 });
    });

    it('that closes its outputs long before it ends still gives its exit code', async () => {
      const gate = makeGate(directory);
      const channel = await transport.exec(`exec >&- 2>&-; ${gate.wait}; exit 6`);
      channel.stdin.end();
      expect(await text(channel.stdout)).toBe('');
      await gate.open();
      expect(await channel.exit).toEqual({ kind: 'code', code: 6 });
    });

    it('runs beside others', async () => {
      const numbers = Array.from({ length: 8 }, (_, index) => String(index));
      const all = await Promise.all(numbers.map((number) => run(`cat; exit ${number}`, number)));
      expect(all.map(({ stdout }) => stdout)).toEqual(numbers);
      expect(all.map(({ exit }) => exit)).toEqual(numbers.map((number) => ({ kind: 'code', code: Number(number) })));
    });
  });

  describe('input', () => {
    it('that ends is an end of file, and the output still arrives', async () => {
      expect((await run('wc -c; echo after', 'five5')).stdout.replace(/ /g, '')).toBe('5\nafter\n');
    });

    it('may be empty', async () => {
      expect((await run('cat')).stdout).toBe('');
    });

    it('that the command never reads breaks nothing: its exit code counts', async () => {
      const channel = await transport.exec('exec <&-; echo done; exit 7');
      const sending = pipeline(Readable.from(zeros(32)), channel.stdin).catch((error: unknown) => error);
      expect(await text(channel.stdout)).toBe('done\n');
      expect(await channel.exit).toEqual({ kind: 'code', code: 7 });
      expect(await sending).toBeInstanceOf(Error);
    });

    it('that is still open when the command ends is closed', async () => {
      const channel = await transport.exec('exit 0');
      const writing = finished(channel.stdin);
      await channel.exit;
      await expect(writing).rejects.toMatchObject({ code: 'EPIPE' });
    });
  });

  describe('bytes', () => {
    it('arrive as they were sent, megabytes in both directions at once', async () => {
      const sent = randomBytes(5_000_000);
      const channel = await transport.exec('cat');
      const [received] = await Promise.all([buffer(channel.stdout), pipeline(Readable.from([sent]), channel.stdin)]);
      expect(sha256(received)).toBe(sha256(sent));
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
    });

    it('of stderr arrive whole too', async () => {
      const channel = await transport.exec('head -c 3000000 /dev/zero >&2');
      expect((await buffer(channel.stderr)).length).toBe(3_000_000);
    });

    it('that the command does not read yet are held back on this side', async () => {
      const gate = makeGate(directory);
      const channel = await transport.exec(`${gate.wait}; wc -c`);
      let produced = 0;
      const source = Readable.from(zeros(64, (bytes) => (produced += bytes)));
      const sending = pipeline(source, channel.stdin);
      for (let trip = 0; trip < 5; trip += 1) await run('true');
      expect(produced).toBeLessThan(16 * mebibyte);
      await gate.open();
      await sending;
      expect((await text(channel.stdout)).trim()).toBe(String(64 * mebibyte));
    });

    it('that nobody reads here hold the command back, and none of them is lost', async () => {
      const marker = join(directory, 'written');
      const channel = await transport.exec(`head -c ${32 * mebibyte} /dev/zero; echo > ${marker}`);
      await once(channel.stdout, 'readable');
      for (let trip = 0; trip < 5; trip += 1) await run('true');
      await expect(access(marker)).rejects.toThrow('ENOENT');
      expect(await countBytes(channel.stdout)).toBe(32 * mebibyte);
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
      await access(marker);
    });
  });

  describe('an aborted command', () => {
    const reason = new Error('Ctrl-C');

    it('is not started when the signal came first', async () => {
      await expect(transport.exec('true', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('ends at once with the reason, and the connection goes on', async () => {
      const controller = new AbortController();
      const channel = await transport.exec('echo started; cat', { signal: controller.signal });
      await once(channel.stdout, 'readable');
      const reading = text(channel.stdout).catch((error: unknown) => error);
      controller.abort(reason);
      await expect(channel.exit).rejects.toBe(reason);
      expect(await reading).toBe(reason);
      expect(isDestroyed(channel)).toBe(true);
      expect((await run('echo on')).stdout).toBe('on\n');
    });

    it('is what the signal says only while it runs', async () => {
      const controller = new AbortController();
      const channel = await transport.exec('echo kept', { signal: controller.signal });
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
      controller.abort(reason);
      expect(await text(channel.stdout)).toBe('kept\n');
    });
  });

  describe('a terminal', () => {
    const terminal = { term: 'xterm-256color', columns: 100, rows: 30 };
    const show = (command: string, modes = {}): Promise<Channel> =>
      transport.exec(command, { terminal: { ...terminal, modes } });

    it('has the size and the type that were asked for, and shows all output', async () => {
      const channel = await show('stty size; echo $TERM; echo err >&2');
      const [shown, errors] = await Promise.all([text(channel.stdout), text(channel.stderr)]);
      expect([shown, errors]).toEqual(['30 100\r\nxterm-256color\r\nerr\r\n', '']);
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
    });

    it.skipIf(!takesModes)('has the modes that were asked for', async () => {
      const channel = await show('stty -a', { VERASE: 8, ECHO: 0, IXON: 0 });
      const shown = await text(channel.stdout);
      for (const mode of ['erase = ^H', ' -echo ', ' -ixon ', ' icanon ']) expect(shown).toContain(mode);
    });

    it('gives the exit code, and echoes what is typed', async () => {
      const channel = await show('read x; echo "got $x"; exit 9');
      channel.stdin.write('typed\r');
      expect(await text(channel.stdout)).toBe('typed\r\ngot typed\r\n');
      expect(await channel.exit).toEqual({ kind: 'code', code: 9 });
    });

    it('takes a new size, and tells the command', async () => {
      const check = '[ "$(stty size)" = "50 200" ] && exit 3';
      const channel = await show(`trap '${check}' WINCH; echo up; while :; do sleep 5 & wait $!; done`);
      await once(channel.stdout, 'readable');
      channel.resize({ columns: 200, rows: 50 });
      channel.stdout.resume();
      expect(await channel.exit).toEqual({ kind: 'code', code: 3 });
      channel.resize({ columns: 80, rows: 24 });
    });

    it('turns the characters that are typed into signals and an end of file', async () => {
      const interrupted = await show('trap "exit 4" INT; echo up; sleep 1000 & wait');
      await once(interrupted.stdout, 'readable');
      interrupted.stdin.write('\x03');
      interrupted.stdout.resume();
      expect(await interrupted.exit).toEqual({ kind: 'code', code: 4 });

      const ended = await show('cat; exit 5');
      ended.stdin.write('line\n\x04');
      expect(await text(ended.stdout)).toContain('line\r\n');
      expect(await ended.exit).toEqual({ kind: 'code', code: 5 });
    });

    it('carries bytes untouched where the command wants it raw', async () => {
      const channel = await show('stty raw -echo; echo go; head -c 1000000');
      await once(channel.stdout, 'readable');
      const sent = randomBytes(1_000_000);
      const [received] = await Promise.all([
        buffer(channel.stdout),
        new Promise((resolve) => channel.stdin.write(sent, resolve)),
      ]);
      expect(sha256(received.subarray(-sent.length))).toBe(sha256(sent));
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
    });

    it.each(['closed', 'lost'])('that is %s hangs up on the command', async (how) => {
      const marker = join(directory, `hung-up-${randomBytes(4).toString('hex')}`);
      const channel = await show(`trap "echo > ${marker}; exit" HUP; echo up; sleep 1000 & wait`);
      await once(channel.stdout, 'readable');
      if (how === 'closed') channel.close();
      else cut();
      await expect(channel.exit).rejects.toMatchObject({ code: 'ssh.connection_lost' });
      while (!(await isThere(marker))) await new Promise((resolve) => setTimeout(resolve, 5));
    });

    it('that is not there has no size: the new one is for nobody', async () => {
      const channel = await transport.exec('cat');
      channel.resize({ columns: 200, rows: 50 });
      expect((await finish(channel, 'on')).stdout).toBe('on');
    });
  });

  describe('a closed channel', () => {
    it('ends without waiting for the command, may be closed twice and during a read, and the connection goes on', async () => {
      const channel = await transport.exec('echo started; cat');
      await once(channel.stdout, 'readable');
      const reading = text(channel.stdout).catch((error: unknown) => error);
      channel.close();
      channel.close();
      await expect(channel.exit).rejects.toMatchObject({ code: 'ssh.connection_lost', retryable: false });
      expect(await reading).toMatchObject({ code: 'ssh.connection_lost' });
      expect(isDestroyed(channel)).toBe(true);
      expect((await run('echo on')).stdout).toBe('on\n');
    });

    it('stays as it was when its command had ended', async () => {
      const channel = await transport.exec('echo kept; exit 8');
      await channel.exit;
      channel.close();
      expect(await channel.exit).toEqual({ kind: 'code', code: 8 });
      expect(await text(channel.stdout)).toBe('kept\n');
    });
  });

  describe('a lost connection', () => {
    it('fails what runs with ssh.connection_lost, and destroys its streams', async () => {
      const channel = await transport.exec('echo started; cat');
      await once(channel.stdout, 'readable');
      const reading = text(channel.stdout).catch((error: unknown) => error);
      cut();
      await expect(channel.exit).rejects.toMatchObject({ code: 'ssh.connection_lost', retryable: true });
      expect(await reading).toMatchObject({ code: 'ssh.connection_lost' });
      expect(isDestroyed(channel)).toBe(true);
    });

    it('breaks off a transfer instead of hanging', async () => {
      const channel = await transport.exec('cat > /dev/null');
      const forever = Readable.from(zeros(Infinity));
      const sending = pipeline(forever, channel.stdin);
      await once(channel.stdin, 'drain');
      cut();
      await expect(sending).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    });

    it('leaves nothing unhandled when nobody looks', async () => {
      const channel = await transport.exec('cat');
      channel.stdin.write('into the void');
      cut();
      await transport.closed;
      expect(isDestroyed(channel)).toBe(true);
    });

    it('is what `closed` tells, and nothing opens any more', async () => {
      cut();
      expect(await transport.closed).toMatchObject({ code: 'ssh.connection_lost', retryable: true });
      await expect(transport.exec('true')).rejects.toMatchObject({ code: 'ssh.connection_lost' });
      await expect(transport.forward({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
        code: 'ssh.connection_lost',
      });
      await transport.close();
    });
  });

  describe('a closed transport', () => {
    it('that was given up with an error is lost by it', async () => {
      const channel = await transport.exec('sleep 60');
      const error = new SidecarError('ssh.connection_lost', { reason: 'it no longer answers' }, { retryable: true });
      await transport.close(error);
      await expect(channel.exit).rejects.toBe(error);
      expect(await transport.closed).toBe(error);
      await expect(transport.exec('true')).rejects.toBe(error);
    });

    it('fails what runs, tells no error, may be closed twice, and opens nothing any more', async () => {
      const channel = await transport.exec('cat');
      await Promise.all([transport.close(), transport.close()]);
      expect(await transport.closed).toBeUndefined();
      await expect(channel.exit).rejects.toMatchObject({ code: 'ssh.connection_lost', retryable: false });
      expect(isDestroyed(channel)).toBe(true);
      await expect(transport.exec('true')).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    });

    it('fails also what waits for its output to be read', async () => {
      const channel = await transport.exec('head -c 1000000 /dev/zero');
      await once(channel.stdout, 'readable');
      await run('true');
      await transport.close();
      await expect(channel.exit).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    });
  });

  describe('a forwarded connection', () => {
    let server: Server;

    beforeEach(async () => {
      server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined).pipe(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterEach(() => server.close());

    const forward = () => transport.forward({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });

    it('carries bytes both ways, and half of it can be closed', async () => {
      const sent = randomBytes(3_000_000);
      const stream = await forward();
      const [received] = await Promise.all([buffer(stream), write(stream, sent)]);
      expect(sha256(received)).toBe(sha256(sent));
    });

    it('that the far side ends first still gives everything that was sent', async () => {
      const sent = randomBytes(3_000_000);
      await using sender = await startTcpServer((socket) => socket.end(sent));
      const stream = await transport.forward({ host: '127.0.0.1', port: sender.port });
      expect(sha256(await buffer(stream))).toBe(sha256(sent));
      stream.destroy();
    });

    it('that the far side refuses is ssh.channel_refused', async () => {
      const port = await freePort();
      await expect(transport.forward({ host: '127.0.0.1', port })).rejects.toMatchObject({
        code: 'ssh.channel_refused',
      });
    });

    it('is destroyed when the connection is lost', async () => {
      const stream = await forward();
      stream.write('hello');
      await once(stream, 'readable');
      const closed = once(stream, 'close').catch((error: unknown) => error);
      cut();
      await closed;
      expect(stream.destroyed).toBe(true);
    });
  });

  describe('a port that the far side listens on', () => {
    const sockets = new Set<Socket>();
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
    });

    const listen = (onConnection: (incoming: Incoming) => void, port = 0): Promise<RemoteListener> =>
      transport.listen({ host: '127.0.0.1', port }, onConnection);
    const connectTo = (port: number): Socket => {
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).on('error', () => undefined);
      sockets.add(socket);
      return socket;
    };
    const echo = (incoming: Incoming): void => {
      const stream = incoming.accept();
      stream?.pipe(stream);
    };
    /** The first connection, once it is taken here. */
    async function taken(): Promise<{ socket: Socket; stream: Duplex; listener: RemoteListener }> {
      let take: (stream: Duplex | undefined) => void = () => undefined;
      const coming = new Promise<Duplex | undefined>((resolve) => (take = resolve));
      const listener = await listen((incoming) => take(incoming.accept()));
      const socket = connectTo(listener.port);
      const stream = await coming;
      if (stream === undefined) throw new Error('the transport is gone');
      return { socket, stream, listener };
    }

    it('leads connections here, bytes go both ways, and half of one can be closed', async () => {
      const { port } = await listen(echo);
      const sent = [randomBytes(3_000_000), randomBytes(10), Buffer.alloc(0)];
      const received = await Promise.all(
        sent.map(async (bytes) => {
          const socket = connectTo(port);
          return (await Promise.all([readHalf(socket), write(socket, bytes)]))[0];
        }),
      );
      expect(received.map(sha256)).toEqual(sent.map(sha256));
    });

    it('gives everything that either side sent before it ended', async () => {
      const sent = randomBytes(3_000_000);
      const { socket, stream } = await taken();
      stream.end(sent);
      expect(sha256(await readHalf(socket))).toBe(sha256(sent));
      socket.end(sent);
      expect(sha256(await readHalf(stream))).toBe(sha256(sent));
    });

    it('closes a connection that is refused here', async () => {
      const { port } = await listen((incoming) => incoming.refuse());
      expect((await readHalf(connectTo(port)).catch(() => Buffer.alloc(0))).length).toBe(0);
    });

    it('holds back who sends more than is read here', async () => {
      const { socket, stream } = await taken();
      let produced = 0;
      const sending = pipeline(Readable.from(zeros(64, (bytes) => (produced += bytes))), socket);
      for (let trip = 0; trip < 5; trip += 1) await run('true');
      expect(produced).toBeLessThan(32 * mebibyte);
      expect(await countBytes(stream)).toBe(64 * mebibyte);
      await sending;
    });

    it('that is taken is forward.remote_refused, and the connection goes on', async () => {
      await using other = await startTcpServer(() => undefined);
      await expect(listen(echo, other.port)).rejects.toMatchObject({
        code: 'forward.remote_refused',
        facts: { listenPort: other.port },
      });
      expect((await run('echo on')).stdout).toBe('on\n');
    });

    it('is given back by close, which may be called twice; what came in before goes on', async () => {
      const { socket, stream, listener } = await taken();
      await listener.close();
      await listener.close();
      await refusing(listener.port);
      socket.end('still here');
      expect((await readHalf(stream)).toString()).toBe('still here');
    });

    it.each(['closed', 'lost'])('ends when the connection is %s, with what came in', async (how) => {
      const { socket, stream, listener } = await taken();
      const broken = isOver(socket);
      socket.write('hello');
      await once(stream, 'readable');
      if (how === 'closed') await transport.close();
      else cut();
      await transport.closed;
      expect(stream.destroyed).toBe(true);
      await broken;
      await refusing(listener.port);
      await expect(listen(echo)).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    });

    /** Resolves once nobody listens there. */
    async function refusing(port: number): Promise<void> {
      for (;;) {
        const refused = await new Promise<boolean>((resolve) => {
          const socket = connect({ host: '127.0.0.1', port });
          socket.once('error', () => resolve(true)).once('connect', () => resolve(false));
          sockets.add(socket);
        });
        if (refused) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  });
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: unknown;
}

async function finish(channel: Channel, input: string): Promise<Ran> {
  channel.stdin.end(input);
  const [stdout, stderr, exit] = await Promise.all([text(channel.stdout), text(channel.stderr), channel.exit]);
  return { stdout, stderr, exit };
}

/** Holds a command back until the test lets it go on: opening a pipe blocks until the other end is open too. */
function makeGate(directory: string): { readonly wait: string; open(): Promise<void> } {
  const path = join(directory, `gate-${randomBytes(4).toString('hex')}`);
  return {
    wait: `mkfifo ${path} && read x < ${path}`,
    open: async () => {
      while (!(await isThere(path))) await new Promise((resolve) => setTimeout(resolve, 5));
      await writeFile(path, 'go\n');
    },
  };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function* zeros(mebibytes: number, onChunk: (bytes: number) => void = () => undefined): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let produced = 0; produced < mebibytes * mebibyte; produced += chunk.length) {
    onChunk(chunk.length);
    yield chunk;
  }
}

async function countBytes(stream: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

async function write(stream: Writable, bytes: Buffer): Promise<void> {
  const finished = once(stream, 'finish');
  stream.end(bytes);
  await finished;
}

function isDestroyed({ stdin, stdout, stderr }: Channel): boolean {
  return stdin.destroyed && stdout.destroyed && stderr.destroyed;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const mebibyte = 1024 * 1024;
