import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenSession } from '../../src/sync/request.js';
import type { Cut } from '../fakes/memory-transport.js';
import { recorded, type Recording } from '../faults/bed/far-login.js';
import { scale } from '../faults/scale.js';
import { FarSide } from './far-side.js';
import { WarmConnection } from './warm.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (let file = 0; file < 30; file++) side.repo.write(`d${file % 5}/f${file}`, `first ${file}\n`.repeat(50));
});
afterEach(() => side.remove());

describe('a sync that is cut off', () => {
  it.each([
    ['before the script has arrived', { sentBytes: 5_000 }],
    ['within its first answer', { receivedBytes: 60 }],
    ['within the pack', { sentBytes: 30_000 }],
    ['before its last answer', { receivedBytes: 560 }],
  ])('%s, in a first landing and in a later one, is finished by the next', async (_, cut) => {
    for (const round of ['first', 'later']) {
      for (let file = 0; file < 30; file++) side.repo.write(`d${file % 5}/f${file}`, noise(round, file));
      await side.sync({ cut }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ssh.connection_lost' });
      });
      const result = await side.sync();
      expect(result).toMatchObject({ verified: true, drift: null });
      expect(side.there()).toEqual(side.here());
    }
  });
});

describe('a sync whose connection is lost', () => {
  it('goes on with the next one, and tells what both took', async () => {
    await side.sync();
    side.repo.write('d0/f0', noise('later', 0));
    const result = await side.sync({ cut: { receivedBytes: 400 }, reconnect: true });
    expect(result).toMatchObject({ verified: true, attempts: 2, drift: null });
    expect(side.there()).toEqual(side.here());
  });
});

describe('a sync over a conversation that waited', () => {
  it('is cut off after any byte, and is finished by the next', async () => {
    await side.sync();
    const [waiting, done] = await passed();
    const cuts: Cut[] = [
      ...between(waiting.sent, done.sent).map((sentBytes) => ({ sentBytes })),
      ...between(waiting.received, done.received).map((receivedBytes) => ({ receivedBytes })),
    ];
    for (const [round, cut] of cuts.entries()) {
      side.repo.write('d0/f0', noise(`round ${round}`, round));
      await side.sync({ cut, warm: true }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ssh.connection_lost' });
      });
      expect(await side.sync({ warm: false })).toMatchObject({ verified: true, drift: null });
      expect(side.there()).toEqual(side.here());
    }
  });

  /** What has passed when the conversation waits, and when the sync is done, in bytes. */
  async function passed() {
    const recording: Recording = { sent: [], received: [] };
    const count = () => ({
      sent: Buffer.concat(recording.sent).length,
      received: Buffer.concat(recording.received).length,
    });
    const connection = new WarmConnection(recorded(side.login(), recording));
    await connection.spares.prepare({ format: 'sha1', workspace: 'app' });
    const waiting = count();
    side.repo.write('d0/f0', noise('first', 0));
    await side.sync({ open: () => Promise.resolve({ ...connection.session, spares: onlyOnce(connection.spares) }) });
    connection.close();
    return [waiting, count()] as const;
  }

  const onlyOnce = (spares: OpenSession['spares']): OpenSession['spares'] =>
    spares === undefined ? undefined : { take: (asked) => spares.take(asked), prepare: () => Promise.resolve() };

  const between = (from: number, to: number): number[] =>
    Array.from({ length: 12 * scale }, (_, index) => from + Math.floor((index * (to - from)) / (12 * scale)));
});

/** Different every time, and hard to compress. */
function noise(seed: string, file: number): string {
  let state = file + seed.length * 7919;
  let text = '';
  for (let letter = 0; letter < 2_000; letter++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += String.fromCharCode(33 + (state % 90));
  }
  return text;
}
