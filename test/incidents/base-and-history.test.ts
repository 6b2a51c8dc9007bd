import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitRepo } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';
import { workspacePath } from '../../src/sync/workspace.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const round of [1, 2, 3]) {
    side.repo.write('f', `commit ${String(round)}\n`);
    side.repo.write(`since-${String(round)}`, 'x\n');
    side.repo.commit();
  }
});
afterEach(() => side.remove());

const there = (file: string): string => readFileSync(path.join(side.workspace, file), 'utf8');
const cloneThere = (): GitRepo => {
  side.far('git', 'clone', '-q', side.repo.root, side.workspace);
  return new GitRepo(side.workspace, side.localHome);
};

describe.each([
  ['in a workspace of its own', () => undefined],
  ['in a clone over there', () => void cloneThere()],
])('%s', (_, prepare) => {
  // CircleCI-Public/chunk-cli: after that every sync ended with "Refusing to create empty bundle", for good.
  it('HEAD may move back to an older commit, and to another branch', async () => {
    prepare();
    await side.sync();
    side.repo.git('reset', '-q', '--hard', 'HEAD~2');
    expect((await side.sync()).changed).toEqual({ added: 0, modified: 1, deleted: 2 });
    expect(side.there()).toEqual(side.here());
    side.repo.git('checkout', '-q', '--orphan', 'other');
    side.repo.git('rm', '-q', '-r', '-f', '.');
    side.repo.write('another', 'tree\n');
    side.repo.commit();
    await side.sync();
    expect(side.there()).toEqual(side.here());
    side.repo.git('checkout', '-q', 'main');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  // CircleCI-Public/chunk-cli#315 and later: an empty patch returned before anything was reset over there.
  it('edits that are taken back here are taken back there', async () => {
    prepare();
    await side.sync();
    side.repo.write('f', 'edited\n');
    side.repo.write('new', 'x\n');
    rmSync(path.join(side.repo.root, 'since-1'));
    await side.sync();
    expect(there('f')).toBe('edited\n');
    side.repo.git('checkout', '-q', '--', '.');
    rmSync(path.join(side.repo.root, 'new'));
    expect(side.repo.git('status', '--porcelain')).toBe('');
    expect(await side.sync()).toMatchObject({ changed: { added: 1, modified: 1, deleted: 1 }, drift: null });
    expect(side.there()).toEqual(side.here());
  });

  // The same chain of bundles broke when history was rewritten.
  it('history may be rewritten: amended, rebased, its old commits pruned', async () => {
    prepare();
    await side.sync();
    side.repo.write('f', 'amended\n');
    side.repo.git('commit', '-q', '-a', '--amend', '-m', 'another');
    side.repo.git('reflog', 'expire', '--expire=now', '--all');
    side.repo.git('gc', '-q', '--prune=now');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});

describe('a clone over there', () => {
  // CircleCI-Public/chunk-cli#361: "push your branch", said over and over where origin/HEAD was unset.
  it('need not have origin/HEAD, nor know a commit of this branch: nobody is told to push first', async () => {
    const clone = cloneThere();
    clone.git('remote', 'set-head', 'origin', '--delete');
    side.repo.git('checkout', '-q', '-b', 'never-pushed');
    for (const round of [1, 2, 3]) {
      side.repo.write('f', `unpushed ${String(round)}\n`);
      side.repo.commit();
    }
    expect((await side.sync()).base?.ref).toBe('HEAD');
    expect(side.there()).toEqual(side.here());
  });

  // CircleCI-Public/chunk-cli: any origin but one on GitHub was "Git remote origin is required".
  it.each(['git@gitlab.example:group/sub/app.git', 'https://user@host.example:8443/~u/app', '/nowhere', ''])(
    'may have its origin at %j, which nobody asks',
    async (url) => {
      const clone = cloneThere();
      if (url === '') clone.git('remote', 'remove', 'origin');
      else clone.git('remote', 'set-url', 'origin', url);
      side.repo.write('f', 'edited\n');
      expect((await side.sync()).base).toMatchObject({ commit: side.repo.git('rev-parse', 'HEAD') });
      expect(there('f')).toBe('edited\n');
    },
  );

  // coder/coder#17463 and mutagen-io/mutagen#94: starting from an existing clone gave conflicts that nobody could end.
  it('may have moved on by itself: nothing is left to resolve, and what was done there is kept', async () => {
    const clone = cloneThere();
    clone.write('f', 'their version\n');
    clone.write('theirs', 'x\n');
    clone.commit();
    clone.write('f', 'their edit\n');
    side.repo.write('f', 'our version\n');
    const { drift } = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:f`)).toBe('their edit\n');
    expect(await side.sync()).toMatchObject({ upToDate: true, drift: null });
  });
});

describe('two who share a sidecar', () => {
  // CircleCI-Public/chunk-cli#316 and #520: two agents reset each other's checkout.
  it('from two worktrees have a workspace each, and neither sees the other', async () => {
    const linked = new GitRepo(path.join(side.repo.root, '../agent-2'), side.localHome);
    rmSync(linked.root, { recursive: true });
    side.repo.git('worktree', 'add', '-q', linked.root);
    linked.write('f', 'by the second agent\n');
    side.repo.write('f', 'by the first agent\n');
    const [first, second] = await Promise.all([side.sync(), side.sync({ directory: linked.root })]);
    expect(first.workspace).not.toBe(second.workspace);
    expect(there('f')).toBe('by the first agent\n');
    expect(side.far('cat', 'agent-2/f')).toBe('by the second agent\n');
    expect((await side.sync()).upToDate).toBe(true);
  });
});

describe('the name of a workspace', () => {
  // CircleCI-Public/chunk-cli#359: with an empty name of the repository, `rm -rf` would have had the home directory.
  it('is never empty, and so never means the home directory', async () => {
    for (const root of ['/', '//']) {
      expect(() => workspacePath(root)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
    }
    for (const workdir of ['.', './', 'x/..', '~', '~/.', '/']) {
      await expect(side.sync({ workdir, adopt: true })).rejects.toMatchObject({ code: 'sync.forbidden_workspace' });
    }
    expect(existsSync(path.join(side.home, 'f'))).toBe(false);
  });

  // CircleCI-Public/chunk-cli#299, and a fixed file in /tmp that two syncs overwrote for each other.
  it('is the only trace outside of our own state: nothing in the project, in its home or in /tmp on either side', async () => {
    const temporary = { TMPDIR: path.join(side.home, '..', 'tmp') };
    side.far('mkdir', temporary.TMPDIR);
    const before = side.far('ls', '-A', side.repo.root);
    writeFileSync(path.join(side.repo.root, 'f'), 'edited\n');
    await side.sync({ farEnv: temporary, env: { ...side.repo.env, ...temporary } });
    expect(side.far('ls', '-A', temporary.TMPDIR)).toBe('');
    expect(side.far('ls', '-A')).toBe('.local\napp\n');
    expect(side.far('ls', '-A', side.repo.root)).toBe(before);
    expect(side.far('ls', '-A', side.localHome)).toBe('');
  });
});
