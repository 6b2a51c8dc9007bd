import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What can become of a file of a repository: on a failing disk, in a power cut, by a careless copy or hand. */
export const damages: readonly (readonly [name: string, damage: (file: string) => void])[] = [
  ['removed', (file) => rmSync(file, { recursive: true })],
  ['emptied', (file) => replace(file, '')],
  ['garbled', (file) => replace(file, 'gar\0bage \n'.repeat(20))],
  ['a megabyte of garbage', (file) => replace(file, 'x'.repeat(1_000_000))],
  ['a directory', makeDirectory],
  ['flipped in one bit', flip],
  ['cut in half', (file) => replace(file, readFileSync(file).subarray(0, lstatSync(file).size / 2))],
];

/** What lies in a shadow: its own files and directories, and its objects. */
export function partsOf(shadow: string): { readonly own: string[]; readonly objects: string[] } {
  const all = readdirSync(shadow, { recursive: true, encoding: 'utf8' }).sort();
  const isObject = (name: string): boolean => /^objects\/(pack|[0-9a-f]{2})\//.test(name);
  return {
    own: all.filter((name) => !isObject(name) && !/^objects\/[0-9a-f]{2}$/.test(name)),
    objects: all.filter((name) => isObject(name)),
  };
}

/** The only entry of a directory that is one itself. */
export function onlyDirectory(directory: string): string {
  const [entry = ''] = readdirSync(directory).filter((name) => !name.endsWith('.lock'));
  return path.join(directory, entry);
}

/** git makes its objects read-only. */
function replace(file: string, content: string | Buffer): void {
  rmSync(file, { recursive: true });
  writeFileSync(file, content);
}

function makeDirectory(file: string): void {
  rmSync(file, { recursive: true });
  mkdirSync(path.join(file, 'in'), { recursive: true });
}

/** In the middle: headers are looked at more often than what follows. */
function flip(file: string): void {
  const content = readFileSync(file);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 0x10;
  replace(file, content);
}
