import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { readIgnoreFiles } from '../../../src/git/ignore-files.js';
import { filesBelow, fingerprint, GitRepo } from '../../fakes/git-repo.js';
import { FarSide } from '../../sync/far-side.js';
import { forgeIndex } from './repo.js';
import { tried, type FaultOutcome } from '../ledger.js';
import { scale } from '../scale.js';

const marker = 'a-secret-of-the-user';

let side: FarSide;
let secret: string;
beforeEach(() => {
  side = new FarSide();
  secret = path.join(side.localHome, 'secret');
  writeFileSync(secret, `${marker}\n`);
  side.repo.write('f', 'x\n');
  side.repo.write('.gitignore', '*.o\n');
});
afterEach(() => {
  // Wherever it might have gone: a file, an object, a list of rules.
  expect(sentSecrets()).toBe('');
  side.remove();
});

function sentSecrets(): string {
  const script = `grep -rl ${marker} . ; for shadow in .local/state/sidecar/workspaces/*; do
    git --git-dir="$shadow" cat-file --batch-all-objects --batch 2>/dev/null; done | grep -a ${marker}`;
  return execFileSync('sh', ['-c', `{ ${script}; } || :`], { cwd: side.home, env: side.repo.env }).toString();
}

/** A sidecar that does not answer. */
const unreachable = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** The processes of git that work in a directory. */
function gitsIn(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readlinkSync(`/proc/${pid}/cwd`) === directory &&
        readFileSync(`/proc/${pid}/comm`, 'utf8') === 'git\n'
      );
    } catch {
      return false; // it has ended
    }
  });
}

const here = (name: string): string => path.join(side.repo.root, name);
const note = (context: TestContext, fault: string, outcome: FaultOutcome = 'harmless'): void =>
  tried(context, { fault, where: 'in the working tree here', times: 1, outcome });

async function lands(): Promise<void> {
  const before = fingerprint(side.repo.root);
  await side.sync();
  expect(side.there()).toEqual(side.here());
  expect(fingerprint(side.repo.root)).toBe(before);
  if (scale > 1) expect((await side.sync()).upToDate).toBe(true);
}

describe('a file of ignore rules', () => {
  it.for(['.gitignore', 'sub/.gitignore', 'nested/.gitignore'])(
    'that is a link is not read through it, as git does not: %s',
    async (name, context) => {
      GitRepo.init(here('nested'), side.localHome).write('inner', 'x\n');
      mkdirSync(here('sub'));
      rmSync(here(name), { force: true });
      symlinkSync(secret, here(name));
      await lands();
      note(context, 'ignore files that are links to secrets, devices and pipes');
    },
  );

  it.for(['.gitignore', 'sub/.gitignore', 'nested/.gitignore'])(
    'that is a link to a pipe is not waited for: %s',
    async (name, context) => {
      GitRepo.init(here('nested'), side.localHome).write('inner', 'x\n');
      mkdirSync(here('sub'));
      rmSync(here(name), { force: true });
      execFileSync('mkfifo', [`${secret}-pipe`]);
      symlinkSync(`${secret}-pipe`, here(name));
      await lands();
      note(context, 'ignore files that are links to secrets, devices and pipes');
    },
  );

  it.for(['/dev/zero', '/dev/urandom', '/proc/self/mem', '/'])(
    'that is read, and is %s, is empty',
    async (target, context) => {
      symlinkSync(target, here('link'));
      const sources = [target, here('link')].map((file) => ({ directory: '', file, followLink: true }));
      const contents = (await readIgnoreFiles(sources)).map(({ content }) => content);
      expect(Buffer.concat(contents)).toEqual(Buffer.alloc(0));
      note(context, 'ignore files that are links to secrets, devices and pipes');
    },
  );

  it.for(['.gitignore', '.gitattributes', '.git/info/exclude', 'nested/.gitignore', 'nested/.git/info/exclude'])(
    'or attributes that is a named pipe is refused by its name: %s',
    async (name, context) => {
      GitRepo.init(here('nested'), side.localHome).write('inner', 'x\n');
      rmSync(here(name), { force: true });
      execFileSync('mkfifo', [here(name)]);
      await expect(side.sync()).rejects.toMatchObject({ code: 'sync.unreadable', facts: { path: here(name) } });
      expect(existsSync(side.workspace)).toBe(false);
      rmSync(here(name));
      await lands();
      note(context, 'ignore files that are links to secrets, devices and pipes', 'refused, nothing changed');
    },
  );

  it.for(['sub/.gitignore', '.git/config'])(
    'that has git itself wait is left at Ctrl-C: a pipe called %s',
    async (name, context) => {
      mkdirSync(here('sub'));
      side.repo.write('sub/f', 'x\n');
      const kept = existsSync(here(name)) ? readFileSync(here(name)) : undefined;
      rmSync(here(name), { force: true });
      execFileSync('mkfifo', [here(name)]);
      const interrupt = new AbortController();
      const syncing = side.sync({ signal: interrupt.signal, open: unreachable });
      const refused = expect(syncing).rejects.toThrow('interrupted');
      while (gitsIn(side.repo.root).length === 0) await systemClock.sleep(10);
      interrupt.abort(new Error('interrupted'));
      await refused;
      while (gitsIn(side.repo.root).length > 0) await systemClock.sleep(10);
      rmSync(here(name));
      if (kept !== undefined) writeFileSync(here(name), kept);
      await lands();
      note(context, 'a pipe that git waits at, until Ctrl-C', 'refused, nothing changed');
    },
  );

  it('that is larger than rules ever are is refused by its name', async (context) => {
    side.repo.write('sub/.gitignore', '');
    truncateSync(here('sub/.gitignore'), 8 * 1024 * 1024);
    await expect(side.sync()).rejects.toMatchObject({
      code: 'sync.unreadable',
      facts: { path: expect.stringContaining('sub/.gitignore') as string },
    });
    rmSync(here('sub/.gitignore'));
    await lands();
    note(context, 'ignore files without end', 'refused, nothing changed');
  });
});

describe('an index that names paths which it cannot have', () => {
  it.for([
    ['below the working tree’s parent', 'aa/aaaa/secret', '../near/secret'],
    ['in the repository’s own directory', 'aaaa/hooks/x', '.git/hooks/x'],
    ['from the root', 'aetc/passwd', '/etc/passwd'],
    ['with a dot', 'a/secret', './secret'],
    ['with nothing between slashes', 'a/b/x', 'a//bx'],
    ['up and down', 'a/bb/f', 'a/../f'],
  ] as [string, string, string][])('sends nothing for them: %s', async ([, real, forged], context) => {
    for (const flag of ['--no-skip-worktree', '--skip-worktree']) {
      rmSync(here('.git/index'), { force: true });
      side.repo.write(real, `${marker}\n`);
      side.repo.git('update-index', '--add', real);
      side.repo.git('update-index', flag, real);
      rmSync(here(real.split('/')[0] ?? ''), { recursive: true });
      forgeIndex(side.repo, real, forged);
      await side.sync();
      expect(filesBelow(side.workspace)).toEqual(['.gitignore', 'f']);
    }
    note(context, 'an index with forged paths');
  });

  it('sends nothing for a path below a link, but the link', async (context) => {
    side.repo.write('link/secret', 'x\n');
    side.repo.git('add', '-A');
    rmSync(here('link'), { recursive: true });
    symlinkSync(side.localHome, here('link'));
    await side.sync();
    expect(filesBelow(side.workspace)).toEqual(['.gitignore', 'f', 'link']);
    note(context, 'an index with forged paths');
  });
});

describe('links in the working tree', () => {
  it('travel as links, whatever they lead to: the root, the repository, themselves, a pipe, nothing', async (context) => {
    const targets = [
      '/',
      '.git',
      '.git/config',
      '../..',
      '.',
      'loop',
      '/dev/zero',
      '/proc/self/environ',
      secret,
      'nowhere',
      'x'.repeat(3_000),
    ];
    targets.forEach((target, index) => symlinkSync(target, here(`l${index}`)));
    symlinkSync('loop', here('loop'));
    await lands();
    note(context, 'links to anywhere');
  });

  it('cannot make a repository hold itself: a submodule in whose place a link to its parent stands', async (context) => {
    const commit = side.repo.commit();
    for (const name of ['a', 'b', 'c']) {
      side.repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},${name}`);
      symlinkSync('.', here(name));
    }
    await lands();
    note(context, 'links to anywhere');
  });

  it('may be the repository itself, or lead a nested one to the repository around it', async (context) => {
    const commit = side.repo.commit();
    const apart = path.join(side.localHome, 'apart.git');
    execFileSync('mv', [here('.git'), apart]);
    symlinkSync(apart, here('.git'));
    mkdirSync(here('inner'));
    symlinkSync('../.git', here('inner/.git'));
    side.repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},inner`);
    writeFileSync(here('inner/of its own'), 'x\n');
    await side.sync();
    expect(filesBelow(side.workspace)).toEqual(['.gitignore', 'f', 'inner/of its own']);
    note(context, 'links to anywhere');
  });

  it('or a file in place of a submodule travel as what they are', async () => {
    const library = GitRepo.init(path.join(side.localHome, 'library'), side.localHome);
    library.write('code', 'x\n');
    library.commit();
    for (const name of ['lib', 'other']) {
      side.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.root, name);
    }
    await lands();
    for (const name of ['lib', 'other']) rmSync(here(name), { recursive: true });
    writeFileSync(here('lib'), 'a file now\n');
    symlinkSync('f', here('other'));
    await lands();
    expect(readFileSync(path.join(side.workspace, 'lib'), 'utf8')).toBe('a file now\n');
  });
});

describe('what git keeps beside objects', () => {
  it.for([
    ['commit graph', 'objects/info/commit-graph'],
    ['list of pack indexes', 'objects/pack/multi-pack-index'],
    ['list of grafts', 'info/grafts'],
    ['list of alternates', 'objects/info/alternates'],
    ['list of packs', 'objects/info/packs'],
    ['list of refs', 'packed-refs.old'],
  ] as [string, string][])('may be garbage and does not hinder a sync: the %s', async ([, name], context) => {
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.write('f', 'edited\n');
    for (const garbage of ['\0\x01garbage\n', 'CGPH\x01\x01\x04\x00' + 'x'.repeat(64), '']) {
      side.repo.write(path.join('.git', name), garbage);
      await side.sync().catch(async (error: unknown) => {
        // git itself gives up on some of it, when it looks for an object.
        expect(error).toMatchObject({ code: 'git.failed' });
        rmSync(here(path.join('.git', name)));
        await side.sync();
      });
      expect(side.there()).toEqual(side.here());
    }
    note(context, 'garbage beside the objects of the repository');
  });

  it('may be replaced objects and grafted history: neither is ours to follow', async (context) => {
    const first = side.repo.commit();
    side.repo.write('f', 'second\n');
    const second = side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.git('replace', second, first);
    writeFileSync(here('.git/info/grafts'), `${second}\n`);
    side.repo.write('f', 'third\n');
    await lands();
    note(context, 'replaced objects and grafts');
  });

  it('may be elsewhere: objects borrowed from anywhere, in a circle', async (context) => {
    side.repo.commit();
    const other = GitRepo.init(path.join(side.localHome, 'other'), side.localHome);
    other.write('g', `${marker}\n`);
    other.commit();
    writeFileSync(
      here('.git/objects/info/alternates'),
      `/\n${path.join(other.root, '.git/objects')}\n${here('.git/objects')}\n`,
    );
    writeFileSync(path.join(other.root, '.git/objects/info/alternates'), `${here('.git/objects')}\n`);
    await lands();
    note(context, 'objects borrowed from anywhere');
  });
});
