import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPart } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { tried } from '../ledger.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

/**
 * A git on the far side that runs `before` and `after` around the first command like `step`: all of it early in one
 * second, whose end is waited for before the index gets a new time, as if git had been slow to write it.
 */
function slowIndex(
  step: string,
  { before = 'true', after }: { before?: string; after: string },
): Record<string, string> {
  const bin = path.join(side.home, 'bin');
  const real = findPart('git') ?? '';
  const once = path.join(bin, 'done');
  const nextSecond = 's=$(date +%s); until [ "$(date +%s)" != "$s" ]; do sleep 0.02; done';
  const script = `#!/bin/sh
case " $* " in *'${step}'*) if [ ! -e '${once}' ]; then
  ${nextSecond}
  ${before}
  '${real}' "$@"; code=$?
  ${after}; : >'${once}'
  ${nextSecond}
  touch "$GIT_DIR/index"
  exit $code
fi;; esac
exec '${real}' "$@"
`;
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'git'), script, { mode: 0o755 });
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

/** An edit on the sidecar that keeps the size. */
const edit = (content: string): string => `printf %s ${content} >'${path.join(side.workspace, 'f')}'`;
const saved = (id: string | null | undefined): string => side.farShadow('show', `refs/sidecar/drift/${id}:f`);
const happened = (): boolean => existsSync(path.join(side.home, 'bin/done'));

describe('an edit on the sidecar in the very second in which git looks at the file', () => {
  it('right after the landing wrote it: is saved, and the landing is not called proved before it stands', async (context) => {
    side.repo.write('f', 'FIRST');
    await side.sync();
    side.repo.write('f', 'LATER');
    const result = await side.sync({ farEnv: slowIndex(' reset -q --merge ', { after: edit('DRIFT') }) });
    expect(happened()).toBe(true);
    expect(readFileSync(path.join(side.workspace, 'f'), 'utf8')).toBe('LATER');
    expect(result.drift?.modified).toEqual(['f']);
    expect(saved(result.drift?.id)).toBe('DRIFT');
    tried(context, {
      fault: 'edits within one second',
      where: 'on the sidecar, while a tree lands',
      times: 1,
      outcome: 'kept',
    });
  });

  it('right after it was read to be saved: what is overwritten is what was saved last', async (context) => {
    side.repo.write('f', 'FIRST');
    await side.sync();
    side.repo.write('f', 'LATER');
    writeFileSync(path.join(side.workspace, 'f'), 'DRIFT');
    const git = slowIndex(' update-index --add ', { before: edit('DRIF1'), after: edit('DRIF2') });
    const result = await side.sync({ farEnv: git });
    expect(happened()).toBe(true);
    expect(readFileSync(path.join(side.workspace, 'f'), 'utf8')).toBe('LATER');
    expect(saved(result.drift?.id)).toBe('DRIF2');
    tried(context, {
      fault: 'edits within one second',
      where: 'on the sidecar, while a tree lands',
      times: 1,
      outcome: 'kept',
    });
  });
});
