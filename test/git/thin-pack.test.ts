import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectId } from '../../src/git/object-id.js';
import { thinPack, type PackedObject } from '../../src/git/thin-pack.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
beforeEach(() => {
  place = scratch();
});
afterEach(() => place.remove());

const blob = (content: Buffer): { type: 'blob'; content: Buffer } => ({ type: 'blob', content });

/** What git makes of a pack in a repository that holds `before`, by the id of each object. */
function received(format: 'sha1' | 'sha256', before: Buffer, objects: readonly PackedObject[]): Buffer[] {
  const repo = GitRepo.init(`${place.path}/${format}`, place.path, `--object-format=${format}`);
  const options = { cwd: repo.root, env: repo.env };
  execFileSync('git', ['hash-object', '-w', '--stdin'], { ...options, input: before });
  const pack = thinPack(format, objects);
  execFileSync('git', ['unpack-objects', '-q', '--strict'], { ...options, input: pack });
  // The other way to take one in.
  execFileSync('git', ['index-pack', '--stdin', '--fix-thin', '--strict'], { ...options, input: pack });
  return objects.map(({ type, content }) =>
    execFileSync('git', ['cat-file', type, objectId(format, type, content)], { ...options, maxBuffer: 2 ** 26 }),
  );
}

const text = Buffer.from(Array.from({ length: 500 }, (_, line) => `line ${line}: ${line * 7919}\n`).join(''));
const large = randomBytes(17_000_000);

describe('a thin pack', () => {
  it.each<[string, Buffer, Buffer]>([
    ['a line in the middle', text, Buffer.concat([text.subarray(0, 4000), Buffer.from('new\n'), text.subarray(4000)])],
    ['a line less', text, Buffer.concat([text.subarray(0, 4000), text.subarray(4100)])],
    ['something before it', text, Buffer.concat([Buffer.from('first\n'), text])],
    ['something after it', text, Buffer.concat([text, Buffer.from('last\n')])],
    ['the same line twice where it was once', Buffer.from('a\na\n'), Buffer.from('a\na\na\n')],
    ['nothing in common', text, Buffer.from('something else\n')],
    ['all of it gone', text, Buffer.alloc(0)],
    ['nothing there before', Buffer.alloc(0), text],
    ['no text', randomBytes(3000), randomBytes(3000)],
    ['more than one instruction copies', large, Buffer.concat([large, Buffer.from('end')])],
    ['more than one instruction inserts', text, Buffer.concat([text, randomBytes(1000), text])],
  ])('is what git takes for the file with %s', (_, before, after) => {
    for (const format of ['sha1', 'sha256'] as const) {
      const id = objectId(format, 'blob', before);
      const packed = { ...blob(after), before: { id, content: before } };
      expect(received(format, before, [packed, blob(Buffer.from('whole'))])[0]?.equals(after)).toBe(true);
    }
  });

  it('holds no more of a file than changed', () => {
    const after = Buffer.concat([text.subarray(0, 4000), Buffer.from('new\n'), text.subarray(4000)]);
    const before = { id: objectId('sha1', 'blob', text), content: text };
    expect(thinPack('sha1', [{ ...blob(after), before }]).length).toBeLessThan(100);
  });

  it('holds a file whole where what stood there before is not at hand', () => {
    const before = { id: objectId('sha1', 'blob', text), content: undefined };
    expect(received('sha1', text, [{ ...blob(Buffer.from('new')), before }])).toEqual([Buffer.from('new')]);
  });
});
