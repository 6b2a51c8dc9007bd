import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPart } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
beforeEach(() => {
  side = new FarSide();
  stakes = new Stakes(side);
});
afterEach(() => side.remove());

/** A machine whose clock is off: date(1) says so, and `setAll` gives its files such times. */
function clockSays(when: string): { readonly farEnv: Record<string, string> } {
  const bin = path.join(side.home, '..', 'clock');
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh\nexec ${findPart('date') ?? ''} -d '${when}' "$@"\n`;
  writeFileSync(path.join(bin, 'date'), script, { mode: 0o755 });
  return { farEnv: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } };
}

/** Every file there, the index too, as if written within one and the same second. */
const setAll = (when: string): string =>
  side.far('find', 'app', '.local/state/sidecar', '-exec', 'touch', '-h', '-d', when, '{}', '+');

/** Of the same size as what it replaces, in the second in which that was written, and with its time. */
function changeUnseen(round: number): string {
  const file = path.join(side.workspace, 'lines.txt');
  const changed = readFileSync(file, 'utf8').replace(/^...../, `${round}`.padEnd(5, '!'));
  side.far('touch', '-r', file, 'time');
  writeFileSync(file, changed);
  side.far('touch', '-r', 'time', file);
  return changed;
}

for (const off of ['1 day ago', '1 day']) {
  describe(`a sidecar whose clock is off (${off})`, () => {
    it('gets the tree, and its drift is saved; also when the clock is put right in between', async (context) => {
      await stakes.finish(clockSays(off));
      setAll(off);
      for (const login of [clockSays(off), {}, clockSays(off)]) {
        stakes.work(`round ${Object.keys(login).length}`);
        expect((await stakes.finish(login)).drift?.modified).toEqual(['both', 'theirs']);
        setAll(off);
        expect(await stakes.finish(login)).toMatchObject({ upToDate: true, drift: null });
      }
      tried(context, { fault: 'odd machine', where: 'clock a day off', times: 3, outcome: 'harmless' });
    });

    it('sees drift of the same size and the same second', { timeout: 60_000 * scale }, async (context) => {
      const rounds = 2 * scale;
      stakes.work('first');
      await stakes.finish(clockSays(off));
      for (let round = 0; round < rounds; round++) {
        if (round % 2 === 0) setAll(off);
        const content = changeUnseen(round);
        const { drift } = await stakes.finish(clockSays(off));
        expect(drift?.modified).toEqual(['lines.txt']);
        expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:lines.txt`)).toBe(content);
      }
      tried(context, {
        fault: 'odd machine',
        where: 'drift within the second of the landing',
        times: rounds,
        outcome: 'kept',
      });
    });
  });
}
