import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'same', 'deleted']) side.repo.write(file, `${file} in HEAD\n`);
  side.repo.commit();
  side.repo.write('edited', 'edited since\n');
  side.repo.write('added', 'added since\n');
  rmSync(path.join(side.repo.root, 'deleted'));
});
afterEach(() => side.remove());

/** Whether anything was sent before the snapshot was taken, and the pack of the rest begun. */
function sentAhead(): boolean {
  const kinds = side.events.map((event) => (event.kind === 'sync.phase' ? event.phase : event.kind));
  const sending = kinds.indexOf('sync.sending');
  return sending >= 0 && sending < kinds.indexOf('pack');
}

describe('what HEAD holds', () => {
  it('is sent ahead of the snapshot where the other side has nothing, and only the snapshot lands', async () => {
    const first = await side.sync({ warm: false });
    expect(sentAhead()).toBe(true);
    expect(first).toMatchObject({ verified: true, changed: { added: 3, modified: 0, deleted: 0 }, drift: null });
    const sending = side.events.findLast((event) => event.kind === 'sync.sending');
    expect(sending).toMatchObject({ bytes: first.sentBytes, done: true });
    expect(side.there()).toEqual(side.here());
  });

  it('is all that is sent where the working tree is clean', async () => {
    side.repo.commit();
    await side.sync({ warm: false });
    expect(side.there()).toEqual(side.here());
    expect(await side.sync()).toMatchObject({ upToDate: true, sentBytes: 0 });
  });

  it('is not sent ahead in a dry run, nor where a landing stands', async () => {
    await side.sync({ warm: false, dryRun: true });
    expect(sentAhead()).toBe(false);
    await side.sync({ warm: false });
    side.repo.write('same', 'edited\n');
    side.events.length = 0;
    await side.sync({ warm: false });
    expect(sentAhead()).toBe(false);
    expect(side.there()).toEqual(side.here());
  });

  it('need not be whole here: then all that the snapshot holds is sent', async () => {
    const id = side.repo.git('rev-parse', 'HEAD:deleted').trim();
    rmSync(path.join(side.repo.root, '.git/objects', id.slice(0, 2), id.slice(2)));
    expect(await side.sync({ warm: false })).toMatchObject({ verified: true });
    expect(side.there()).toEqual(side.here());
  });

  it('is not taken in for a directory that holds something else', async () => {
    mkdirSync(side.workspace);
    writeFileSync(path.join(side.workspace, 'mine'), 'mine');
    await expect(side.sync({ warm: false })).rejects.toMatchObject({ code: 'sync.not_empty' });
    expect(side.there()).toHaveLength(1);
  });

  it('is sent again where the connection is lost meanwhile', async () => {
    side.repo.write('large', randomBytes(500_000));
    side.repo.commit();
    const { attempts } = await side.sync({ warm: false, cut: { sentBytes: 300_000 }, reconnect: true });
    expect(attempts).toBe(2);
    expect(side.there()).toEqual(side.here());
  });
});
