import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitAtWork, gitDirectory } from '../../src/git/at-work.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let repo: GitRepo;
let gitDir: string;

beforeEach(() => {
  place = scratch();
  repo = GitRepo.init(path.join(place.path, 'project'), place.path);
  repo.write('file', 'one\n');
  repo.commit();
  gitDir = path.join(repo.root, '.git');
});
afterEach(() => place.remove());

const directoryOf = async (root: string): Promise<string | undefined> => {
  const { env } = repo;
  return gitDirectory(await findWorkingTree(root, { env }), { env });
};

describe('git', () => {
  it('is at work while it holds the index, and tells one lock from the next', async () => {
    expect(await gitAtWork(gitDir)).toBeUndefined();
    const lock = path.join(gitDir, 'index.lock');
    writeFileSync(lock, '');
    utimesSync(lock, 1, 1);
    const work = await gitAtWork(gitDir);
    expect(work?.path).toBe(lock);
    utimesSync(lock, 2, 2);
    expect((await gitAtWork(gitDir))?.id).not.toBe(work?.id);
    rmSync(lock);
    expect(await gitAtWork(gitDir)).toBeUndefined();
  });

  it('is at work between two steps of a rebase, and no longer when it has stopped', async () => {
    const steps = path.join(gitDir, 'rebase-merge');
    mkdirSync(steps);
    const movedMs = statSync(steps).mtimeMs;
    expect((await gitAtWork(gitDir, movedMs + 500))?.path).toBe(steps);
    expect(await gitAtWork(gitDir, movedMs + 1_500)).toBeUndefined();
  });

  it('has stopped in a rebase that met a conflict', async () => {
    repo.git('checkout', '-q', '-b', 'other');
    repo.write('file', 'two\n');
    repo.commit();
    repo.git('checkout', '-q', 'main');
    repo.write('file', 'three\n');
    repo.commit();
    expect(() => repo.git('rebase', 'other')).toThrow();
    expect(await gitAtWork(gitDir, Date.now() + 5_000)).toBeUndefined();
  });

  it('keeps a linked worktree’s index elsewhere', async () => {
    const linked = path.join(place.path, 'linked');
    repo.git('worktree', 'add', '-q', linked);
    expect(await directoryOf(linked)).toBe(path.join(gitDir, 'worktrees/linked'));
    expect(await directoryOf(repo.root)).toBe(gitDir);
  });
});
