import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findWorkingTree, type WorkingTree } from '../../src/git/working-tree.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let repo: GitRepo;

beforeEach(() => {
  place = scratch();
  repo = GitRepo.init(path.join(place.path, 'project'), place.path);
});
afterEach(() => place.remove());

const find = async (directory = repo.root): Promise<WorkingTree> => findWorkingTree(directory, { env: repo.env });

describe('a working tree', () => {
  it('is found from any directory in it, with the commit it stands on', async () => {
    repo.write('deep/down/file', 'one\n');
    repo.commit();
    const tree = await find(path.join(repo.root, 'deep/down'));
    const gitDir = path.join(realpathSync(repo.root), '.git');
    expect(tree).toEqual({
      root: realpathSync(repo.root),
      format: 'sha1',
      repository: {
        objects: path.join(gitDir, 'objects'),
        infoExclude: path.join(gitDir, 'info/exclude'),
        shallow: path.join(gitDir, 'shallow'),
        head: repo.git('rev-parse', 'HEAD').trim(),
      },
    });
  });

  it('stands on no commit before the first', async () => {
    const { repository } = await find();
    expect(repository).toBeDefined();
    expect(repository).not.toHaveProperty('head');
  });

  it('stands on no commit where its branch names something else, which git complains of', async () => {
    repo.write('file', 'one\n');
    const blob = repo.git('hash-object', '-w', 'file').trim();
    writeFileSync(path.join(repo.root, '.git', repo.git('symbolic-ref', 'HEAD').trim()), `${blob}\n`);
    const { repository } = await find();
    expect(repository).toBeDefined();
    expect(repository).not.toHaveProperty('head');
  });

  it('is the directory itself where there is no repository', async () => {
    const directory = path.join(place.path, 'plain');
    mkdirSync(directory);
    expect(await find(directory)).toEqual({ root: realpathSync(directory), format: 'sha1' });
  });
});
