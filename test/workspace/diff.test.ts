import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncRequest } from '../../src/sync/request.js';
import { filesBelow, manifest } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept', 'moved']) side.repo.write(file, `${file}\n`.repeat(20));
  side.repo.write('dir/binary', Buffer.from([0, 1, 2, 0xff]));
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);

async function patch(options: Partial<SyncRequest> = {}): Promise<Buffer> {
  return side.asked(options).diff(async ({ patch }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of patch.text()) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

/** Every kind of change, on both sides. */
function drift(): void {
  side.repo.write('edited', 'by us\n'.repeat(3));
  side.repo.write('new here', 'x');
  rmSync(path.join(side.repo.root, 'deleted'));
  rmSync(path.join(side.repo.root, 'moved'));
  side.repo.write('moved away', 'moved\n'.repeat(20));
  writeFileSync(there('dir/binary'), Buffer.from([0xfe, 0, 1, 2]));
  writeFileSync(there('kept'), 'by the sidecar\r\nno newline');
  writeFileSync(
    Buffer.concat([Buffer.from(there('') + '/'), Buffer.from('caf\xe9 "\n', 'latin1')]),
    'by the sidecar\n',
  );
  mkdirSync(there('only there'));
  symlinkSync('nowhere', there('only there/link'));
}

describe('the difference', () => {
  it('is a patch that makes of what stands there what is here', async () => {
    await side.sync();
    drift();
    chmodSync(there('edited'), 0o755);
    const before = side.there();
    const text = await patch();
    expect(side.there()).toEqual(before);
    const copy = path.join(side.home, 'copy');
    execFileSync('cp', ['-R', side.workspace, copy]);
    execFileSync('git', ['apply', '-p1'], { cwd: copy, input: text, env: side.repo.env });
    expect(manifest(copy, filesBelow(copy))).toEqual(side.here());
    expect(text.toString()).toContain('rename from moved\nrename to moved away\n');
  });

  it('is empty in step, and whole where nothing stands there', async () => {
    const first = await patch();
    expect(first.toString().match(/^new file mode 100644$/gm)).toHaveLength(5);
    await side.sync();
    expect((await patch()).length).toBe(0);
  });

  it('brings over what this side does not have, and keeps nothing of it', async () => {
    await side.sync();
    const large = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at) % 251));
    writeFileSync(there('kept'), large);
    const text = await patch();
    expect(text.toString()).toContain('GIT binary patch');
    expect(readdirSync(path.join(side.stateDir, 'fetched'))).toEqual([]);
  });

  it('counts lines, file by file', async () => {
    await side.sync();
    drift();
    const files = await side.asked().diff(({ patch }) => patch.files());
    expect(files).toContainEqual({ path: 'edited', kind: 'modified', insertions: 3, deletions: 20 });
    expect(files).toContainEqual({ path: 'dir/binary', kind: 'modified', insertions: null, deletions: null });
    expect(files).toContainEqual({ path: '"caf\\351 \\"\\012"', kind: 'deleted', insertions: 0, deletions: 1 });
    expect(files).toContainEqual({ path: 'only there/link', kind: 'deleted', insertions: 0, deletions: 1 });
  });

  it('of somebody else’s directory is what an adoption would change', async () => {
    mkdirSync(side.workspace);
    writeFileSync(there('theirs'), 'x\n');
    expect((await patch()).toString()).toContain('deleted file mode 100644');
    expect(readdirSync(side.workspace)).toEqual(['theirs']);
  });

  it('reads what is here by no program that the repository names', async () => {
    await side.sync();
    side.repo.write('.gitattributes', '* diff=evil -text\n');
    side.repo.git('config', 'diff.evil.textconv', 'touch ran; cat');
    side.repo.git('config', 'diff.evil.command', 'touch ran; cat');
    side.repo.write('edited', 'by us\n');
    expect((await patch()).toString()).toContain('+by us\n');
    expect(readdirSync(side.repo.root)).not.toContain('ran');
  });
});
