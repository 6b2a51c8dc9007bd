import fc from 'fast-check';

/** What does not compress, and is larger than a small pack. */
function noise(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let index = 0; index < size; index++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[index] = state >> 16;
  }
  return bytes;
}

const texts = [
  'one\n',
  'two\n',
  '',
  'one\r\n',
  'one',
  '\0\xff\xfe',
  '/* $Id$ */\n',
  '\xff\xfeo\0n\0e\0\r\0\n\0',
  '* text=auto eol=crlf ident filter=x\n*.o working-tree-encoding=UTF-16\n',
  '[submodule "a"]\n\tpath = a\n\turl = ./b\n',
  'gitdir: ../outside\n',
  'version https://git-lfs.github.com/spec/v1\n',
];

/** File contents: empty, of the same size and different, with other line ends, binary, large, and what git reads meaning into. */
const contents: readonly Buffer[] = [
  ...texts.map((text) => Buffer.from(text, 'latin1')),
  noise(1, 100_000),
  noise(2, 100_000),
  Buffer.from('line after line\n'.repeat(2_000)),
];

export const content = fc.nat({ max: contents.length - 1 });

export const contentOf = (index: number): Buffer => contents[index] ?? Buffer.alloc(0);

/** Where links lead: nowhere, to a neighbour, to a directory, out of the tree, into a repository, round in a circle. */
const targets = [
  'a',
  'b/a',
  'nowhere',
  '.',
  '..',
  '../outside',
  '../../outside',
  '/etc/passwd',
  '.git',
  'out',
  'caf\xe9\n',
  'x'.repeat(3_000),
];

export const target = fc.nat({ max: targets.length - 1 });

export const targetOf = (index: number): string => targets[index] ?? 'a';
