import fc from 'fast-check';

/** Names, one character for each byte, that meet one another in small trees: some are ignored by the rules of `edits.ts`. */
const plain = ['a', 'b', 'c', 'A', 'x.o', 'keep.o', 'out'];

/** Names that shells, git, terminals and other file systems trip over. */
const odd = [
  'caf\xe9',
  'caf\xc3\xa9',
  'cafe\xcc\x81',
  '\xff\xfe',
  'new\nline',
  '\n',
  'tab\there',
  'quo"te',
  '"quoted"',
  '"',
  "apos'trophe",
  'back\\slash',
  '\\',
  '\\n',
  '-dash',
  '-',
  '--exec=x',
  ' ',
  ' lead',
  'trail ',
  'two  spaces',
  'dots...',
  '...',
  '~',
  ':',
  ':(glob)x',
  ':!x',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '#x',
  '!x',
  '$(touch pwned)',
  '`touch pwned`',
  '$HOME',
  '%s',
  '\x1b[31m',
  '\x7f',
  '\r',
  'x\r',
  'con',
  'git~1',
  '.gitmodules',
  '.gitattributes',
  '.gitx',
  '.git ',
  '.git.',
  '.gi\xe2\x80\x8ct',
  'HEAD',
  'index.lock',
  'refs',
  'objects',
  'n'.repeat(255),
];

/** The few names that all paths of one case are made of, so that its edits meet. */
export const names: fc.Arbitrary<readonly string[]> = fc.uniqueArray(
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...plain) }, { weight: 2, arbitrary: fc.constantFrom(...odd) }),
  { minLength: 2, maxLength: 4 },
);

/** A path by the numbers of its names: few are deep. */
export type Place = readonly number[];

const name = fc.nat({ max: 3 });

export const place: fc.Arbitrary<Place> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(name) },
  { weight: 4, arbitrary: fc.tuple(name, name) },
  { weight: 2, arbitrary: fc.tuple(name, name, name) },
  { weight: 1, arbitrary: fc.array(name, { minLength: 8, maxLength: 8 }) },
);

export const nameOf = (names: readonly string[], index: number): string => names[index % names.length] ?? 'a';

export const pathOf = (names: readonly string[], place: Place): string =>
  place.map((index) => nameOf(names, index)).join('/');
