import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitRepo } from '../fakes/git-repo.js';
import { Remembering } from './remembering.js';

let here: Remembering;
let repo: GitRepo;
beforeEach(() => {
  here = new Remembering();
  repo = here.repo;
});
afterEach(() => here.remove());

const at = (name: string): string => path.join(repo.root, name);

describe('a snapshot with a memory', () => {
  it('asks git for nothing but a comparison where nothing changed', async () => {
    await here.remembered();
    const { asked, next, whole } = await here.both();
    // What would read objects is started ahead, and may be ended before it says so.
    expect(asked.filter((command) => command !== 'cat-file')).toEqual(['diff-files']);
    expect(next).toEqual(whole);
  });

  it('asks git for no listing where only contents changed', async () => {
    const asked = await here.expectSeen(() => writeFileSync(at('src/a'), 'edited\n'));
    expect(asked).not.toContain('ls-files');
    expect(asked).toEqual(expect.arrayContaining(['diff-files', 'update-index', 'write-tree']));
  });

  it('nor where an editor put a new file in the place of an old one', async () => {
    const asked = await here.expectSeen(() => {
      writeFileSync(at('src/a~'), 'saved\n');
      renameSync(at('src/a~'), at('src/a'));
    });
    expect(asked).not.toContain('ls-files');
  });

  it('asks git only about their names where files came and went', async () => {
    repo.write('src/untracked', 'here before\n');
    const asked = await here.expectSeen(() => {
      writeFileSync(at('src/new'), 'new\n');
      writeFileSync(at('src/new.log'), 'ignored\n');
      symlinkSync('new', at('docs/link'));
      rmSync(at('src/untracked'));
      rmSync(at('src/b'));
      renameSync(at('top'), at('renamed'));
    });
    expect(asked).not.toContain('ls-files');
    expect(asked).toContain('check-ignore');
    await here.expectSeen(() => repo.git('checkout', '-q', '--', 'src/b'));
    await here.expectSeen(() => {
      rmSync(at('src/new.log'));
      rmSync(at('src/new'));
    });
  });

  it('sees each of 50 edits of the same size in the same second', async () => {
    await here.remembered();
    for (let round = 0; round < 50; round += 1) {
      writeFileSync(at('src/a'), `round ${String(round).padStart(3)}\n`);
      const { next, whole } = await here.both();
      expect(next).toEqual(whole);
    }
  });

  it('forgets all where everything is to be read', async () => {
    await here.remembered();
    here.memory.forget();
    expect((await here.both()).asked).toContain('ls-files');
  });
});

describe('with a memory, a snapshot', () => {
  it('builds on no shadow that another program wrote to, or that is gone', async () => {
    await here.remembered();
    rmSync(here.beside('state'), { recursive: true });
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('does not rely on an index lock that a killed process left', async () => {
    await here.remembered();
    const [shadow = ''] = execFileSync('ls', [here.beside('state/shadows')])
      .toString()
      .split('\n');
    writeFileSync(here.beside(`state/shadows/${shadow}/index.lock`), '');
    writeFileSync(at('src/a'), 'edited\n');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });
});
