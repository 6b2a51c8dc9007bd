import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendRulesOf } from '../../src/git/send-rules.js';
import type { SyncRequest } from '../../src/sync/request.js';
import type { SyncResult } from '../../src/sync/result.js';
import { GitRepo } from '../fakes/git-repo.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

interface Patterns {
  readonly ignore?: readonly string[];
  readonly include?: readonly string[];
}

function rulesFor({ ignore = [], include = [] }: Patterns): Pick<SyncRequest, 'rules'> {
  const located = (pattern: string) => ({ pattern, file: '/settings', line: 1 });
  const rules = sendRulesOf(side.repo.root, { ignore: ignore.map(located), include: include.map(located) });
  return { rules: () => Promise.resolve(rules) };
}

const sync = (patterns: Patterns, options: Partial<SyncRequest> = {}): Promise<SyncResult> =>
  side.sync({ ...rulesFor(patterns), ...options });

const there = (file: string): string => path.join(side.workspace, file);
const textThere = (file: string): string => readFileSync(there(file), 'utf8');
const filesThere = (): string[] =>
  side
    .far('sh', '-c', `cd '${side.workspace}' && find . -type f -not -path './.git/*' | cut -c 3- | sort`)
    .split('\n')
    .slice(0, -1);

function put(file: string, content: string): void {
  mkdirSync(path.dirname(there(file)), { recursive: true });
  writeFileSync(there(file), content);
}

describe('what the settings ignore', () => {
  it('is not sent, and what stands there of that name is left alone', async () => {
    for (const file of ['f', 'data/big', 'sub/data/x', 'a.mp4']) side.repo.write(file, 'x\n');
    await sync({ ignore: ['/data/', '*.mp4'] });
    expect(filesThere()).toEqual(['f', 'sub/data/x']);
    put('data/made', 'over there\n');
    put('b.mp4', 'over there\n');
    side.repo.write('f', 'edited\n');
    expect((await sync({ ignore: ['/data/', '*.mp4'] })).drift).toBeNull();
    expect(textThere('data/made') + textThere('b.mp4')).toBe('over there\nover there\n');
  });

  it('is not sent where git tracks it, and is left alone in a clone, edited there or not', async () => {
    for (const file of ['f', 'fixtures/a', 'fixtures/b', 'fixtures/c']) side.repo.write(file, 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    put('fixtures/a', 'edited there\n');
    rmSync(there('fixtures/b'));
    for (const file of ['f', 'fixtures/c']) side.repo.write(file, 'edited here\n');
    const patterns = { ignore: ['fixtures/'] };
    const first = await sync(patterns);
    expect([first.drift, first.changed]).toEqual([null, { added: 0, modified: 1, deleted: 0 }]);
    put('fixtures/c', 'edited there\n');
    expect(await sync(patterns)).toMatchObject({ drift: null, upToDate: true });
    expect(filesThere()).toEqual(['f', 'fixtures/a', 'fixtures/c']);
    expect(textThere('fixtures/a')).toBe('edited there\n');
  });

  it('stays there when it had landed before, and is part of the tree again once it is ignored no more', async () => {
    for (const file of ['f', 'data/x']) side.repo.write(file, 'x\n');
    await sync({});
    expect((await sync({ ignore: ['data'] })).changed).toEqual({ added: 0, modified: 0, deleted: 0 });
    expect(textThere('data/x')).toBe('x\n');
    put('data/x', 'edited there\n');
    expect((await sync({ ignore: ['data'] })).drift).toBeNull();
    expect((await sync({})).drift).toMatchObject({ added: ['data/x'] });
    expect(side.there()).toEqual(side.here());
  });

  it('is not sent ahead of the first snapshot either', async () => {
    side.repo.write('f', 'x\n');
    side.repo.write('big', Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 256))));
    side.repo.commit();
    expect((await sync({ ignore: ['big'] })).sentBytes).toBeLessThan(20_000);
    expect(filesThere()).toEqual(['f']);
  });

  it('outweighs what they include', async () => {
    side.repo.write('.gitignore', 'config/\n');
    for (const file of ['config/a.json', 'config/b.json']) side.repo.write(file, 'x\n');
    await sync({ include: ['config/*.json'], ignore: ['b.json'] });
    expect(filesThere()).toEqual(['.gitignore', 'config/a.json']);
  });

  it('is saved as drift before it is overwritten, where a file of the tree needs its place', async () => {
    put('data/x', 'over there\n');
    await sync({ ignore: ['/data/'] }, { adopt: true });
    side.repo.write('data', 'a file\n');
    expect((await sync({ ignore: ['/data/'] })).drift).toMatchObject({ added: ['data/x'] });
    expect(textThere('data')).toBe('a file\n');
  });
});

describe('what the settings include', () => {
  beforeEach(() => {
    side.repo.write('.gitignore', '.env*\nconfig/\nnode_modules/\n*.gen\n');
    side.repo.write('f', 'x\n');
  });

  it('lands though git ignores it, is deleted there with the file here, and shows in drift', async () => {
    const patterns = { include: ['.env.local'] };
    for (const file of ['.env', '.env.local', 'sub/.env.local', 'node_modules/p/.env.local'])
      side.repo.write(file, '1\n');
    await sync(patterns);
    expect(filesThere()).toEqual(['.env.local', '.gitignore', 'f', 'sub/.env.local']);
    put('.env.local', 'edited there\n');
    put('.env', 'its own\n');
    put('new/.env.local', 'made there\n');
    expect((await sync(patterns)).drift).toMatchObject({
      added: ['new/.env.local'],
      modified: ['.env.local'],
      deleted: [],
    });
    expect([textThere('.env.local'), textThere('.env')]).toEqual(['1\n', 'its own\n']);
    rmSync(path.join(side.repo.root, '.env.local'));
    expect((await sync(patterns)).changed).toEqual({ added: 0, modified: 0, deleted: 1 });
    expect(filesThere()).toEqual(['.env', '.gitignore', 'f', 'sub/.env.local']);
  });

  it('is found in an ignored directory that the pattern spells out, and nothing else of it is', async () => {
    for (const file of ['a.secret', 'b', 'deep/c.secret']) side.repo.write(`config/${file}`, 'x\n');
    put('config/own', 'its own\n');
    await sync({ include: ['config/*.secret'] }, { adopt: true });
    expect(filesThere()).toEqual(['.gitignore', 'config/a.secret', 'config/own', 'f']);
    put('config/z.secret', 'made there\n');
    expect((await sync({ include: ['config/*.secret'] })).drift).toMatchObject({ added: ['config/z.secret'] });
    expect(textThere('config/own')).toBe('its own\n');
  });

  it('may be a whole directory, with what rules further down would ignore in it', async () => {
    for (const file of ['a', 'deep/b.gen', 'deep/.gitignore']) side.repo.write(`config/${file}`, 'b.gen\n');
    await sync({ include: ['config/'] });
    expect(filesThere()).toEqual(['.gitignore', 'config/a', 'config/deep/.gitignore', 'config/deep/b.gen', 'f']);
  });

  it('is found in nested repositories as over there, where they are none', async () => {
    const nested = GitRepo.init(path.join(side.repo.root, 'libs/nested'), side.localHome);
    nested.write('.gitignore', '*.own\nout/\n');
    for (const file of ['g', 'x.own', 'y.own', 'out/z', 'out/other']) nested.write(file, 'x\n');
    const patterns = { include: ['libs/*/x.own', 'libs/nested/out/z'] };
    await sync(patterns);
    const expected = ['.gitignore', 'g', 'out/z', 'x.own'].map((file) => `libs/nested/${file}`);
    expect(filesThere()).toEqual(['.gitignore', 'f', ...expected]);
    for (const file of ['x.own', 'y.own', 'out/other']) put(`libs/nested/${file}`, 'over there\n');
    expect((await sync(patterns)).drift).toMatchObject({ added: [], modified: ['libs/nested/x.own'] });
    expect(textThere('libs/nested/y.own')).toBe('over there\n');
  });

  it('never comes from behind a link', async () => {
    mkdirSync(path.join(side.localHome, 'outside'));
    writeFileSync(path.join(side.localHome, 'outside/.env.local'), 'secret\n');
    symlinkSync(path.join(side.localHome, 'outside'), path.join(side.repo.root, 'config'));
    await sync({ include: ['config/.env.local', 'config/', '.env.local'] });
    expect(filesThere()).toEqual(['.gitignore', 'f']);
  });

  it('goes from there too once it is included no more, as what git begins to ignore does', async () => {
    side.repo.write('.env.local', '1\n');
    await sync({ include: ['.env.local'] });
    await sync({});
    expect(existsSync(there('.env.local'))).toBe(false);
  });
});

describe('with any rules', () => {
  const names = ['a', 'b.gen', 'c.own', '.env'];
  const directories = ['', 'src/', 'out/', 'out/deep/', 'src/out/', 'src/pkg/', 'data/'];
  const files = directories.flatMap((directory) => names.map((name) => directory + name));
  const pattern = fc.constantFrom(
    ...['a', '*.gen', '/out/', 'out', 'out/*.gen', 'out/deep/a', '/out/**/a', 'src/**/c.own', '.env', '/.env', 'data/'],
    ...['src/out/[ab]*', 'src/*/a', '**/deep/', 'src', 'pkg', 'out/?.own', '/*', 'data/*'],
  );
  const patterns = fc.array(pattern, { maxLength: 3 });

  it('both sides agree on what belongs to the tree', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, patterns, patterns, async (git, ignore, include) => {
        const one = new FarSide();
        try {
          side = one;
          one.repo.write('.git/info/exclude', `${git.join('\n')}\n`);
          for (const file of files) one.repo.write(file, 'x\n');
          one.repo.git('add', '-f', 'src/a', 'out/a', 'data/a');
          one.repo.git('commit', '-q', '-m', 'some');
          await sync({ ignore, include });
          const sent = filesThere();
          // A tracked file is of the tree on either side; here it goes, for good.
          one.repo.git('rm', '-q', '--cached', 'src/a', 'out/a', 'data/a');
          for (const file of files) rmSync(path.join(one.repo.root, file));
          await sync({ ignore, include });
          expect(filesThere()).toEqual([]);
          for (const file of files) put(file, 'made there\n');
          const { drift } = await sync({ ignore, include });
          const untracked = sent.filter((file) => !['src/a', 'out/a', 'data/a'].includes(file));
          const seen = drift?.added.filter((file) => !['src/a', 'out/a', 'data/a'].includes(file));
          expect([...(seen ?? [])].sort()).toEqual(untracked.sort());
        } finally {
          one.remove();
        }
      }),
      { numRuns: 6 },
    );
  }, 120_000);
});
