import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Exit } from '../../../src/transport/transport.js';
import type { Handler } from '../../fakes/memory-transport.js';

/** What a far half that lies can do. Each of these ends, by an error, once the client has closed the channel. */
export interface Stage {
  /** What begins each line of an answer. */
  readonly nonce: string;
  /** The next line that the client sends; undefined at the end. */
  readonly request: () => Promise<string | undefined>;
  /** Says nothing more, and waits until the client has gone. */
  readonly silence: () => Promise<void>;
  /** An answer, with the nonce and a newline. */
  readonly say: (answer: string | Buffer) => Promise<void>;
  readonly print: (bytes: string | Buffer) => Promise<void>;
  readonly complain: (bytes: string | Buffer) => Promise<void>;
}

/** A far side on which `play` takes the place of our script, from the moment at which that has arrived. */
export function liar(play: (stage: Stage) => Promise<Exit | undefined>): Handler {
  return async (_command, { stdin, stdout, stderr }) => {
    const lines = linesOf(stdin);
    const script = (await lines.next()).value ?? '';
    const nonce = /nonce=([0-9a-f]+)/.exec(script)?.[1] ?? '';
    const print = (bytes: string | Buffer): Promise<void> => write(stdout, bytes);
    const exit = await play({
      nonce,
      request: async () => (await lines.next()).value,
      silence: async () => {
        while ((await lines.next()).done !== true);
      },
      say: (answer) => print(Buffer.concat([Buffer.from(`${nonce} `), Buffer.from(answer), Buffer.from('\n')])),
      print,
      complain: (bytes) => write(stderr, bytes),
    });
    return exit ?? { kind: 'code', code: 0 };
  };
}

/** What an honest far side says to hello, where nothing has ever landed; `instead` replaces or takes out a line. */
export function helloLines(instead: Readonly<Record<string, string | null>> = {}): string[] {
  const honest: Record<string, string> = {
    git: 'git version 2.39.5',
    workspace: '/home/dev/app',
    landed: '-',
    head: '-',
    rules: '-',
  };
  const said = Object.entries({ ...honest, ...instead });
  return [...said.flatMap(([word, rest]) => (rest === null ? [] : [`${word} ${rest}`])), 'ready'];
}

/** Says hello, and waits until it is asked for a landing. Resolves with the tree that is to land. */
export async function untilLanding(stage: Stage, hello: readonly string[] = helloLines()): Promise<string> {
  await stage.request();
  for (const line of hello) await stage.say(line);
  for (;;) {
    const request = await stage.request();
    if (request === undefined) throw new Error('the client has gone');
    // It may come right after a pack, which ends in no newline.
    const tree = /land mode=\S+ tree=([0-9a-f]+)/.exec(request)?.[1];
    if (tree !== undefined) return tree;
    if (request.startsWith('common ')) await stage.say('common -');
    if (request.startsWith('ahead ')) await stage.say('arrived');
  }
}

/** One of these, again and again, until the client has enough. */
export async function forEver(act: () => Promise<void>): Promise<never> {
  for (;;) await act();
}

async function write(stream: Writable, bytes: string | Buffer): Promise<void> {
  if (stream.destroyed) throw new Error('the client has gone');
  if (stream.write(bytes)) return;
  const gone = new AbortController();
  try {
    await Promise.race([
      once(stream, 'drain', { signal: gone.signal }),
      once(stream, 'close', { signal: gone.signal }).then(() => Promise.reject(new Error('the client has gone'))),
    ]);
  } finally {
    gone.abort();
  }
}

async function* linesOf(stdin: Readable): AsyncGenerator<string, undefined> {
  let pending = '';
  for await (const chunk of stdin) {
    pending += (chunk as Buffer).toString('latin1');
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      yield line;
    }
  }
  return undefined;
}
