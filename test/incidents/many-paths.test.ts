import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

describe('20,000 changed paths, more than fit on a command line,', () => {
  // GoogleContainerTools/skaffold#4821: "argument list too long". CircleCI-Public/chunk-cli handed paths to git so.
  it('land in one sync, and go in one', { timeout: 900_000 }, async () => {
    const directories = Array.from({ length: 40 }, (_, index) => `${'long-name-'.repeat(8)}${String(index)}`);
    side.repo.write('stays', 'x\n');
    for (const directory of directories) {
      mkdirSync(path.join(side.repo.root, directory));
      for (let file = 0; file < 500; file += 1) {
        writeFileSync(path.join(side.repo.root, directory, `f${String(file)}`), 'x\n');
      }
    }
    const first = await side.sync();
    expect(first).toMatchObject({ verified: true, changed: { added: 20_001, modified: 0, deleted: 0 } });
    for (const directory of directories) rmSync(path.join(side.repo.root, directory), { recursive: true });
    expect((await side.sync()).changed).toEqual({ added: 0, modified: 0, deleted: 20_000 });
    expect(side.far('ls', '-A', 'app')).toBe('stays\n');
  });
});
