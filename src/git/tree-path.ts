import { toBytes, type BytePath } from './path-bytes.js';

/** Whether a tree may have a file at a path: git takes none that leads out of the working tree, or into a repository. */
export function isTreePath(path: BytePath): boolean {
  return path.split('/').every((name) => !/^(|\.|\.\.|\.git)$/i.test(name)) && !path.includes('\0');
}

/** The directories that a path leads through, the root aside. */
export function waysTo(path: BytePath): BytePath[] {
  const ways: BytePath[] = [];
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) ways.push(path.slice(0, end));
  return ways;
}

/**
 * Whether a file system takes part of the path for `.git`, although it is written in another way: HFS+ passes over some
 * characters, and NTFS over dots and spaces at the end, streams, and has short names (git's utf8.c and path.c).
 */
export function disguisesGit(path: BytePath): boolean {
  return toBytes(path)
    .toString('utf8')
    .split(process.platform === 'win32' ? /[/\\]/ : '/')
    .map((name) => name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, ''))
    .some((name) => (process.platform === 'win32' ? /^(\.git|git~1)[. ]*(:.*)?$/i : /^\.git$/i).test(name));
}
