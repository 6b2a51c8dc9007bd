import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { patchOf } from '../../src/editors/patch.js';
import { scratch } from '../fakes/git-repo.js';

const text = fc
  .array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n', 'd\r\n', 'e'), { maxLength: 12 })
  .map((all) => all.join(''));

it('git makes of the one text the other by it', () => {
  const place = scratch();
  const file = path.join(place.path, 'file');
  try {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && after !== '');
        writeFileSync(file, before);
        execFileSync('git', ['apply', '-'], { cwd: place.path, input: patchOf('file', before, after), stdio: 'pipe' });
        expect(readFileSync(file, 'utf8')).toBe(after);
      }),
      { numRuns: 60 },
    );
  } finally {
    place.remove();
  }
});

it('a file that is not there yet is a new one', () => {
  expect(patchOf('.zed/tasks.json', undefined, '[]\n')).toBe(
    'diff --git a/.zed/tasks.json b/.zed/tasks.json\nnew file mode 100644\n--- /dev/null\n+++ b/.zed/tasks.json\n@@ -0,0 +1,1 @@\n+[]\n',
  );
});
