import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { landHistory } from '../../src/workspace/history.js';
import { memoryTransport } from '../fakes/memory-transport.js';
import { systemClock } from '../../src/clock.js';
import { FarSide } from '../sync/far-side.js';
import type { SyncRequest } from '../../src/sync/request.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('file', 'one\n');
  side.repo.commit('first');
});
afterEach(() => side.remove());

const request = (more: Partial<SyncRequest> = {}): SyncRequest => ({
  directory: side.repo.root,
  sidecar: 'web',
  open: (_, lost) =>
    lost === undefined
      ? Promise.resolve({ transport: memoryTransport(side.login()), attempts: 1, elapsedMs: 0 })
      : Promise.reject(lost.error),
  stateDir: side.stateDir,
  env: side.repo.env,
  clock: systemClock,
  signal: new AbortController().signal,
  emit: (event) => void side.events.push(event),
  ...more,
});

/** A landing, and then the history. */
async function syncWithHistory() {
  await side.sync();
  return landHistory(request());
}

const there = (...args: string[]): string =>
  side.far('git', '-C', side.workspace, '-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', ...args).trimEnd();
const here = (...args: string[]): string => side.repo.git(...args).trimEnd();

/** What people ask a history, on either side. */
const answers = (git: (...args: string[]) => string, ...more: string[][]): string[] =>
  [['log', '--format=%H %an %s'], ['status', '--short', '--branch'], ['branch', '--show-current'], ...more].map(
    (args) => git(...args),
  );

const setOrigin = (commit = 'HEAD'): void => {
  side.repo.git('update-ref', 'refs/remotes/origin/main', commit);
  side.repo.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
};

describe('a sync with history', () => {
  it('makes the workspace a repository that answers as the one here does', async () => {
    setOrigin();
    side.repo.git('tag', '-a', 'v1', '-m', 'version 1');
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    side.repo.write('file', 'three, not committed\n');
    side.repo.write('untracked', 'x\n');
    const landed = await syncWithHistory();
    expect(landed).toEqual({ commit: here('rev-parse', 'HEAD'), branch: 'main', kept: [] });
    const asked = [['describe'], ['diff', 'origin/main...HEAD'], ['diff'], ['rev-parse', 'origin/HEAD']];
    expect(answers(there, ...asked)).toEqual(answers(here, ...asked));
    expect(there('fsck', '--strict', '--no-dangling')).toBe('');
    expect(existsSync(path.join(side.workspace, '.git/index.lock'))).toBe(false);
  });

  it('brings new commits, a new branch and tags to a clone, and leaves its files as they are', async () => {
    side.repo.git('clone', '-q', side.repo.root, side.workspace);
    side.repo.git('switch', '-q', '-c', 'topic/ünïcode');
    for (const name of ['a', 'b', 'c']) {
      side.repo.write(name, `${name}\n`);
      side.repo.commit(name);
      side.repo.git('tag', `at-${name}`);
    }
    await side.sync();
    const before = side.there();
    const landed = await landHistory(request());
    expect(landed).toMatchObject({ branch: 'topic/ünïcode', kept: [] });
    expect(side.there()).toEqual(before);
    expect(answers(there, ['describe', '--tags'], ['tag'])).toEqual(answers(here, ['describe', '--tags'], ['tag']));
    expect(there('rev-parse', 'main')).toBe(here('rev-parse', 'main'));
  });

  it('sends nothing when nothing is new, and the change when something is', async () => {
    await syncWithHistory();
    side.events.length = 0;
    await landHistory(request());
    expect(side.events).not.toContainEqual({ kind: 'sync.phase', phase: 'history' });
    there('commit', '-q', '--allow-empty', '-m', 'by the sidecar');
    expect((await landHistory(request())).kept).toHaveLength(1);
    side.repo.git('tag', 'light');
    await landHistory(request());
    expect(there('tag')).toBe('light');
  });

  it('keeps commits that exist only there under a ref, and names it', async () => {
    await syncWithHistory();
    writeFileSync(path.join(side.workspace, 'file'), 'by the sidecar\n');
    there('commit', '-q', '-a', '-m', 'one there');
    there('commit', '-q', '--allow-empty', '-m', 'two there');
    const theirs = there('rev-parse', 'HEAD');
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    const { kept } = await syncWithHistory();
    expect(kept).toEqual([{ ref: expect.stringMatching(/^refs\/sidecar\/kept\/\d{8}T\d{6}Z-/) as string, commits: 2 }]);
    expect(there('rev-parse', kept[0]?.ref ?? '')).toBe(theirs);
    expect(there('rev-parse', 'HEAD')).toBe(here('rev-parse', 'HEAD'));
    expect((await landHistory(request())).kept).toEqual([]);
  });

  it('keeps what was committed on no branch, and what was only in the index', async () => {
    await syncWithHistory();
    there('switch', '-q', '--detach');
    there('commit', '-q', '--allow-empty', '-m', 'on no branch');
    writeFileSync(path.join(side.workspace, 'staged'), 'never committed\n');
    there('add', 'staged');
    rmSync(path.join(side.workspace, 'staged'));
    const { kept } = await landHistory(request());
    expect(kept.map(({ commits }) => commits)).toEqual([1, 1]);
    expect(there('show', `${kept[1]?.ref ?? ''}:staged`)).toBe('never committed');
    expect(answers(there)).toEqual(answers(here));
  });

  it('leaves other branches there, and their commits, alone', async () => {
    await syncWithHistory();
    there('switch', '-q', '-c', 'their-own');
    there('commit', '-q', '--allow-empty', '-m', 'theirs');
    const theirs = there('rev-parse', 'HEAD');
    expect((await landHistory(request())).kept).toEqual([]);
    expect(there('rev-parse', 'their-own')).toBe(theirs);
    expect(there('branch', '--show-current')).toBe('main');
  });

  it('follows a commit that was amended, and one that was taken back', async () => {
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    await syncWithHistory();
    side.repo.git('commit', '-q', '--amend', '-m', 'second, better');
    expect((await landHistory(request())).kept).toEqual([]);
    side.repo.git('reset', '-q', '--hard', 'HEAD~1');
    await syncWithHistory();
    expect(answers(there)).toEqual(answers(here));
  });

  it('is on no branch where HEAD is on none', async () => {
    side.repo.git('switch', '-q', '--detach');
    expect(await syncWithHistory()).toMatchObject({ branch: null, commit: here('rev-parse', 'HEAD') });
    expect(() => there('symbolic-ref', '-q', 'HEAD')).toThrow();
    expect(there('rev-parse', 'HEAD')).toBe(here('rev-parse', 'HEAD'));
  });

  it('leaves a tag and a branch of a remote that stand there as they are, where ours are not newer', async () => {
    setOrigin();
    side.repo.git('tag', 'v1');
    await syncWithHistory();
    const newer = there('commit-tree', '-p', 'HEAD', '-m', 'fetched there', 'HEAD^{tree}');
    there('update-ref', 'refs/remotes/origin/main', newer);
    there('tag', '-f', 'v1', newer);
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    await syncWithHistory();
    expect([there('rev-parse', 'origin/main'), there('rev-parse', 'v1')]).toEqual([newer, newer]);
    there('update-ref', 'refs/remotes/origin/main', 'HEAD~1');
    setOrigin();
    await landHistory(request());
    expect(there('rev-parse', 'origin/main')).toBe(here('rev-parse', 'origin/main'));
  });

  it('keeps what was pushed from there, where the branch of the remote is another here', async () => {
    setOrigin();
    await syncWithHistory();
    there('commit', '-q', '--allow-empty', '-m', 'pushed from there');
    const pushed = there('rev-parse', 'HEAD');
    there('update-ref', 'refs/remotes/origin/main', pushed);
    side.repo.git('commit', '-q', '--amend', '--allow-empty', '-m', 'forced from here');
    setOrigin();
    await syncWithHistory();
    expect(there('for-each-ref', '--contains', pushed)).toContain('refs/');
  });

  it('comes to a repository that stands apart from its working tree, and to a linked one', async () => {
    const apart = path.join(side.home, 'apart.git');
    side.repo.git('clone', '-q', '--separate-git-dir', apart, side.repo.root, side.workspace);
    side.repo.commit('second');
    await syncWithHistory();
    expect(there('rev-parse', 'HEAD')).toBe(here('rev-parse', 'HEAD'));
    side.repo.git('switch', '-q', '-c', 'other');
    side.repo.commit('third');
    const linked = path.join(side.home, 'linked');
    there('worktree', 'add', '-q', '-b', 'other', linked);
    await side.sync({ workdir: 'linked' });
    expect(await landHistory(request({ workdir: 'linked' }))).toMatchObject({ branch: 'other' });
    expect(side.far('git', '-C', linked, 'rev-parse', 'HEAD').trimEnd()).toBe(here('rev-parse', 'HEAD'));
  });

  it('sends what only a history without its past needs, and one ends there where it ends here', async () => {
    for (const n of [2, 3, 4]) {
      side.repo.write('file', `${n}\n`);
      side.repo.commit(`number ${n}`);
    }
    const shallow = path.join(side.stateDir, 'shallow');
    side.repo.git('clone', '-q', '--depth', '2', `file://${side.repo.root}`, shallow);
    await side.sync({ directory: shallow });
    await landHistory(request({ directory: shallow }));
    const its = side.far('git', '-C', path.join(side.home, 'shallow'), 'log', '--format=%s');
    expect(its).toBe('number 4\nnumber 3\n');

    // A shallow clone over there, and a commit here that puts back what its past held.
    side.repo.git('clone', '-q', '--depth', '1', `file://${side.repo.root}`, side.workspace);
    side.repo.write('file', 'one\n');
    side.repo.commit('as at first');
    await syncWithHistory();
    expect(there('show', 'HEAD:file')).toBe('one');
    expect(there('log', '--format=%s', '-2')).toBe('as at first\nnumber 4');
    expect(there('fsck')).not.toContain('missing');
  });

  it('is refused while something is under way there, and the tree has landed', async () => {
    await syncWithHistory();
    mkdirSync(path.join(side.workspace, '.git/rebase-merge'));
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    await expect(syncWithHistory()).rejects.toMatchObject({ code: 'history.busy', facts: { reason: 'rebase-merge' } });
    expect(readFileSync(path.join(side.workspace, 'file'), 'utf8')).toBe('two\n');
    rmSync(path.join(side.workspace, '.git/rebase-merge'), { recursive: true });
    there('worktree', 'add', '-q', '-b', 'elsewhere', path.join(side.home, 'other'));
    side.repo.git('switch', '-q', '-c', 'elsewhere');
    await expect(landHistory(request())).rejects.toMatchObject({
      code: 'history.busy',
      facts: { reason: 'elsewhere in another working tree' },
    });
  });

  it('starts no hook of the repository there', async () => {
    await syncWithHistory();
    for (const hook of ['reference-transaction', 'post-checkout', 'post-index-change', 'update']) {
      const file = path.join(side.workspace, '.git/hooks', hook);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `#!/bin/sh\ntouch ${side.home}/started\n`, { mode: 0o755 });
    }
    side.repo.write('file', 'two\n');
    side.repo.commit('second');
    await syncWithHistory();
    expect(existsSync(path.join(side.home, 'started'))).toBe(false);
  });

  it('says so where there is no commit here, or no repository', async () => {
    for (const options of [{}, { init: false as const }]) {
      const empty = new FarSide({ name: 'empty', ...options });
      empty.repo.write('file', 'x\n');
      const directory = empty.repo.root;
      await expect(landHistory(request({ directory }))).rejects.toMatchObject({ code: 'history.unavailable' });
      empty.remove();
    }
  });

  it('ends right wherever the connection breaks, when it is done again', async () => {
    side.repo.git('tag', 'v1');
    await side.sync();
    for (let cut = 100; ; cut += 4_000) {
      side.repo.write('file', `${cut}\n`);
      side.repo.commit(`before ${cut}`);
      const broken = request({
        open: () =>
          Promise.resolve({
            transport: memoryTransport(side.login(), { sentBytes: cut }),
            attempts: 1,
            elapsedMs: 0,
          }),
        signal: AbortSignal.timeout(30_000),
      });
      let lost = 0;
      const done = await landHistory({
        ...broken,
        open: (signal, again) => {
          if (again === undefined) return broken.open(signal);
          lost += 1;
          return request().open(signal);
        },
      });
      expect(done.kept).toEqual([]);
      expect(there('rev-parse', 'HEAD')).toBe(here('rev-parse', 'HEAD'));
      if (lost === 0) break;
    }
    expect(there('fsck')).not.toContain('missing');
  });
});
