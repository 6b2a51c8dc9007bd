import { lstatSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Lands what is there, and what one edit made of it, and has both be the same on both sides. */
async function landTwice(edit: (round: number) => void): Promise<void> {
  edit(1);
  side.repo.commit();
  edit(2);
  expect((await side.sync()).verified).toBe(true);
  expect(side.there()).toEqual(side.here());
  edit(3);
  expect(await side.sync()).toMatchObject({ verified: true, drift: null });
  expect(side.there()).toEqual(side.here());
}

describe('a file arrives, tracked and untracked,', () => {
  // CircleCI-Public/chunk-cli: `ls-files` without -z quoted such names, and the sync ended with exit code 128.
  it.each([
    ['letters beyond ASCII, an accent apart from its letter, emoji', ['café.txt', 'cafe\u0301', '🚀.md', '👩‍🚀']],
    ['Latin-1 bytes that are no UTF-8', [latin1('caf\xe9'), latin1('\xe4/\xf6')]],
    ['tabs, quotes, newlines, backslashes', ['one\ttwo', 'quo"te', '"', 'new\nline', '\n', 'back\\slash', '\\n']],
    ['blanks at the ends, and nothing else', [' ', 'trail ', ' lead', 'in between/ /x ']],
  ])('under a name with %s', async (_, names) => {
    await landTwice((round) => {
      for (const name of names) {
        side.repo.write(name, `tracked, round ${String(round)}\n`);
        if (round > 1) side.repo.write(Buffer.concat([Buffer.from('new-'), Buffer.from(name)]), `${String(round)}\n`);
      }
    });
  });

  // Another direction of the same: what goes must go there too.
  it('any of these, and leaves when it is deleted', async () => {
    const names = ['café', latin1('caf\xe9'), 'one\ttwo', 'quo"te', 'new\nline', 'back\\slash'];
    for (const name of names) side.repo.write(name, 'x\n');
    side.repo.write('stays', 'x\n');
    await side.sync();
    for (const name of names) rmSync(Buffer.concat([Buffer.from(side.repo.root + '/'), Buffer.from(name)]));
    expect((await side.sync()).changed).toEqual({ added: 0, modified: 0, deleted: names.length });
    expect(side.far('ls', '-A', 'app')).toBe('stays\n');
  });
});

describe('contents arrive byte for byte', () => {
  // CircleCI-Public/chunk-cli: a patch kept as text, where a decoder of UTF-8 would have replaced bytes.
  it('where they are text in Latin-1', async () => {
    await landTwice((round) => side.repo.write('f.txt', latin1(`na\xefve caf\xe9\nline ${String(round)}\n`)));
  });

  // CircleCI-Public/chunk-cli#488
  it('where lines end in blanks and tabs, also when git would call that an error', async () => {
    side.repo.git('config', 'apply.whitespace', 'error-all');
    side.repo.git('config', 'core.whitespace', 'trailing-space,space-before-tab,blank-at-eof');
    await landTwice((round) => side.repo.write('f.txt', `a \t\n \t b  \n${' '.repeat(round)}\n\n\n`));
  });

  it('with any line ends or none, with lines that look like a patch, with NUL bytes, and empty', async () => {
    const texts = {
      'no-end': 'a line without its end',
      crlf: 'one\r\ntwo\r\n',
      mixed: 'one\r\ntwo\nthree\r',
      patch: '--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+y\n',
      nul: 'a\0b\0',
    };
    await landTwice((round) => {
      for (const [file, text] of Object.entries(texts)) side.repo.write(file, text + String(round));
      side.repo.write('empty', round === 3 ? 'x' : '');
      side.repo.write('emptied', round === 3 ? '' : 'x');
    });
  });

  // The settings that made the bytes on the disk and those in a patch differ, without a word.
  it('with core.autocrlf, whichever way it converts', async () => {
    for (const value of ['true', 'input']) {
      side.repo.git('config', 'core.autocrlf', value);
      await landTwice((round) => {
        side.repo.write(`${value}-crlf.txt`, `one\r\n${String(round)}\r\n`);
        side.repo.write(`${value}-lf.txt`, `one\n${String(round)}\n`);
      });
    }
  });

  it('with an encoding of the working tree', async () => {
    await landTwice((round) => {
      side.repo.write('.gitattributes', '*.txt text working-tree-encoding=UTF-16LE\n');
      side.repo.write('f.txt', Buffer.from(`sixteen bits, round ${String(round)}\n`, 'utf16le'));
    });
  });
});

describe('a symbolic link', () => {
  // NVIDIA/OpenShell#673
  it('that leads nowhere arrives as it is, and fails nothing', async () => {
    await landTwice((round) => {
      rmSync(path.join(side.repo.root, 'dangling'), { force: true });
      symlinkSync(`nowhere/${String(round)}`, path.join(side.repo.root, 'dangling'));
      side.repo.write('f', 'x\n');
    });
    expect(lstatSync(path.join(side.workspace, 'dangling')).isSymbolicLink()).toBe(true);
  });

  // Several of the security fixes of rsync 3.5.0: links on the receiving side were followed.
  it('over there, in place of a directory of the tree, is not followed: what it leads to stays as it is', async () => {
    side.repo.write('dir/f', 'from here\n');
    await side.sync();
    side.far('sh', '-c', 'mkdir outside && echo precious >outside/f && rm -r app/dir && ln -s ../outside app/dir');
    side.repo.write('dir/f', 'edited here\n');
    const { drift } = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(readFileSync(path.join(side.home, 'outside/f'), 'utf8')).toBe('precious\n');
    expect(drift?.saved).toBe(true);
  });
});
