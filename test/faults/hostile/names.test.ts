import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, GitRepo } from '../../fakes/git-repo.js';
import { describeWith, findPart } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { Canary } from './canary.js';
import { hostileNames } from './words.js';
import { tried, type FaultTrial } from '../ledger.js';

let side: FarSide;
let canary: Canary;
let names: string[];
beforeEach(() => {
  side = new FarSide();
  canary = new Canary(path.join(side.home, '..'));
  // A path is no file name, so what would run is found on PATH.
  names = hostileNames('sing');
});
afterEach(() => {
  expect(canary.sang).toBe('');
  side.remove();
});

/** The far login, on which the canary would be found. */
const farEnv = (...first: string[]): Record<string, string> => ({
  PATH: [...first, canary.directory, process.env['PATH'] ?? ''].join(':'),
});

/** A directory with nothing in it but `sh`, which is another program's. */
function shAs(program: string): string {
  const bin = path.join(side.home, `bin-${path.basename(program)}`);
  side.far('mkdir', bin);
  side.far('ln', '-s', program, path.join(bin, 'sh'));
  return bin;
}

/** Control characters are refused in a path of the sidecar. */
const isTypeable = (name: string): boolean =>
  name.trim() !== '' && !Buffer.from(name).some((byte) => byte < 0x20 || byte === 0x7f);

const injection = (where: string, times: number): FaultTrial => ({
  fault: 'shell, option and path injection',
  where,
  times,
  outcome: 'harmless',
});

for (const shell of ['sh', 'bash', 'fish', 'tcsh', 'busybox']) {
  describeWith([shell], `a workspace whose path would run something, on a login shell that is ${shell}`, () => {
    it('is a path and nothing more', async (context) => {
      side.repo.write('f', 'x\n');
      const parts = names.filter(isTypeable);
      const login = shell === 'busybox' ? path.join(shAs(findPart('busybox') ?? shell), 'sh') : shell;
      // As many in one path as the system takes.
      for (let first = 0; first < parts.length; first += 30) {
        const workdir = path.join('w', ...parts.slice(first, first + 30));
        mkdirSync(path.dirname(path.join(side.home, workdir)), { recursive: true });
        const result = await side.sync({ workdir, shell: login, farEnv: farEnv() });
        expect(result.workspace).toBe(path.join(side.home, workdir));
        expect(readdirSync(result.workspace)).toEqual(['f']);
      }
      tried(context, injection('the path of the workspace, on 5 login shells', parts.length));
    });
  });
}

for (const program of ['dash', 'bash', 'busybox']) {
  describeWith([program], `file names that would run something, where sh is ${program}`, () => {
    it('travel, drift and go as any other', async (context) => {
      const login = path.join(shAs(findPart(program) ?? program), 'sh');
      const options = { shell: login, farEnv: farEnv(path.dirname(login)) };
      const files = [...names, ...names.slice(0, 30).map((name) => `d ${name}/${name}`)];
      for (const name of files) side.repo.write(name, `here: ${name}\n`);
      await side.sync(options);
      expect(side.there()).toEqual(side.here());

      // All of them drift, and come back.
      for (const name of files) writeFileSync(path.join(side.workspace, name), 'changed over there\n');
      const { drift } = await side.sync(options);
      expect(drift?.modified.toSorted()).toEqual(files.toSorted());
      expect(side.there()).toEqual(side.here());
      const saved = side.farShadow('ls-tree', '-rz', '--name-only', `refs/sidecar/drift/${drift?.id ?? ''}`);
      expect(saved.split('\0').slice(0, -1).toSorted()).toEqual(files.toSorted());

      // They go, and files come where directories were.
      for (const name of files) rmSync(path.join(side.repo.root, name));
      for (const name of names) side.repo.write(`d ${name}`.slice(0, 200), 'a file now\n');
      await side.sync(options);
      expect(side.there()).toEqual(side.here());
      tried(context, injection('names of files and directories, on 3 shells', files.length));
    });
  });
}

describe('branches and remotes whose names would run something', () => {
  it('are read as names on both sides', async (context) => {
    const words = [
      '$(sing)',
      '`sing`',
      "';sing;'",
      '";sing;"',
      '--upload-pack=sing',
      '-oProxyCommand=sing',
      '|sing',
      '\u202ex',
    ];
    side.repo.write('f', 'x\n');
    const commit = side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    const clone = new GitRepo(side.workspace, side.localHome);
    for (const word of words) {
      for (const repo of [side.repo, clone]) {
        writeFileSync(path.join(repo.root, '.git/refs/heads', word), `${commit}\n`);
        writeFileSync(path.join(repo.root, '.git/HEAD'), `ref: refs/heads/${word}\n`);
      }
      writeFileSync(path.join(clone.root, '.git/refs/remotes/origin', word), `${commit}\n`);
      writeFileSync(path.join(clone.root, '.git/refs/remotes/origin/HEAD'), `ref: refs/remotes/origin/${word}\n`);
      side.repo.write('f', `${word}\n`);
      const before = fingerprint(path.join(side.repo.root, '.git'));
      const { base } = await side.sync({ farEnv: farEnv(), env: { ...side.repo.env, ...farEnv() } });
      expect(base).toEqual({ ref: 'origin/HEAD', commit });
      expect(side.there()).toEqual(side.here());
      expect(fingerprint(path.join(side.repo.root, '.git'))).toBe(before);
    }
    tried(context, injection('names of branches and remotes', words.length));
  });
});

describe('a workspace whose parent directories do not exist', () => {
  it('is made with them', async () => {
    side.repo.write('f', 'x\n');
    await side.sync({ workdir: 'not/there/yet' });
    expect(readdirSync(path.join(side.home, 'not/there/yet'))).toEqual(['f']);
  });
});
