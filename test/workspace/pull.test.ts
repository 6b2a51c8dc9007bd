import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncRequest } from '../../src/sync/request.js';
import type { Applied } from '../../src/workspace/put-here.js';
import { filesBelow, fingerprint, manifest } from '../fakes/git-repo.js';
import { memoryTransport } from '../fakes/memory-transport.js';
import { findPart } from '../fakes/parts.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept', 'moved', 'tool', 'dir/one', 'dir/two']) {
    side.repo.write(file, `${file}\n`.repeat(5));
  }
  side.repo.write('.gitignore', 'ignored\n');
  await side.sync();
});
afterEach(() => side.remove());

const here = (file: string): string => path.join(side.repo.root, file);
const there = (file: string): string => path.join(side.workspace, file);
const content = (file: string): string => readFileSync(here(file), 'utf8');

const apply = (options: Partial<SyncRequest> = {}): Promise<Applied> =>
  side.asked(options).pull((pulled) => pulled.apply());

const conflicts = (): Promise<readonly string[]> => side.asked().pull((pulled) => pulled.conflicts());

async function patch(): Promise<Buffer> {
  return side.asked().pull(async (pulled) => {
    const chunks: Buffer[] = [];
    for await (const chunk of pulled.patch.text()) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

/** Every kind of change, over there. */
function drift(): void {
  writeFileSync(there('edited'), 'by the sidecar\r\nno newline');
  rmSync(there('deleted'));
  rmSync(there('moved'));
  writeFileSync(there('moved away'), 'moved\n'.repeat(5));
  chmodSync(there('tool'), 0o755);
  rmSync(there('dir'), { recursive: true });
  writeFileSync(there('dir'), 'a file now\n');
  mkdirSync(there('new/deep'), { recursive: true });
  writeFileSync(there('new/deep/binary'), Buffer.from([0, 0xff, 1, 0xfe]));
  symlinkSync('../nowhere', there('new/link'));
  writeFileSync(
    Buffer.concat([Buffer.from(there('') + '/'), Buffer.from('caf\xe9 "\n', 'latin1')]),
    'by the sidecar\n',
  );
}

describe('applying drift', () => {
  it('makes of the working tree what stands there, and the next sync finds them in step', async () => {
    drift();
    const before = side.there();
    const { applied } = await apply();
    expect(applied.added).toEqual(['"caf\\351 \\"\\012"', 'dir', 'moved away', 'new/deep/binary', 'new/link']);
    expect(applied.modified).toEqual(['edited', 'tool']);
    expect(applied.deleted).toEqual(['deleted', 'dir/one', 'dir/two', 'moved']);
    expect(side.here()).toEqual(side.there());
    expect(side.there()).toEqual(before);
    expect(await side.asked().status()).toMatchObject({ inStep: true, drift: null });
    expect(await side.sync()).toMatchObject({ drift: null, upToDate: true });
    expect((await side.asked().listDrift()).drift).toEqual([]);
  });

  it('turns a file into a directory, and a link into a file', async () => {
    symlinkSync('kept', here('link'));
    await side.sync();
    rmSync(there('edited'));
    mkdirSync(there('edited'));
    writeFileSync(there('edited/inner'), 'x\n');
    rmSync(there('link'));
    writeFileSync(there('link'), 'no link\n', { mode: 0o755 });
    await apply();
    expect(side.here()).toEqual(side.there());
    expect(lstatSync(here('link')).isFile()).toBe(true);
    expect(content('kept')).toBe('kept\n'.repeat(5));
  });

  it('leaves what was changed here at other paths, and who may read and write a file', async () => {
    side.repo.write('kept', 'by us\n');
    side.repo.write('mine', 'by us\n');
    chmodSync(here('edited'), 0o600);
    writeFileSync(there('edited'), 'by the sidecar\n');
    expect((await apply()).applied).toEqual({ added: [], modified: ['edited'], deleted: [] });
    expect([content('kept'), content('mine'), content('edited')]).toEqual(['by us\n', 'by us\n', 'by the sidecar\n']);
    expect(statSync(here('edited')).mode & 0o777).toBe(0o600);
    const { drift: again, changed } = await side.sync();
    expect({ again, changed }).toEqual({ again: null, changed: { added: 1, modified: 1, deleted: 0 } });
  });

  it('has nothing to do where both sides changed alike, or nothing did', async () => {
    const none = { applied: { added: [], modified: [], deleted: [] } };
    expect(await apply()).toEqual(none);
    for (const write of [there, here]) {
      writeFileSync(write('edited'), 'alike\n');
      rmSync(write('deleted'));
      writeFileSync(write('new'), 'alike\n');
    }
    const before = fingerprint(side.repo.root);
    expect(await apply()).toEqual(none);
    expect(fingerprint(side.repo.root)).toBe(before);
  });

  it('brings files of any size, and removes directories that it leaves empty', async () => {
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * at) % 251));
    writeFileSync(there('kept'), large);
    rmSync(there('dir'), { recursive: true });
    await apply();
    expect(readFileSync(here('kept')).equals(large)).toBe(true);
    expect(lstatSync(here('dir'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('takes over what a clone had before its first landing', async () => {
    side.repo.commit();
    rmSync(side.workspace, { recursive: true });
    side.repo.git('clone', '-q', side.repo.root, side.workspace);
    side.far('rm', '-rf', '.local');
    writeFileSync(there('edited'), 'by the sidecar\n');
    await apply();
    expect(content('edited')).toBe('by the sidecar\n');
  });

  it('takes over what a landing had saved, once it is restored', async () => {
    drift();
    const stood = side.there();
    await side.sync();
    await side.asked().restoreDrift(undefined);
    await apply();
    expect(side.here()).toEqual(stood);
    expect(await side.sync()).toMatchObject({ drift: null, upToDate: true });
  });

  it('takes nothing from a directory of somebody else’s', async () => {
    side.far('rm', '-rf', '.local');
    writeFileSync(there('theirs'), 'x\n');
    await expect(apply({ stateDir: side.otherState() })).rejects.toMatchObject({ code: 'sync.not_empty' });
  });
});

/** What is done there, what is done here, and which paths that concerns. */
const collisions: Readonly<Record<string, readonly [there: () => void, here: () => void, paths: readonly string[]]>> = {
  'a file that was edited on both sides': [
    () => writeFileSync(there('edited'), 'theirs\n'),
    () => writeFileSync(here('edited'), 'ours\n'),
    ['edited'],
  ],
  'a file that was deleted here': [
    () => writeFileSync(there('edited'), 'theirs\n'),
    () => rmSync(here('edited')),
    ['edited'],
  ],
  'a file that was deleted there': [
    () => rmSync(there('edited')),
    () => writeFileSync(here('edited'), 'ours\n'),
    ['edited'],
  ],
  'a file that may be run here': [
    () => writeFileSync(there('edited'), 'theirs\n'),
    () => chmodSync(here('edited'), 0o755),
    ['edited'],
  ],
  'a file that is new on both sides': [
    () => writeFileSync(there('new'), 'theirs\n'),
    () => writeFileSync(here('new'), 'ours\n'),
    ['new'],
  ],
  'a directory here, a file there': [
    () => writeFileSync(there('new'), 'theirs\n'),
    () => side.repo.write('new/inner', 'ours\n'),
    ['new'],
  ],
  'a file here, a directory there': [
    () => {
      mkdirSync(there('new'));
      writeFileSync(there('new/inner'), 'theirs\n');
    },
    () => writeFileSync(here('new'), 'ours\n'),
    ['new/inner'],
  ],
  'a directory with ignored files here, a file there': [
    () => {
      rmSync(there('dir'), { recursive: true });
      writeFileSync(there('dir'), 'theirs\n');
    },
    () => side.repo.write('dir/ignored', 'built here\n'),
    ['dir'],
  ],
  'a link out of the working tree, a directory there': [
    () => {
      mkdirSync(there('new'));
      writeFileSync(there('new/inner'), 'theirs\n');
    },
    () => symlinkSync(side.localHome, here('new')),
    ['new/inner'],
  ],
  'a repository of its own here, a file there': [
    () => writeFileSync(there('new'), 'theirs\n'),
    () => side.repo.git('init', '-q', 'new'),
    ['new'],
  ],
};

describe('a conflict', () => {
  it.for(Object.entries(collisions))(
    'over %s is refused, and nothing is touched',
    async ([, [theirs, ours, paths]]) => {
      theirs();
      writeFileSync(there('kept'), 'by the sidecar\n');
      ours();
      const before = [fingerprint(side.repo.root), fingerprint(side.workspace), fingerprint(side.localHome)];
      await expect(apply()).rejects.toMatchObject({ code: 'pull.conflict', facts: { conflicts: paths, applied: 0 } });
      expect(await conflicts()).toEqual(paths);
      expect([fingerprint(side.repo.root), fingerprint(side.workspace), fingerprint(side.localHome)]).toEqual(before);
    },
  );

  it('over a file that is ignored here is refused too', async () => {
    writeFileSync(there('.gitignore'), '');
    writeFileSync(there('ignored'), 'theirs\n');
    side.repo.write('ignored', 'ours\n');
    side.repo.write('.gitignore', 'ignored\n');
    writeFileSync(there('kept'), 'by the sidecar\n');
    side.repo.git('add', '-f', 'ignored');
    await expect(apply()).rejects.toMatchObject({ code: 'pull.conflict', facts: { conflicts: ['ignored'] } });
    expect(content('ignored')).toBe('ours\n');
  });

  it('that comes up while files are put in place loses nothing; once it is settled, the rest comes', async () => {
    for (const file of ['edited', 'kept', 'tool']) writeFileSync(there(file), 'by the sidecar\n');
    // The contents are asked for after the files here were compared, and before any is replaced.
    const env = gitThat('*" cat-file --batch "*', `printf 'ours\\n' >'${here('kept')}'`);
    const late = side.asked({ env }).pull((pulled) => pulled.apply());
    await expect(late).rejects.toMatchObject({ code: 'pull.conflict', facts: { conflicts: ['kept'], applied: 1 } });
    expect([content('edited'), content('kept')]).toEqual(['by the sidecar\n', 'ours\n']);
    expect(filesBelow(side.repo.root).filter((name) => name.includes('sidecar-pull'))).toEqual([]);
    writeFileSync(here('kept'), 'kept\n'.repeat(5));
    expect((await apply()).applied.modified).toEqual(['kept', 'tool']);
    expect(side.here()).toEqual(side.there());
  });

  it('takes away what a pull that was killed had begun to write', async () => {
    const shadows = path.join(side.stateDir, 'shadows');
    const gitDir = path.join(shadows, readdirSync(shadows).find((name) => name.endsWith('-sha1')) ?? '');
    const left = 'dir/.sidecar-pull-0123456789abcdef';
    side.repo.write(left, 'in part');
    writeFileSync(path.join(gitDir, 'sidecar-pull'), left);
    writeFileSync(there('edited'), 'by the sidecar\n');
    await apply();
    expect(side.here()).toEqual(side.there());
  });

  it('is none where another name of the same file is put in place', async () => {
    rmSync(here('kept'));
    side.repo.write('edited', 'two names\n');
    linkSync(here('edited'), here('kept'));
    await side.sync();
    for (const file of ['edited', 'kept']) writeFileSync(there(file), 'by the sidecar\n');
    await apply();
    expect(side.here()).toEqual(side.there());
  });
});

describe('the patch of drift', () => {
  it('makes of what landed what stands there', async () => {
    const copy = path.join(side.home, 'copy');
    side.far('cp', '-R', side.workspace, copy);
    drift();
    side.repo.write('kept', 'by us\n');
    const file = path.join(side.home, 'patch');
    writeFileSync(file, await patch());
    side.far('git', '-C', copy, 'apply', file);
    expect(manifest(copy, filesBelow(copy))).toEqual(side.there());
  });

  it('is empty where nothing drifted', async () => {
    side.repo.write('kept', 'by us\n');
    expect((await patch()).length).toBe(0);
  });
});

describe('what the sidecar says of its drift', () => {
  const evil = Buffer.from('evil\n');

  /** A pull from a sidecar whose git tells of other changes; `ID` is a blob that it has. */
  async function pullOf(...lines: string[]): Promise<unknown> {
    writeFileSync(there('kept'), evil);
    const id = side.repo.git('hash-object', there('kept'));
    const forged = path.join(side.home, 'forged');
    writeFileSync(forged, lines.map((line) => `${line.replace('ID', id)}\n`).join(''));
    const names = path.join(side.home, 'names');
    writeFileSync(names, lines.map((line) => `M${line.slice(line.indexOf('\t'))}\n`).join(''));
    const farEnv = gitThat('*" diff-tree -r -c "*', `cat '${names}'; exit 0`, [
      'diff-tree -r --no-renames',
      `cat '${forged}'; exit 0`,
    ]);
    const login = side.login('/bin/sh', { PATH: farEnv['PATH'] ?? '' });
    const open = (): ReturnType<SyncRequest['open']> =>
      Promise.resolve({ transport: memoryTransport(login), attempts: 1, elapsedMs: 0 });
    return apply({ open }).catch((error: unknown) => error);
  }

  const zero = '0'.repeat(40);
  const added = (name: string, mode = '100644'): string => `:000000 ${mode} ${zero} ID A\t${name}`;

  it.for([
    '../evil',
    '/tmp/evil',
    '.git/hooks/post-checkout',
    '.GIT/config',
    'dir/.git/config',
    'dir/../../evil',
    'dir//evil',
    './evil',
    '"\\056git/config"',
    '".g\\342\\200\\214it/config"',
    '"evil\\000"',
  ])('is not believed where it leads out of the tree, or into a repository: %s', async (name) => {
    const before = fingerprint(side.repo.root);
    expect(await pullOf(added(name))).toMatchObject({ code: 'sync.bad_reply' });
    expect(fingerprint(side.repo.root)).toBe(before);
    expect(lstatSync(here('../evil'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('is not believed where a file is below a link, or is of no kind that travels', async () => {
    const before = fingerprint(side.repo.root);
    expect(await pullOf(added('new', '120000'), added('new/inner'))).toMatchObject({ code: 'sync.bad_reply' });
    expect(await pullOf(added('new/inner'), added('new', '120000'))).toMatchObject({ code: 'sync.bad_reply' });
    expect(await pullOf(added('new'), added('new'))).toMatchObject({ code: 'sync.bad_reply' });
    expect(await pullOf(added('new', '160000'))).toMatchObject({ code: 'sync.bad_reply' });
    expect(await pullOf(added('.gitmodules', '120000'))).toMatchObject({ code: 'sync.bad_reply' });
    expect(fingerprint(side.repo.root)).toBe(before);
  });

  it('puts nothing through a link that is here', async () => {
    rmSync(here('dir'), { recursive: true });
    symlinkSync(side.localHome, here('dir'));
    const before = fingerprint(side.localHome);
    expect(await pullOf(added('dir/evil'))).toMatchObject({ code: 'pull.conflict' });
    expect(fingerprint(side.localHome)).toBe(before);
    expect(readlinkSync(here('dir'))).toBe(side.localHome);
  });

  it('can be believed otherwise', async () => {
    expect(await pullOf(added('new'))).toMatchObject({ applied: { added: ['new'] } });
    expect(content('new')).toBe('evil\n');
  });
});

/** An environment whose git does something before it does what it is asked for, or instead. */
function gitThat(words: string, act: string, ...more: (readonly [string, string])[]): Record<string, string> {
  const bin = path.join(side.home, 'bin');
  mkdirSync(bin, { recursive: true });
  const cases = [`${words}) ${act};;`, ...more.map(([other, does]) => `*" ${other} "*) ${does};;`)];
  const script = `case " $* " in\n${cases.join('\n')}\nesac\nexec ${findPart('git') ?? 'git'} "$@"`;
  writeFileSync(path.join(bin, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { ...side.repo.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}
