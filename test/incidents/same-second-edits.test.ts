import { lstatSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

/** 50 files; each round gives each of them other contents of the same size. */
const files = Array.from({ length: 50 }, (_, file) => `d${String(file % 7)}/f${String(file)}`);
const content = (file: string, round: number): string => `${file} in round ${String(round)}\n`;
const there = (file: string): string => path.join(side.workspace, file);
const write = (root: string, round: number): void => {
  for (const file of files) writeFileSync(path.join(root, file), content(file, round));
};

// rsync -a compares size and whole seconds: of 50 such edits it missed 30 to 43.
describe('50 edits that keep the size of a file, within the second of the last sync', () => {
  it('here: every one arrives', async () => {
    for (const file of files) side.repo.write(file, content(file, 0));
    await side.sync();
    for (let round = 1; round <= 4; round += 1) {
      write(side.repo.root, round);
      expect((await side.sync()).changed.modified).toBe(50);
      expect(side.there()).toEqual(side.here());
    }
  });

  it('there: every one is seen, saved and overwritten', async () => {
    for (const file of files) side.repo.write(file, content(file, 0));
    await side.sync();
    for (let round = 1; round <= 4; round += 1) {
      write(side.workspace, round);
      const { drift } = await side.sync();
      expect(drift?.modified).toHaveLength(50);
      const saved = side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:d0/f0`);
      expect(saved).toBe(content('d0/f0', round));
      expect(side.there()).toEqual(side.here());
    }
  });
});

describe('an edit that keeps size and time of a file', () => {
  /** As `cp -p`, `tar` and `touch -r` do. */
  const forge = (file: string, text: string): void => {
    const { atime, mtime } = statSync(file);
    writeFileSync(file, text);
    utimesSync(file, atime, mtime);
  };
  const longAgo = new Date('2020-01-01T00:00:00Z');

  it.each(['here', 'there'])('%s is seen, by what the disk notes besides', async (where) => {
    side.repo.write('f', 'one\n');
    utimesSync(path.join(side.repo.root, 'f'), longAgo, longAgo);
    await side.sync();
    utimesSync(there('f'), longAgo, longAgo);
    await side.sync();
    const file = where === 'here' ? path.join(side.repo.root, 'f') : there('f');
    await anotherSecondThan(statSync(file).ctimeMs);
    forge(file, 'two\n');
    const { drift } = await side.sync();
    expect(drift?.modified ?? []).toEqual(where === 'here' ? [] : ['f']);
    expect(side.there()).toEqual(side.here());
  });
});

/** What file times lag behind the clock at most. */
const lagMs = 20;

/** git compares whole seconds. Within the same one, such an edit is one that git and we cannot see. */
async function anotherSecondThan(ms: number): Promise<void> {
  while (Math.floor((Date.now() - lagMs) / 1000) === Math.floor(ms / 1000))
    await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('an edit while a sync runs', () => {
  // lsyncd/lsyncd#226: what changed between a first pass and the next look was lost.
  it.each(['pack', 'land'])('at its phase %s, of the same size, is sent by the next sync', async (phase) => {
    for (const file of files) side.repo.write(file, content(file, 0));
    let edited = false;
    await side.sync({
      emit: (event) => {
        if (event.kind !== 'sync.phase' || event.phase !== phase) return;
        edited = true;
        write(side.repo.root, 1);
      },
    });
    expect(edited).toBe(true);
    expect((await side.sync()).changed.modified).toBe(50);
    expect(side.there()).toEqual(side.here());
  });
});

describe('a sync with nothing new here', () => {
  // CircleCI-Public/chunk-cli#501 trusted what it had noted here; tilt-dev/tilt#3511 and okteto/okteto#1335 logged
  // success while the files over there were others.
  it('still looks at what stands there, and proves it', async () => {
    side.repo.write('f', 'x\n');
    side.repo.write('g', 'x\n');
    const first = await side.sync();
    writeFileSync(there('f'), 'y\n');
    const second = await side.sync();
    expect(second).toMatchObject({ tree: first.tree, verified: true, upToDate: false, sentBytes: 0 });
    expect(second.drift?.modified).toEqual(['f']);
    expect(readFileSync(there('f'), 'utf8')).toBe('x\n');
    const { mtimeNs } = lstatSync(there('g'), { bigint: true });
    expect((await side.sync()).upToDate).toBe(true);
    expect(lstatSync(there('g'), { bigint: true }).mtimeNs).toBe(mtimeNs);
  });
});
