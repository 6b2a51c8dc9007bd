import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

/** A change of every kind since the last commit. */
function change(round: number): void {
  for (const file of ['edited', 'staged', 'dir/edited', 'notes.md'])
    side.repo.write(file, `${file} ${String(round)}\n`);
  side.repo.write('binary', Buffer.from([0, 255, round]));
  side.repo.write(`untracked-${String(round)}`, 'x\n');
  side.repo.write('tool', '#!/bin/sh\n', round % 2 === 0 ? 0o755 : 0o644);
  if (round > 1) rmSync(path.join(side.repo.root, `untracked-${String(round - 1)}`), { force: true });
}

describe('a change arrives whole, and the repository stays as it is, with', () => {
  // CircleCI-Public/chunk-cli: `git diff` obeyed the user's settings, and no patch it made could be applied; with
  // `--checkout` that removed the workspace.
  it.each<[title: string, settings: Record<string, string>]>([
    ['diff.noprefix', { 'diff.noprefix': 'true' }],
    ['colours always', { 'color.ui': 'always', 'color.diff': 'always' }],
    ['a program of their own for diffs', { 'diff.external': '/bin/false', 'core.pager': '/bin/false' }],
    ['core.fileMode off', { 'core.fileMode': 'false' }],
    ['untracked files not shown', { 'status.showUntrackedFiles': 'no' }],
    [
      'another look for changes',
      { 'core.checkStat': 'minimal', 'core.trustctime': 'false', 'core.ignoreStat': 'true' },
    ],
    ['another form of index', { 'core.splitIndex': 'true', 'core.untrackedCache': 'true', 'index.version': '4' }],
    [
      'any other habit',
      {
        'diff.mnemonicPrefix': 'true',
        'diff.orderFile': '/nowhere',
        'diff.renames': 'copies',
        'diff.ignoreSubmodules': 'all',
        'apply.ignoreWhitespace': 'change',
        'core.quotePath': 'false',
        'commit.gpgSign': 'true',
        'gc.auto': '1',
      },
    ],
  ])('%s', async (_, settings) => {
    for (const [key, value] of Object.entries(settings)) side.repo.git('config', key, value);
    change(1);
    const quiet = ['-c', 'commit.gpgSign=false', '-c', 'gc.auto=0'];
    side.repo.git(...quiet, 'add', '-A');
    side.repo.git(...quiet, 'commit', '-q', '-m', 'x');
    change(2);
    side.repo.git('add', 'staged');
    const before = fingerprint(path.join(side.repo.root, '.git'));
    await side.sync();
    expect(side.there()).toEqual(side.here());
    change(3);
    expect(await side.sync()).toMatchObject({ verified: true, drift: null });
    expect(side.there()).toEqual(side.here());
    expect(fingerprint(path.join(side.repo.root, '.git'))).toBe(before);
  });

  it('a textconv that turns files into something else to read', async () => {
    side.repo.git('config', 'diff.upper.textconv', 'tr a-z A-Z <');
    side.repo.git('config', 'diff.upper.binary', 'true');
    side.repo.write('.gitattributes', '*.md diff=upper\n');
    change(1);
    side.repo.commit();
    change(2);
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  it('settings of the whole machine, in the environment and in the home directory', async () => {
    change(1);
    side.repo.commit();
    const global =
      '[diff]\n\tnoprefix = true\n\texternal = /bin/false\n[color]\n\tui = always\n[core]\n\tautocrlf = true\n';
    writeFileSync(path.join(side.localHome, '.gitconfig'), global);
    change(2);
    const env = { ...side.repo.env, GIT_EXTERNAL_DIFF: '/bin/false', GIT_DIFF_OPTS: '-u0', GIT_INDEX_FILE: '/nowhere' };
    await side.sync({ env });
    expect(side.there()).toEqual(side.here());
  });
});

describe('modes', () => {
  it('travel as far as git knows them: the exec bit does, and a file that only its owner may read is one', async () => {
    side.repo.write('secret', 'x\n', 0o600);
    side.repo.write('tool', 'x\n', 0o700);
    side.repo.write('read-only', 'x\n', 0o444);
    await side.sync();
    expect(side.there()).toEqual(side.here());
    chmodSync(path.join(side.repo.root, 'secret'), 0o644);
    expect((await side.sync()).upToDate).toBe(true);
    // tilt-dev/tilt#2300: files that cannot be written failed the update.
    side.far('chmod', '-R', 'a-w', 'app/read-only', 'app/tool');
    side.repo.write('read-only', 'edited\n', 0o444);
    side.repo.write('tool', 'edited\n', 0o700);
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});
