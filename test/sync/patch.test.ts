import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const names = Array.from({ length: 120 }, (_, index) => `src/part-${index % 12}/file-${index}.ts`);
const linesOf = (name: string): string[] =>
  Array.from({ length: 40 }, (_, line) => `line ${line} of ${name}: ${Math.imul(line + name.length, 2654435761)}`);

/** A tree of text, which has landed. */
async function landed(): Promise<void> {
  for (const name of names) side.repo.write(name, linesOf(name).join('\n') + '\n');
  await side.sync();
}

/** Puts a line into the middle of so many files. */
function edit(count: number): void {
  for (const name of names.slice(0, count)) {
    side.repo.write(name, linesOf(name).toSpliced(20, 0, `new in ${name}`).join('\n') + '\n');
  }
}

/** A PATH on which git does not know how to apply a patch. */
function pathWithoutApply(): string {
  const before = process.env['PATH'] ?? '';
  const directory = path.join(side.home, 'bin');
  mkdirSync(directory);
  const git = `#!/bin/sh\n[ "$1" != apply ] || exit 1\nPATH='${before}' exec git "$@"\n`;
  writeFileSync(path.join(directory, 'git'), git, { mode: 0o755 });
  return `${directory}:${before}`;
}

describe('a landing of many small changes', () => {
  it('takes few bytes for each: neither files nor directories are sent as objects', async () => {
    await landed();
    edit(120);
    const { sentBytes, changed, verified } = await side.sync();
    expect({ changed, verified }).toEqual({ changed: { added: 0, modified: 120, deleted: 0 }, verified: true });
    expect(side.there()).toEqual(side.here());
    // The text takes 10 for each of these, a pack 64.
    expect(sentBytes / 120).toBeLessThan(25);
  });

  it('is exact whatever the changes are', async () => {
    const { repo } = side;
    const at = (name: string): string => path.join(repo.root, name);
    const many = (name: string): string => linesOf(name).join('\n');
    for (const name of ['moved', 'gone', 'script', 'emptied', 'torn', 'crlf', 'half', 'place/of'])
      repo.write(name, many(name));
    repo.write('filled', '');
    repo.write('empty-goes', '');
    repo.write('ends', 'no newline at the end');
    repo.write('with a space and é "quote"', many('quoted'));
    repo.write('date 2020-01-01 10:00:00', many('date'));
    repo.write(Buffer.from('latin1-\xe9\nline', 'latin1'), many('latin1'));
    repo.write('same', 'same\n'.repeat(50));
    repo.write('picture.png', randomBytes(3000));
    repo.write('becomes-link', 'a file\n');
    repo.write('becomes-directory', 'a file\n');
    repo.write('was-directory/a', many('a'));
    repo.write('-dash', many('dash'));
    repo.write('.gitattributes', '*.ts text eol=crlf ident\n*.png diff\nhalf -diff\n');
    symlinkSync('moved', at('link'));
    symlinkSync('place', at('is-link'));
    await landed();
    edit(100);
    renameSync(at('moved'), at('was moved'));
    for (const name of ['gone', 'empty-goes', 'becomes-link', 'becomes-directory', 'was-directory', 'link', 'is-link'])
      rmSync(at(name), { recursive: true });
    repo.write('script', many('script') + '\n$Id$\n', 0o755);
    repo.write('emptied', '');
    repo.write('filled', 'D gone\nM moved\n');
    repo.write('torn', many('torn') + '\r\ndiff --git a/x b/x\r@@ -1 +1 @@\n--- a/x\n');
    repo.write('crlf', linesOf('crlf').join('\r\n') + '\r\n');
    repo.write('half', linesOf('half').slice(0, 5).join('\n'));
    repo.write('ends', 'no newline at the end\nstill none');
    repo.write('with a space and é "quote"', many('quoted') + 'more');
    repo.write('date 2020-01-01 10:00:00', 'first\n' + many('date'));
    repo.write(Buffer.from('latin1-\xe9\nline', 'latin1'), Buffer.from('\xe9\n' + many('latin1'), 'latin1'));
    repo.write('same', 'same\n'.repeat(30) + 'other\n' + 'same\n'.repeat(10));
    repo.write('picture.png', randomBytes(3000));
    symlinkSync('place', at('becomes-link'));
    repo.write('becomes-directory/file', 'in it\n');
    repo.write('was-directory', 'a file\n');
    repo.write('is-link/of', 'a file\n');
    repo.write('new', '');
    repo.write('new with a long text', many('new').repeat(50));
    repo.write('nul', `text\0${'x'.repeat(9000)}`);
    repo.write('late nul', `${'x\n'.repeat(9000)}\0\n`);
    repo.write('-dash', many('dash') + '\n');
    mkdirSync(at('place/below'));
    repo.write('place/below/file', 'x');
    symlinkSync('was moved', at('link'));
    const { sentBytes: counted } = await side.sync({ dryRun: true });
    const { sentBytes, drift } = await side.sync();
    expect(side.there()).toEqual(side.here());
    // Nothing was sent in another way besides.
    expect({ sentBytes, drift }).toEqual({ sentBytes: counted, drift: null });
  });

  it('goes as objects, too, where the sidecar cannot make the tree of them', async () => {
    await landed();
    edit(120);
    side.repo.write('picture.png', randomBytes(1000));
    const { sentBytes: counted } = await side.sync({ dryRun: true });
    const { sentBytes, attempts } = await side.sync({ farEnv: { PATH: pathWithoutApply() } });
    expect(side.there()).toEqual(side.here());
    expect({ attempts, twice: sentBytes > 2 * counted }).toEqual({ attempts: 1, twice: true });
  });

  it('goes as objects where they say it in fewer bytes: a directory that moved', async () => {
    await landed();
    renameSync(path.join(side.repo.root, 'src'), path.join(side.repo.root, 'lib'));
    const { sentBytes } = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(sentBytes).toBeLessThan(500);
  });

  it('takes objects along for what is not text', async () => {
    await landed();
    edit(100);
    side.repo.write('picture.png', randomBytes(1000));
    const { sentBytes } = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(sentBytes).toBeLessThan(100 * 25 + 1000 + 500);
  });

  it('is counted by a dry run as it would travel', async () => {
    await landed();
    edit(120);
    const { sentBytes } = await side.sync({ dryRun: true });
    expect((await side.sync()).sentBytes).toBe(sentBytes);
  });
});
