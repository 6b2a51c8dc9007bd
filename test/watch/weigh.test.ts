import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitDirectory } from '../../src/git/at-work.js';
import { sendRulesOf, type SendRules } from '../../src/git/send-rules.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { touched } from '../../src/watch/change.js';
import { weigh, type Weight } from '../../src/watch/weigh.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let repo: GitRepo;
let rules: SendRules | undefined;

beforeEach(() => {
  rules = undefined;
  place = scratch();
  repo = GitRepo.init(path.join(place.path, 'project'), place.path);
  repo.write('.gitignore', '*.log\nnode_modules/\n');
  repo.write('file', 'x');
  repo.write('tracked.log', 'x');
  repo.git('add', '-f', '.');
  repo.commit();
});
afterEach(() => place.remove());

async function weight(...paths: string[]): Promise<Weight> {
  const { env } = repo;
  const tree = await findWorkingTree(repo.root, { env });
  const gitDir = await gitDirectory(tree, { env });
  const change = touched(paths.map((each) => path.join(repo.root, each)));
  const world = { tree, gitDir, env, signal: new AbortController().signal };
  const given = rules;
  return weigh(change, given === undefined ? world : { ...world, rules: () => Promise.resolve(given) });
}

describe('a change', () => {
  it('of what travels is landed', async () => {
    repo.write('untracked', 'x');
    expect(await weight('file')).toBe('land');
    expect(await weight('untracked')).toBe('land');
    expect(await weight('x.log', 'tracked.log')).toBe('land');
  });

  it('of what is ignored is nothing', async () => {
    repo.write('x.log', 'x');
    repo.write('node_modules/a/b', 'x');
    expect(await weight('x.log', 'node_modules', 'node_modules/a', 'node_modules/a/b')).toBe('nothing');
  });

  it('of what the settings ignore or include weighs by what they say', async () => {
    const located = (pattern: string) => ({ pattern, file: '/settings', line: 1 });
    rules = sendRulesOf(repo.root, { ignore: ['/data/', 'file'].map(located), include: ['x.log'].map(located) });
    for (const name of ['data/a', 'x.log', 'y.log', '.sidecar.json']) repo.write(name, '{}');
    expect(await weight('data/a', 'file', 'y.log')).toBe('nothing');
    expect(await weight('x.log')).toBe('land');
    repo.write('.git/info/exclude', '.sidecar.json\n');
    expect(await weight('.sidecar.json')).toBe('land');
  });

  it('of which nothing is left has to be looked at', async () => {
    mkdirSync(path.join(repo.root, 'node_modules'));
    rmSync(path.join(repo.root, 'node_modules'), { recursive: true });
    expect(await weight('node_modules')).toBe('look');
    rmSync(path.join(repo.root, 'file'));
    expect(await weight('file')).toBe('look');
  });

  it('of ignore rules is landed, wherever they stand', async () => {
    expect(await weight('.git/info/exclude')).toBe('land');
    repo.write('node_modules/.gitignore', '*');
    expect(await weight('node_modules/.gitignore')).toBe('land');
  });

  it('of the index has to be looked at, and of the rest of a repository is nothing', async () => {
    expect(await weight('.git/index')).toBe('look');
    expect(await weight('.git/HEAD', '.git/HEAD.lock')).toBe('look');
    expect(await weight('.git/index.lock', '.git/refs/heads/main', '.git/COMMIT_EDITMSG', '.git')).toBe('nothing');
    expect(await weight('inner/.git/index')).toBe('look');
    expect(await weight('inner/.git/objects/00/11')).toBe('nothing');
  });

  it('in a submodule or behind a link is landed: git will not say', async () => {
    const inner = GitRepo.init(path.join(repo.root, 'inner'), place.path);
    inner.write('deep', 'x');
    inner.commit();
    repo.git('add', 'inner');
    expect(await weight('inner/deep')).toBe('land');
  });
});
