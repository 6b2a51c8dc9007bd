import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import ssh2, { type ClientChannel, type ConnectConfig } from 'ssh2';

/** Opens a connection with ssh2 as it is, so that a test sees the server and nothing of ours in between. */
export async function logIn(config: ConnectConfig): Promise<ssh2.Client> {
  const client = new ssh2.Client().on('error', () => undefined); // it may tell several, see `once` for the first
  const ready = once(client, 'ready');
  client.connect({ host: '127.0.0.1', ...config });
  try {
    await ready;
  } catch (error) {
    client.destroy();
    throw error;
  }
  return client;
}

/** A command that was started, and its end, which may come before anybody can ask for it. */
export interface Started {
  readonly channel: ClientChannel;
  /** As ssh2 tells it: `[3]`, or `[null, 'SIGKILL', …]`. */
  readonly exit: Promise<readonly unknown[]>;
}

export function exec(client: ssh2.Client, command: string, options: ssh2.ExecOptions = {}): Promise<Started> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => {
      if (error === undefined) resolve(started(channel));
      else reject(error);
    });
  });
}

/** A shell without a terminal. */
export function shell(client: ssh2.Client): Promise<Started> {
  return new Promise((resolve, reject) => {
    client.shell(false, (error, channel) => {
      if (error === undefined) resolve(started(channel));
      else reject(error);
    });
  });
}

function started(channel: ClientChannel): Started {
  return { channel, exit: new Promise((resolve) => channel.once('exit', (...how: unknown[]) => resolve(how))) };
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: readonly unknown[];
}

/** Sends `input`, ends it, and collects everything. */
export async function finish({ channel, exit }: Started, input: string | Buffer = ''): Promise<Ended> {
  const output = Promise.all([text(channel), text(channel.stderr)]);
  channel.end(input);
  const [stdout, stderr] = await output;
  return { stdout, stderr, exit: await exit };
}

export async function run(client: ssh2.Client, command: string, input: string | Buffer = ''): Promise<Ended> {
  return finish(await exec(client, command), input);
}

export async function text(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of chunks(stream)) all += chunk.toString('latin1');
  return all;
}

/** Length and hash of everything in a stream, without holding it. */
export async function digest(stream: Readable): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks(stream)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Leaves the stream as it is at its end: ssh2 would close the other direction with it. */
function chunks(stream: Readable): AsyncIterable<Buffer> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}
