import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workspacePath } from '../../src/sync/workspace.js';
import { fingerprint, GitRepo } from '../fakes/git-repo.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('f', 'x');
});
afterEach(() => side.remove());

describe('a directory that no sync may replace', () => {
  it.each(['/', '~', '.', '~/', '..', '~/x/..'])('is refused even when adopted: %s', async (workdir) => {
    mkdirSync(path.join(side.home, 'x'));
    await expect(side.sync({ workdir, adopt: true })).rejects.toMatchObject({ code: 'sync.forbidden_workspace' });
  });

  it('is refused through a link too', async () => {
    symlinkSync(side.home, path.join(side.home, 'link'));
    await expect(side.sync({ workdir: 'link', adopt: true })).rejects.toMatchObject({
      code: 'sync.forbidden_workspace',
    });
  });

  it('is this tool’s own state, and what holds it', async () => {
    for (const workdir of ['.local', '.local/state/sidecar', '.local/state/sidecar/workspaces/x']) {
      await expect(side.sync({ workdir, adopt: true })).rejects.toMatchObject({ code: 'sync.forbidden_workspace' });
    }
  });

  it('is a file', async () => {
    writeFileSync(path.join(side.home, 'app'), 'a file');
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.forbidden_workspace' });
  });
});

describe('a directory with something else in it', () => {
  it('is refused, and stays as it is', async () => {
    mkdirSync(side.workspace);
    writeFileSync(path.join(side.workspace, 'mine'), 'x');
    const before = fingerprint(side.workspace);
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.not_empty', facts: { workspace: side.workspace } });
    await expect(side.sync({ dryRun: true })).rejects.toMatchObject({ code: 'sync.not_empty' });
    expect(fingerprint(side.workspace)).toBe(before);
  });

  it('is taken over when the user says so, and what was there is saved', async () => {
    mkdirSync(side.workspace);
    writeFileSync(path.join(side.workspace, 'mine'), 'x');
    const { drift } = await side.sync({ adopt: true });
    expect(drift).toMatchObject({ added: ['mine'], saved: true });
    expect(side.far('ls', 'app')).toBe('f\n');
    expect((await side.sync()).upToDate).toBe(true);
  });

  it('is refused when another project landed there under the same name', async () => {
    await side.sync();
    const other = GitRepo.init(path.join(side.repo.root, '../elsewhere/app'), side.localHome);
    other.write('g', 'y');
    other.commit();
    await expect(side.sync({ directory: other.root })).rejects.toMatchObject({ code: 'sync.not_empty' });
  });

  it('is ours when another clone of the same project landed there', async () => {
    side.repo.commit();
    await side.sync();
    const clone = path.join(side.repo.root, '../second/app');
    side.repo.git('clone', '-q', side.repo.root, clone);
    writeFileSync(path.join(clone, 'f'), 'edited in the second clone\n');
    const result = await side.sync({ directory: clone, stateDir: side.otherState() });
    expect(result).toMatchObject({ drift: null, changed: { added: 0, modified: 1, deleted: 0 } });
    expect(side.far('cat', 'app/f')).toBe('edited in the second clone\n');
  });

  it('is ours when it holds nothing but a repository without files', async () => {
    GitRepo.init(side.workspace, side.localHome);
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});

describe('the workspace’s path', () => {
  it('is the name of the local directory at home, unless given', () => {
    expect(workspacePath('/home/ada/my app')).toBe('my app');
    expect(workspacePath('/home/ada/app', 'work/../src/app')).toBe('src/app');
    expect(workspacePath('/home/ada/app', '~/src')).toBe('src');
    expect(workspacePath('/home/ada/app', '/srv/app/')).toBe('/srv/app');
  });

  it.each(['', ' ', 'a\nb', '~root/x', 'a\x1bb'])('is refused: %j', (workdir) => {
    expect(() => workspacePath('/home/ada/app', workdir)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
  });

  it.each(['$(touch pwned)', '`touch pwned`', "it's", 'a b', '-rf', '*', 'x;y', '"q"', 'a\\b', '#x', 'é'])(
    'is a name and nothing more: %s',
    async (workdir) => {
      const result = await side.sync({ workdir });
      expect(result.workspace).toBe(path.join(side.home, workdir));
      expect(side.far('ls', '-A', '--', path.join(side.home, workdir))).toBe('f\n');
      expect(side.far('ls', '-A').split('\n').sort()).toEqual(['', '.local', workdir].sort());
      expect((await side.sync({ workdir })).upToDate).toBe(true);
    },
  );
});
