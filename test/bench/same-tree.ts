import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** Throws unless both hold the same files and links: paths, exec bits, bytes, targets. A `.git` at the top is not looked at. */
export function assertSameTree(here: string, there: string): void {
  const [mine, theirs] = [pathsBelow(here), pathsBelow(there)];
  const different = [
    ...[...mine].filter((each) => !theirs.has(each) || !isSame(path.join(here, each), path.join(there, each))),
    ...[...theirs].filter((each) => !mine.has(each)),
  ];
  if (different.length === 0) return;
  throw new Error(`${there} is not equal to ${here}: ${different.length} paths, ${different.slice(0, 5).join(', ')}`);
}

function pathsBelow(root: string): Set<string> {
  const paths = new Set<string>();
  const visit = (directory: string): void => {
    for (const entry of readdirSync(path.join(root, directory), { withFileTypes: true })) {
      const relative = path.join(directory, entry.name);
      if (relative === '.git') continue;
      if (entry.isDirectory()) visit(relative);
      else paths.add(relative);
    }
  };
  visit('');
  return paths;
}

function isSame(one: string, other: string): boolean {
  const [mine, theirs] = [lstatSync(one), lstatSync(other)];
  if (mine.isSymbolicLink() || theirs.isSymbolicLink()) {
    return mine.isSymbolicLink() && theirs.isSymbolicLink() && readlinkSync(one) === readlinkSync(other);
  }
  const isAlike =
    mine.isFile() && theirs.isFile() && mine.size === theirs.size && isProgram(mine) === isProgram(theirs);
  return isAlike && readFileSync(one).equals(readFileSync(other));
}

function isProgram(stats: { readonly mode: number }): boolean {
  return (stats.mode & 0o100) !== 0;
}
