import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { fingerprint, GitRepo } from '../../fakes/git-repo.js';
import { findPart } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { tried } from '../ledger.js';

// rsync 3.5.0 (August 2026) closed 33 holes, many of them files written or deleted through a link that the receiving side
// had in place of a directory; its symlink-race tests swap the two while a transfer runs.

let side: FarSide;
let outside: string;
let before: string;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['f', 'd/f', 'd/gone', 'd/deep/f', 'd/deep/er/f', 'e/f']) side.repo.write(file, `first ${file}\n`);
  side.repo.write('.gitignore', 'ignored\n');
  await side.sync();
  // The same names, in a place that no landing may touch.
  outside = path.join(side.home, 'outside');
  for (const directory of ['.', 'deep/er', 'f-as-directory']) {
    mkdirSync(path.join(outside, directory), { recursive: true });
    for (const file of ['f', 'gone', 'new']) writeFileSync(path.join(outside, directory, file), `outside ${file}\n`);
  }
  before = fingerprint(outside);
});
afterEach(() => {
  expect(fingerprint(outside)).toBe(before);
  side.remove();
});

const there = (name: string): string => path.join(side.workspace, name);

function link(name: string, target: string): void {
  rmSync(there(name), { recursive: true, force: true });
  symlinkSync(target, there(name));
}

/** Every kind of change, where the link stands and below it. */
function edit(): void {
  for (const file of ['f', 'd/f', 'd/deep/f', 'd/deep/er/f', 'e/f']) side.repo.write(file, `second ${file}\n`);
  for (const file of ['d/new', 'd/deep/new', 'd/deep/er/new', 'd/sub/new']) side.repo.write(file, 'new\n');
  rmSync(path.join(side.repo.root, 'd/gone'));
}

const note = (context: TestContext, fault: string, times = 1): void =>
  tried(context, { fault, where: 'in the workspace', times, outcome: 'harmless' });

async function lands(): Promise<void> {
  await side.sync();
  expect(side.there()).toEqual(side.here());
}

/** What stands there as a link, and what it leads to. */
const traps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a directory': { d: '../outside' },
  'a directory, by its full path': { d: '/OUTSIDE' },
  'a directory, through two links': { e: '../outside', d: 'e' },
  'a directory, to the workspace and to the root': { d: '.', e: '/' },
  'directories further down, and the ignore rules': { 'd/deep': '../../outside/deep', '.gitignore': '../outside/f' },
  'files that are to change, go and come': {
    'd/f': '../../outside/f',
    'd/gone': '../../outside/gone',
    'd/new': '../../outside/new',
    'd/sub': '../../outside',
    'd/deep/er': '../../../outside',
    'd/deep/f': '../../../outside/not yet',
    'e/f': '../../outside/f-as-directory',
  },
};

describe('a link out of the workspace', () => {
  it.for(Object.entries(traps))('in place of %s is no way out', async ([, links], context) => {
    const set = (): void => {
      for (const [name, target] of Object.entries(links)) link(name, target.replace('/OUTSIDE', outside));
    };
    set();
    await lands();
    set();
    edit();
    await lands();
    set();
    for (const gone of ['d', 'e']) rmSync(path.join(side.repo.root, gone), { recursive: true });
    await lands();
    expect((await side.sync()).upToDate).toBe(true);
    note(context, 'links in place of files and directories', 3 * Object.keys(links).length);
  });

  it('that is ignored is no way out for a tree that has files there', async (context) => {
    link('ignored', '../outside');
    side.repo.write('ignored/f', 'x\n');
    side.repo.write('ignored/new', 'x\n');
    side.repo.git('add', '-f', 'ignored');
    await lands();
    note(context, 'links in place of files and directories');
  });

  it('comes from here and becomes a directory, and the other way round', async (context) => {
    for (const round of [1, 2]) {
      rmSync(path.join(side.repo.root, 'd'), { recursive: true });
      symlinkSync('../outside', path.join(side.repo.root, 'd'));
      await lands();
      rmSync(path.join(side.repo.root, 'd'));
      side.repo.write('d/f', `round ${round}\n`);
      side.repo.write('d/deep/new', `round ${round}\n`);
      await lands();
    }
    note(context, 'links in place of files and directories');
  });
});

describe('a directory that becomes a link out of the workspace just before files are written', () => {
  /** Swaps `name` for a link to `outside` when git is about to switch the files, once. */
  function swapBeforeSwitch(name: string): Record<string, string> {
    const bin = path.join(side.home, 'bin');
    mkdirSync(bin);
    const done = path.join(bin, 'done');
    const script = `case " $* " in *" reset -q --merge "*)
      [ -e '${done}' ] || { : >'${done}'; mv '${there(name)}' '${there(name)}.moved'; ln -s '${outside}' '${there(name)}'; };;
    esac
    exec ${findPart('git') ?? 'git'} "$@"`;
    writeFileSync(path.join(bin, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  }

  it.for(['d', 'd/deep', 'd/deep/er'])(
    'is not written through, and the tree stands in the end: %s',
    async (name, context) => {
      const farEnv = swapBeforeSwitch(name);
      edit();
      const { drift } = await side.sync({ farEnv });
      expect(existsSync(path.join(side.home, 'bin/done'))).toBe(true);
      expect(drift?.saved).toBe(true);
      expect(side.there()).toEqual(side.here());
      tried(context, {
        fault: 'a directory swapped for a link',
        where: 'in the workspace, as files are written',
        times: 1,
        outcome: 'harmless',
      });
    },
  );

  it('is not deleted through', async (context) => {
    const farEnv = swapBeforeSwitch('d');
    rmSync(path.join(side.repo.root, 'd'), { recursive: true });
    await side.sync({ farEnv });
    expect(side.there()).toEqual(side.here());
    tried(context, {
      fault: 'a directory swapped for a link',
      where: 'in the workspace, as files are written',
      times: 1,
      outcome: 'harmless',
    });
  });
});

describe('a repository on the sidecar', () => {
  it('may be a link or a file that names another one, which is only read', async (context) => {
    const other = GitRepo.init(path.join(side.home, 'other'), side.localHome);
    other.write('o', 'x\n');
    other.commit();
    const untouched = fingerprint(other.root);
    for (const put of [
      () => symlinkSync('../other/.git', there('.git')),
      () => writeFileSync(there('.git'), `gitdir: ${other.root}/.git\n`),
      () => writeFileSync(there('.git'), 'gitdir: /dev/zero\n'),
      () => writeFileSync(there('.git'), 'no repository\n'),
      () => mkdirSync(there('.git')),
    ]) {
      rmSync(there('.git'), { recursive: true, force: true });
      put();
      writeFileSync(there('f'), 'drift\n');
      await lands();
      note(context, 'a repository that is elsewhere, or none');
    }
    expect(fingerprint(other.root)).toBe(untouched);
  });

  it('may name another directory as its working tree', async (context) => {
    const clone = GitRepo.init(side.workspace, side.localHome);
    clone.commit();
    clone.git('config', 'core.worktree', outside);
    edit();
    await lands();
    note(context, 'a repository that is elsewhere, or none');
    expect(readFileSync(path.join(outside, 'f'), 'utf8')).toBe('outside f\n');
  });
});
