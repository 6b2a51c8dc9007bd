import path from 'node:path';
import { randomFrom, type Random } from '../fakes/random.js';

/** One path of a generated tree. Paths use `/` and are relative to its root. */
export type TreeEntry =
  | { readonly kind: 'text'; readonly path: string; readonly content: string; readonly executable: boolean }
  | { readonly kind: 'binary'; readonly path: string; readonly content: Buffer }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/**
 * A tree in the shape of a repository of source code, decided by nothing but its size and the seed: nine files to a
 * directory, most of them two to four levels deep in a tree of 1,000 and four to six in one of 100,000; half of the files
 * below 1.6 kB and a few of some hundred kB, about 4.5 kB each in the mean; text that compresses as source code does; a
 * few binaries, scripts, empty files and links.
 */
export function* generateTree(files: number, seed = 1): Generator<TreeEntry> {
  const random = randomFrom(seed);
  const words = vocabulary(random);
  const directories = makeDirectories(Math.ceil(files / 9), words, random);
  let previous: string | undefined;
  for (let index = 0; index < files; index += 1) {
    const stem = path.posix.join(pick(directories, random), `${pick(words, random)}${index}`);
    const kind = random();
    if (kind < 0.003 && previous !== undefined) {
      yield { kind: 'link', path: stem, target: path.posix.relative(path.posix.dirname(stem), previous) };
    } else if (kind < 0.03) {
      yield { kind: 'binary', path: `${stem}.png`, content: noise(sizeOf(random()), random) };
    } else {
      const executable = kind < 0.05;
      previous = `${stem}${executable ? '.sh' : '.ts'}`;
      yield { kind: 'text', path: previous, content: sourceText(sizeOf(random()), words, random), executable };
    }
  }
}

/** A share of all files, and the size in bytes that they stay below; straight lines in between. */
const sizes: readonly (readonly [share: number, bytes: number])[] = [
  [0, 0],
  [0.01, 0],
  [0.1, 250],
  [0.25, 650],
  [0.5, 1_600],
  [0.75, 4_000],
  [0.9, 9_500],
  [0.97, 16_000],
  [0.995, 45_000],
  [1, 250_000],
];

function sizeOf(share: number): number {
  const above = sizes.findIndex(([limit]) => share < limit);
  const [from, low] = sizes[above - 1] ?? [0, 0];
  const [to, high] = sizes[above] ?? [1, 0];
  return Math.round(low + ((high - low) * (share - from)) / (to - from));
}

const syllables = 'ac al ber con der dex en fi ge ho in ka lo me ne or pa que re set ti un va wor xy zo'.split(' ');

function vocabulary(random: Random): string[] {
  return Array.from({ length: 2_000 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(syllables, random)).join(''),
  );
}

/** The root is one of them. Each new one goes below the less deep of two others. */
function makeDirectories(count: number, words: readonly string[], random: Random): string[] {
  const directories = ['.'];
  const depth = (directory: string): number => directory.split('/').length;
  while (directories.length < count) {
    const [one, other] = [pick(directories, random), pick(directories, random)];
    const parent = depth(one) < depth(other) ? one : other;
    directories.push(path.posix.join(parent, `${pick(words, random)}-${directories.length}`));
  }
  return directories;
}

/**
 * Indented lines of one to nine words, common words far more often than others, and some lines more than once. At least
 * as long as asked for; none when that is nothing.
 */
function sourceText(bytes: number, words: readonly string[], random: Random): string {
  const lines: string[] = [];
  const uneven = (): number => random() ** 3;
  for (let length = 0; length < bytes;) {
    const line = lines.length > 0 && random() < 0.3 ? pick(lines, random) : newLine(words, random, uneven);
    lines.push(line);
    length += line.length;
  }
  return lines.join('');
}

function newLine(words: readonly string[], random: Random, uneven: Random): string {
  let line = '  '.repeat(Math.floor(random() * 4)) + pick(words, uneven);
  for (let more = Math.floor(random() * 9); more > 0; more -= 1) line += ` ${pick(words, uneven)}`;
  return `${line};\n`;
}

function noise(bytes: number, random: Random): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) buffer[at] = Math.floor(random() * 256);
  return buffer;
}

function pick<T>(from: readonly T[], random: Random): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}
