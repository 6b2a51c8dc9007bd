import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitTree } from '../../src/git/commit.js';
import { openShadow, type Shadow } from '../../src/git/shadow.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { runGit } from '../../src/git/run.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
beforeEach(() => {
  place = scratch();
});
afterEach(() => place.remove());

async function shadowOf(...init: string[]): Promise<{ shadow: Shadow; tree: string }> {
  const repo = GitRepo.init(path.join(place.path, 'app'), place.path, ...init);
  repo.write('f', 'x\n');
  repo.commit();
  const found = await findWorkingTree(repo.root, { env: repo.env });
  const shadow = await openShadow(found, { stateDir: place.path, env: repo.env });
  return { shadow, tree: repo.git('rev-parse', 'HEAD^{tree}') };
}

async function git(shadow: Shadow, ...args: string[]): Promise<string> {
  return (await runGit(shadow.place, args)).stdout.toString().trim();
}

describe('a commit of a tree', () => {
  it.each([['sha1'], ['sha256']])('is the one that git commit-tree writes, in %s', async (format) => {
    const { shadow, tree } = await shadowOf(`--object-format=${format}`);
    const first = await commitTree(shadow, tree, []);
    expect(await git(shadow, 'fsck', '--strict', '--no-dangling')).toBe('');
    expect(first).toBe(await git(shadow, 'commit-tree', tree));
    const second = await commitTree(shadow, tree, [first]);
    expect(second).toBe(await git(shadow, 'commit-tree', tree, '-p', first));
    expect(await git(shadow, 'rev-list', second)).toBe(`${second}\n${first}`);
  });

  it('that is written again is not pruned as an old one', async () => {
    const { shadow, tree } = await shadowOf();
    const id = await commitTree(shadow, tree, []);
    const file = path.join(shadow.gitDir, 'objects', id.slice(0, 2), id.slice(2));
    utimesSync(file, new Date(0), new Date(0));
    expect(await commitTree(shadow, tree, [])).toBe(id);
    expect(statSync(file).mtimeMs).toBeGreaterThan(0);
    await git(shadow, 'prune', '--expire=1.hour.ago');
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  it('that cannot be written fails with the place and the reason', async () => {
    const { shadow, tree } = await shadowOf();
    if (process.getuid?.() === 0) return; // root writes everywhere
    mkdirSync(path.join(shadow.gitDir, 'objects'), { recursive: true });
    chmodSync(path.join(shadow.gitDir, 'objects'), 0o500);
    await expect(commitTree(shadow, tree, [])).rejects.toMatchObject({ code: 'state.unwritable' });
    chmodSync(path.join(shadow.gitDir, 'objects'), 0o700);
  });
});
