import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Conversation } from '../../src/sync/conversation.js';
import type { Exit, Transport } from '../../src/transport/transport.js';

/** A far side that answers with what `say` makes of the nonce. */
function farSide(say: (nonce: string) => Iterable<Buffer>, exit: Exit = { kind: 'code', code: 0 }): Transport {
  return {
    exec: () => {
      let start: (nonce: string) => void = () => undefined;
      const nonce = new Promise<string>((resolve) => (start = resolve));
      return Promise.resolve({
        stdin: new Writable({
          write(chunk: Buffer, _, done) {
            const found = /^nonce=([0-9a-f]+)/.exec(chunk.toString());
            if (found?.[1] !== undefined) start(found[1]);
            done();
          },
        }),
        stdout: Readable.from(
          (async function* () {
            yield* say(await nonce);
          })(),
        ),
        stderr: Readable.from([Buffer.from('sh: something is wrong\n')]),
        exit: Promise.resolve(exit),
        close: () => undefined,
      });
    },
    forward: () => Promise.reject(new Error('no')),
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
}

const talk = (say: (nonce: string) => Iterable<Buffer>): Promise<Conversation> =>
  Conversation.start(farSide(say), new AbortController().signal);

describe('a conversation with the far side', () => {
  it('hears only lines with its nonce', async () => {
    const conversation = await talk((nonce) => [
      Buffer.from(`motd\nfake ready\n${nonce} first\nno newline${nonce} sec`),
      Buffer.from(`ond with \xe9\n`, 'latin1'),
    ]);
    expect(await conversation.answer()).toEqual({ word: 'first', rest: '' });
    expect(await conversation.answer()).toEqual({ word: 'second', rest: 'with \xe9' });
  });

  it('reports an end without an answer, with what was said on stderr', async () => {
    const conversation = await talk(() => [Buffer.from('sh: not found\n')]);
    await expect(conversation.answer()).rejects.toMatchObject({
      code: 'sync.remote_failed',
      facts: { reason: 'sh: something is wrong' },
    });
  });

  it.each([
    ['a line without end', (): Iterable<Buffer> => endless(Buffer.alloc(4096, 'x'))],
    ['noise without end', (): Iterable<Buffer> => endless(Buffer.from('y\n'.repeat(2048)))],
  ])('gives up on %s', async (_, say) => {
    const conversation = await talk(say);
    await expect(conversation.answer()).rejects.toMatchObject({ code: 'sync.bad_reply' });
  });
});

function* endless(chunk: Buffer): Generator<Buffer> {
  for (;;) yield chunk;
}
