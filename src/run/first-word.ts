import type { Readable } from 'node:stream';

/** What start files may print before it, in bytes. */
const noiseLimit = 1024 * 1024;
/** What is kept of that, to tell why the word did not come. */
const noiseKept = 4 * 1024;

export type FirstWord =
  | { readonly kind: 'word'; readonly rest: string }
  /** The stream ended, or went on and on, without it. */
  | { readonly kind: 'none'; readonly said: string };

/**
 * Reads a stream up to the line that begins with `nonce`, and leaves what follows it in the stream. What was printed before
 * is dropped: start files of a login shell print what they like. Rejects when the stream breaks.
 */
export async function firstWord(stream: Readable, nonce: string): Promise<FirstWord> {
  let seen: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded) return { kind: 'none', said: kept(seen) };
      await somethingToRead(stream);
      continue;
    }
    seen = Buffer.concat([seen, chunk]);
    const start = seen.indexOf(`${nonce} `);
    const end = start < 0 ? -1 : seen.indexOf('\n', start);
    if (end >= 0) {
      const rest = seen.subarray(start + nonce.length + 1, end).toString('utf8');
      if (end + 1 < seen.length) stream.unshift(seen.subarray(end + 1));
      return { kind: 'word', rest: rest.replace(/\r$/, '') };
    }
    if (seen.length > noiseLimit) return { kind: 'none', said: kept(seen) };
  }
}

const kept = (seen: Buffer): string => seen.subarray(-noiseKept).toString('utf8');

function somethingToRead(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed) {
      reject(stream.errored ?? new Error('the stream was destroyed'));
      return;
    }
    const over = (act: () => void) => (): void => {
      for (const [event, listener] of listeners) stream.off(event, listener);
      act();
    };
    const listeners = [
      ['readable', over(resolve)],
      ['end', over(resolve)],
      ['close', over(() => (stream.errored == null ? resolve() : reject(stream.errored)))],
    ] as const;
    for (const [event, listener] of listeners) stream.on(event, listener);
  });
}
