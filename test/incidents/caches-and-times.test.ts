import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow, GitRepo } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (let file = 0; file < 20; file += 1)
    side.repo.write(`d${String(file % 3)}/f${String(file)}`, `${String(file)}\n`);
  side.repo.write('.gitignore', '/target/\n');
  side.repo.commit();
});
afterEach(() => side.remove());

/** Time and inode of every file over there: both stay the same for a file that nobody touched. */
function identities(): Map<string, string> {
  return new Map(
    filesBelow(side.workspace).map((file) => {
      const { mtimeNs, ino } = lstatSync(path.join(side.workspace, file), { bigint: true });
      return [file, `${String(mtimeNs)} ${String(ino)}`];
    }),
  );
}

async function touchedBy(work: () => Promise<unknown>): Promise<string[]> {
  const before = identities();
  await work();
  const after = identities();
  return [...after.keys()].filter((file) => before.has(file) && before.get(file) !== after.get(file)).sort();
}

// CircleCI-Public/chunk-cli#501: every sync reset the whole checkout; the linter there then read everything again, 57 s
// instead of 1.6 s.
describe('over there, a file that did not change keeps its time, and build tools their caches,', () => {
  it('whatever else lands: edits, edits taken back, drift, another branch', async () => {
    await side.sync();
    mkdirSync(path.join(side.workspace, 'target'));
    writeFileSync(path.join(side.workspace, 'target/cache'), 'built there\n');
    side.repo.write('d0/f0', 'edited\n');
    expect(await touchedBy(() => side.sync())).toEqual(['d0/f0']);
    side.repo.git('checkout', '-q', '--', '.');
    expect(await touchedBy(() => side.sync())).toEqual(['d0/f0']);
    writeFileSync(path.join(side.workspace, 'd1/f1'), 'over there\n');
    const drifted = identities().get('d1/f1');
    expect(await touchedBy(() => side.sync())).toEqual(['d1/f1']);
    expect(identities().get('d1/f1')).not.toBe(drifted);
    side.repo.git('checkout', '-q', '-b', 'other');
    side.repo.write('d2/f2', 'on another branch\n');
    side.repo.commit();
    expect(await touchedBy(() => side.sync())).toEqual(['d2/f2']);
    expect(readFileSync(path.join(side.workspace, 'target/cache'), 'utf8')).toBe('built there\n');
  });

  it('when every file was rewritten here with what it held', async () => {
    await side.sync();
    for (const file of filesBelow(side.repo.root)) side.repo.write(file, readFileSync(path.join(side.repo.root, file)));
    expect(await touchedBy(() => side.sync())).toEqual([]);
  });

  it('at the first landing in a clone that holds the same', async () => {
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.write('d0/f0', 'edited\n');
    expect(await touchedBy(() => side.sync())).toEqual(['d0/f0']);
  });

  it('at the first landing in a directory that is taken over', async () => {
    mkdirSync(side.workspace);
    side.far('cp', '-r', `${side.repo.root}/d0`, side.workspace);
    expect(await touchedBy(() => side.sync({ adopt: true }))).toEqual([]);
    expect(side.there()).toEqual(side.here());
  });

  it('when a sync that was cut off is done again', async () => {
    await side.sync();
    side.repo.write('d0/f0', 'edited\n');
    expect(
      await touchedBy(async () => {
        await side.sync({ cut: { receivedBytes: 400 } }).catch(() => undefined);
        await side.sync();
      }),
    ).toEqual(['d0/f0']);
  });

  it('when our own state over there is lost', async () => {
    await side.sync();
    side.far('rm', '-rf', '.local');
    expect(await touchedBy(() => side.sync({ adopt: true }))).toEqual([]);
  });
});

describe('a session of several days', () => {
  // mutagen-io/mutagen#279: a staged file that had gone ended every following attempt.
  it('goes on when staged objects are gone on either side', async () => {
    await side.sync();
    const clone = new GitRepo(path.join(side.home, 'clone'), side.localHome);
    for (const [round, state] of [side.stateDir, path.join(side.home, '.local/state')].entries()) {
      side.repo.write('d0/f0', `round ${String(round)}\n`);
      await side.sync({ dryRun: true });
      side.far('sh', '-c', `find ${state} -path '*/objects/??/*' -type f -exec rm -f {} +`);
      await side.sync();
      expect(side.there()).toEqual(side.here());
    }
    expect(filesBelow(clone.root)).toEqual([]);
  });
});
