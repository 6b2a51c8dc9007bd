import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow, fingerprint } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept']) side.repo.write(file, `${file}\n`);
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);
const content = (file: string): string => readFileSync(there(file), 'utf8');

describe('an undo', () => {
  it('puts back what the last landing replaced; another takes that back; a sync lands the working tree again', async () => {
    const first = await side.sync();
    const before = side.there();
    side.repo.write('edited', 'a second version\n');
    side.repo.write('added', 'x\n');
    rmSync(path.join(side.repo.root, 'deleted'));
    const second = await side.sync();
    const undone = await side.asked().undo();
    expect(undone).toMatchObject({ sidecar: 'web', workspace: side.workspace, tree: first.tree, verified: true });
    expect(undone).toMatchObject({ changed: { added: 1, modified: 1, deleted: 1 }, drift: null });
    expect(side.there()).toEqual(before);
    expect((await side.asked().verify()).tree).toBe(first.tree);
    expect(await side.asked().status()).toMatchObject({ inStep: false, drift: null, landed: { tree: first.tree } });
    expect((await side.asked().undo()).tree).toBe(second.tree);
    expect(side.there()).toEqual(side.here());
    await side.asked().undo();
    expect(await side.sync()).toMatchObject({ drift: null, tree: second.tree });
    expect(side.there()).toEqual(side.here());
  });

  it('saves what has drifted since, first', async () => {
    await side.sync();
    side.repo.write('edited', 'a second version\n');
    await side.sync();
    writeFileSync(there('kept'), 'by the sidecar\n');
    writeFileSync(there('new'), 'by the sidecar\n');
    const { drift } = await side.asked().undo();
    expect(drift).toMatchObject({ added: ['new'], modified: ['kept'], deleted: [], saved: true });
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:kept`)).toBe('by the sidecar\n');
    expect([content('edited'), content('kept')]).toEqual(['edited\n', 'kept\n']);
  });

  it('puts back files that an adoption replaced', async () => {
    const theirs = { edited: 'theirs\n', other: 'theirs\n' };
    side.far('mkdir', 'app');
    for (const [file, text] of Object.entries(theirs)) writeFileSync(there(file), text);
    await side.sync({ adopt: true });
    await side.asked().undo();
    expect(readdirSync(side.workspace)).toEqual(['edited', 'other']);
    expect(content('edited')).toBe('theirs\n');
  });

  it('of a first landing leaves nothing, but ignored files', async () => {
    side.repo.write('.gitignore', 'cache\n');
    await side.sync();
    writeFileSync(there('cache'), 'built there\n');
    await side.asked().undo();
    expect(filesBelow(side.workspace)).toEqual(['cache']);
  });

  it('says so where nothing was replaced', async () => {
    await expect(side.asked().undo()).rejects.toMatchObject({ code: 'undo.unavailable' });
    await side.sync();
    side.farShadow('update-ref', '-d', 'refs/sidecar/replaced');
    await expect(side.asked().undo()).rejects.toMatchObject({ code: 'undo.unavailable' });
  });

  it('changes nothing where objects of that tree were the clone’s own and are gone', async () => {
    side.repo.commit();
    side.repo.git('clone', '-q', side.repo.root, side.workspace);
    for (const file of ['edited', 'kept', 'deleted']) side.repo.write(file, `${file} in a second version\n`);
    await side.sync();
    const objects = there('.git/objects');
    side.far('chmod', '-R', 'u+w', objects);
    rmSync(objects, { recursive: true });
    side.far('mkdir', objects);
    const before = fingerprint(side.workspace);
    await expect(side.asked().undo()).rejects.toMatchObject({ code: 'undo.unavailable' });
    expect(fingerprint(side.workspace)).toBe(before);
    side.repo.write('edited', 'a third version\n');
    expect(await side.sync()).toMatchObject({ verified: true });
    expect(side.there()).toEqual(side.here());
  });
});
