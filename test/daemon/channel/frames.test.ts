import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FrameReader, kinds, writeFrame } from '../../../src/daemon/channel/frames.js';

/** What a reader makes of these pieces. */
function read(pieces: readonly Buffer[]): [number, string][] {
  const frames: [number, string][] = [];
  const reader = new FrameReader((kind, content) => frames.push([kind, content.toString('latin1')]));
  for (const piece of pieces) reader.read(piece);
  return frames;
}

async function written(...frames: readonly [0 | 3 | 8, string][]): Promise<Buffer> {
  const stream = new PassThrough();
  for (const [kind, content] of frames) writeFrame(stream, kind, Buffer.from(content, 'latin1'));
  return buffer(stream.end());
}

describe('frames', () => {
  it('arrive as they were written, however the connection cuts them', async () => {
    const frames: [0 | 3 | 8, string][] = [
      [kinds.stdin, ''],
      [kinds.stdout, '\0\xff\n'.repeat(1_000)],
      [kinds.ended, '{"exit":{}}'],
    ];
    const bytes = await written(...frames);
    for (const length of [1, 2, 3, 5, 7, 1_000, bytes.length]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
      expect(read(pieces)).toEqual(frames);
    }
  });

  it('of a length that nobody of ours writes are refused before they are waited for', () => {
    expect(() => read([Buffer.from([3, 0xff, 0xff, 0xff, 0xff])])).toThrow('a frame of 4294967295 bytes');
  });
});
