import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ignoredDirectories } from '../../src/git/ignored.js';
import { sendRulesOf } from '../../src/git/send-rules.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let repo: GitRepo;
beforeEach(() => {
  place = scratch();
  repo = GitRepo.init(path.join(place.path, 'app'), place.path);
  repo.write('.gitignore', 'node_modules/\nout/\ngenerated/\n');
  for (const name of ['node_modules/p/x', 'out/deep/a.json', 'generated/x', 'sub/out/b', 'data/x', 'f']) {
    repo.write(name, '');
  }
});
afterEach(() => place.remove());

async function ignored(patterns: { readonly ignore?: string[]; readonly include?: string[] }): Promise<string[]> {
  const tree = await findWorkingTree(repo.root, { env: repo.env });
  const located = (pattern: string) => ({ pattern, file: '/settings', line: 1 });
  const { ignore = [], include = [] } = patterns;
  const rules = sendRulesOf(repo.root, { ignore: ignore.map(located), include: include.map(located) });
  const found = await ignoredDirectories(tree, { env: repo.env, rules });
  return found.map((each) => path.relative(repo.root, each)).sort();
}

describe('directories of which nothing travels', () => {
  it('are those that git or the settings ignore', async () => {
    expect(await ignored({ ignore: ['/data/'] })).toEqual(['data', 'generated', 'node_modules', 'out', 'sub/out']);
  });

  it('are none that something is included from, or would be', async () => {
    const patterns = { include: ['out/deep/*.json', 'generated'] };
    expect(await ignored(patterns)).toEqual(['node_modules', 'sub/out']);
    rmSync(path.join(repo.root, 'out/deep/a.json'));
    expect(await ignored(patterns)).toEqual(['node_modules', 'sub/out']);
  });
});
