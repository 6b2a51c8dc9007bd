import { chmodSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Disk, type Stamp } from '../../src/git/disk.js';
import { editedTree, largestEdited, type EditedTree } from '../../src/git/edited-tree.js';
import { objectId } from '../../src/git/object-id.js';
import { ObjectReader } from '../../src/git/object-reader.js';
import { openShadow } from '../../src/git/shadow.js';
import { diskTime } from '../../src/git/tick.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let repo: GitRepo;
beforeEach(() => {
  place = scratch();
});
afterEach(() => place.remove());

function begin(...init: string[]): void {
  repo = GitRepo.init(path.join(place.path, 'app'), place.path, ...init);
  for (const name of ['top', 'src/a', 'src/a.b', 'src/deep/er/c', 'src.txt']) repo.write(name, `${name}\n`);
  symlinkSync('top', path.join(repo.root, 'link'));
  repo.commit();
}

const at = (name: string): string => path.join(repo.root, name);
/** What git says of the disk as it is: no file has to be converted. */
function treeNow(): string {
  repo.git('add', '-A');
  return repo.git('write-tree');
}

/** The forecast for these paths, as long after the last write as nobody could have missed another. */
async function forecast(...paths: string[]): Promise<EditedTree | undefined> {
  await sleep(50);
  return forecastAt(Date.now(), ...paths);
}

async function forecastAt(nowMs: number, ...paths: string[]): Promise<EditedTree | undefined> {
  const tree = await findWorkingTree(repo.root, { env: repo.env });
  const shadow = await openShadow(tree, { stateDir: place.path, env: repo.env });
  const disk = new Disk(repo.root);
  const stamps = new Map<string, Stamp>();
  for (const name of paths) {
    const stamp = disk.stampOf(name);
    if (stamp !== undefined) stamps.set(name, stamp);
  }
  const objects = new ObjectReader(shadow.place, largestEdited);
  try {
    const { root, format } = tree;
    const { device } = await diskTime(shadow.gitDir);
    const from = repo.git('rev-parse', 'HEAD^{tree}');
    return await editedTree(from, stamps, { root, format, objects, now: { device, nowMs } });
  } finally {
    objects.close();
  }
}

describe('a forecast of edits', () => {
  it.each(['sha1', 'sha256'] as const)('is the tree that git writes of them, in %s', async (format) => {
    begin(`--object-format=${format}`);
    writeFileSync(at('top'), 'edited\n');
    writeFileSync(at('src/a'), 'edited too\n');
    writeFileSync(at('src/deep/er/c'), Buffer.from([0, 255, 13, 10]));
    chmodSync(at('src/a.b'), 0o755);
    rmSync(at('link'));
    symlinkSync('src/a', at('link'));
    const made = await forecast('top', 'src/a', 'src/deep/er/c', 'src/a.b', 'link');
    expect(made?.tree).toBe(treeNow());
    for (const { type, id, content } of made?.objects ?? []) {
      expect(objectId(format, type, content)).toBe(id);
      expect(repo.git('cat-file', '-t', id)).toBe(type);
    }
    // Four contents and four trees: the exec bit needs no content.
    expect(made?.objects.map(({ type }) => type).sort()).toEqual([
      ...Array.from({ length: 4 }, () => 'blob'),
      ...Array.from({ length: 4 }, () => 'tree'),
    ]);
  });

  it('of a file that became a link, and of a link that became a file', async () => {
    begin();
    rmSync(at('top'));
    symlinkSync('src/a', at('top'));
    rmSync(at('link'));
    writeFileSync(at('link'), 'a file\n');
    expect((await forecast('top', 'link'))?.tree).toBe(treeNow());
  });

  it('of files that swap their contents, or come to hold the same, builds none on another of it', async () => {
    begin();
    writeFileSync(at('src/a'), 'src/a.b\n');
    writeFileSync(at('src/a.b'), 'src/a\n');
    writeFileSync(at('top'), 'the same\n');
    writeFileSync(at('src.txt'), 'the same\n');
    const made = await forecast('src/a', 'src/a.b', 'top', 'src.txt');
    expect(made?.tree).toBe(treeNow());
    const ids = made?.objects.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    const built = made?.objects.filter(({ before }) => before.content !== undefined) ?? [];
    expect(built.filter(({ before }) => ids.includes(before.id))).toEqual([]);
  });

  it('of a file that was only touched is the same tree, with nothing to send', async () => {
    begin();
    writeFileSync(at('src/a'), 'src/a\n');
    expect(await forecast('src/a')).toMatchObject({ tree: treeNow(), objects: [] });
  });

  it.each<[string, () => string[]]>([
    ['a path that the tree does not have', () => edit('src/new')],
    [
      'a path where the tree has a directory',
      () => [...(rmSync(at('src/deep'), { recursive: true }), edit('src/deep'))],
    ],
    ['a path below what the tree has for a file', () => [...(rmSync(at('top')), repo.write('top/x', 'x'), ['top/x'])]],
    ['a large file', () => edit('top', 'x'.repeat(largestEdited + 1))],
    ['more files than a few', () => Array.from({ length: 101 }, (_, index) => edit(`src/${index}`)).flat()],
  ])('is not made of %s', async (_, change) => {
    begin();
    expect(await forecast(...change())).toBeUndefined();
  });

  it('is not made of a file that was written a moment ago: another write might not show', async () => {
    begin();
    edit('top');
    expect(await forecastAt(statSync(at('top')).ctimeMs + 10, 'top')).toBeUndefined();
  });
});

function edit(name: string, content = 'edited\n'): string[] {
  repo.write(name, content);
  return [name];
}
