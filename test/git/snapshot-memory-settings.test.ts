import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitRepo } from '../fakes/git-repo.js';
import { Remembering } from './remembering.js';

let here: Remembering;
let repo: GitRepo;
beforeEach(() => {
  here = new Remembering();
  repo = here.repo;
});
afterEach(() => here.remove());

const at = (name: string): string => path.join(repo.root, name);

/** By the memory alone. */
const expectRemembered = async (change: () => unknown): Promise<void> => {
  expect(await here.expectSeen(change)).not.toContain('ls-files');
};

describe('with a memory, a snapshot by rules of the settings', () => {
  it('hears of other rules', async () => {
    await here.expectSeen(() => here.rule({ ignore: ['docs/'] }));
    await here.expectSeen(() => here.rule({ ignore: ['docs/'], include: ['/build/'] }));
    await here.expectSeen(() => here.rule({}));
  });

  it('sees what is included come, change and go, without asking for a listing', async () => {
    here.rule({ include: ['*.log'] });
    await expectRemembered(() => repo.write('src/a.log', '1\n'));
    await expectRemembered(() => writeFileSync(at('src/a.log'), 'two\n'));
    await expectRemembered(() => rmSync(at('src/a.log')));
  });

  it('sees the first included file in a directory that git ignores', async () => {
    here.rule({ include: ['build/*.json'] });
    repo.write('build/deep/other', '');
    await expectRemembered(() => repo.write('build/a.json', '1\n'));
    repo.write('build/more', '');
    repo.write('build/deep/b.json', '1\n');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('sees the first file of an included directory that was empty', async () => {
    rmSync(at('build'), { recursive: true });
    mkdirSync(at('build'));
    here.rule({ include: ['build'] });
    await expectRemembered(() => writeFileSync(at('build/first'), '1\n'));
    await here.expectSeen(() => repo.write('build/deep/second', '2\n'));
  });

  it('passes over what is ignored, tracked or not', async () => {
    here.rule({ ignore: ['docs/', '*.tmp'] });
    await here.remembered();
    const before = await here.whole();
    repo.write('src/x.tmp', '1\n');
    repo.write('docs/d', 'changed\n');
    repo.write('docs/new', '1\n');
    const { next, whole, asked } = await here.both();
    expect([next, whole]).toEqual([before, before]);
    expect(asked).not.toContain('ls-files');
  });

  it('sees that git no longer ignores a directory that was opened', async () => {
    repo.write('build/other', '');
    here.rule({ include: ['build/*.json'] });
    await here.expectSeen(() => repo.write('.gitignore', '*.log\n'));
  });

  it('does the same in a directory that is no repository', async () => {
    rmSync(at('.git'), { recursive: true });
    here.rule({ ignore: ['docs'], include: ['/build/out'] });
    await here.expectSeen(() => repo.write('docs2/x', '1\n'));
    await here.expectSeen(() => writeFileSync(at('build/out'), 'changed\n'));
  });
});
