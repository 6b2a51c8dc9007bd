import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scratch, userEnv } from '../../fakes/git-repo.js';
import { Tree } from './tree.js';

/** What the user's own git calls the working tree. */
export interface Listed {
  /** Files and links that travel. */
  readonly paths: readonly string[];
  /** Nested repositories whose files are among them. */
  readonly nested: readonly string[];
  /** Submodules without a repository on the disk: nothing in them is the tree's business. */
  readonly absent: readonly string[];
}

/** Asks git in the working tree and in each repository nested in it, with paths as bytes. */
export function listed(tree: Tree, home: string): Listed {
  const leaves = new Set(tree.leaves());
  const paths = new Set<string>();
  const nested: string[] = [];
  const absent: string[] = [];
  const visit = (directory: string): void => {
    for (const name of new Set(gitIn(tree.at(directory), ['ls-files', '-co', '--exclude-standard', '-z'], home))) {
      const found = directory + name.replace(/\/$/, '');
      if (leaves.has(found)) paths.add(found);
      else if (tree.stats(found)?.isDirectory() === true) {
        if (tree.stats(found + '/.git') === undefined) absent.push(...submodulesIn(directory, found));
        else if (!nested.includes(found)) {
          nested.push(found);
          visit(found + '/');
        }
      }
    }
  };
  // What the index has as a file may be a directory by now, and is no submodule for that.
  const submodulesIn = (directory: string, found: string): string[] => {
    const rows = gitIn(tree.at(directory), ['ls-files', '-s', '-z'], home);
    const isOne = rows.some((row) => row.startsWith('160000 ') && row.endsWith(`\t${found.slice(directory.length)}`));
    return isOne ? [found] : [];
  };
  visit('');
  return { paths: [...paths].filter((one) => travels(tree, one)), nested, absent };
}

/** git itself takes no link of this name, for it would follow it. */
const travels = (tree: Tree, found: string): boolean =>
  !/(^|\/)\.gitmodules$/i.test(found) || tree.stats(found)?.isSymbolicLink() !== true;

/** Which of these paths the rules of a working tree ignore, be they there or not: those of its `ruleFiles`. */
export function ignoredBy(
  tree: Tree,
  { nested, absent }: Omit<Listed, 'paths'>,
  paths: Iterable<string>,
  ruleFiles = ignoreFiles(tree),
): Set<string> {
  const groups = new Map<string, string[]>();
  const found = new Set<string>();
  for (const one of paths) {
    if (absent.some((directory) => one.startsWith(directory + '/'))) found.add(one);
    const holders = nested.filter((directory) => one.startsWith(directory + '/'));
    const holder = holders.reduce((deepest, each) => (each.length > deepest.length ? each : deepest), '');
    groups.set(holder, [...(groups.get(holder) ?? []), one.slice(holder === '' ? 0 : holder.length + 1)]);
  }
  for (const [directory, inside] of groups) {
    const prefix = directory === '' ? '' : directory + '/';
    for (const one of ignoredIn(tree, prefix, inside, ruleFiles)) found.add(prefix + one);
  }
  return found;
}

/** git follows no link of this name. */
export const ignoreFiles = (tree: Tree): string[] =>
  tree.leaves().filter((path) => /(^|\/)\.gitignore$/.test(path) && tree.stats(path)?.isFile() === true);

/** git's answer in a copy that holds nothing but the ignore files and the paths in question. */
function ignoredIn(tree: Tree, prefix: string, paths: readonly string[], ruleFiles: readonly string[]): string[] {
  const copy = scratch();
  try {
    const git = path.join(copy.path, 'git');
    const home = path.join(copy.path, 'home');
    const root = path.join(copy.path, 'root');
    for (const directory of [home, root]) mkdirSync(directory);
    execFileSync('git', ['init', '-q', '--bare', '--template=', git], { env: userEnv(home), stdio: 'ignore' });
    const there = new Tree(root);
    for (const one of ruleFiles) if (one.startsWith(prefix)) there.put(one.slice(prefix.length), tree.read(one));
    for (const one of paths) if (there.stats(one) === undefined) there.file(one, Buffer.alloc(0));
    const exclude = path.join(copy.path, 'exclude');
    const own = tree.stats(`${prefix}.git/info/exclude`);
    writeFileSync(exclude, own === undefined ? '' : tree.read(`${prefix}.git/info/exclude`).content);
    const args = ['-c', `core.excludesFile=${exclude}`, `--git-dir=${git}`, '--work-tree=.', 'check-ignore'];
    // After `./` nothing is taken for a magic word.
    const input = Buffer.from(paths.map((one) => `./${one}\0`).join(''), 'latin1');
    const answer = gitIn(Buffer.from(root), [...args, '--no-index', '-z', '--stdin'], home, input);
    return answer.map((one) => one.slice('./'.length));
  } finally {
    copy.remove();
  }
}

/** Runs git in a directory whose name may be any bytes, and splits its answer. */
function gitIn(directory: Buffer, args: readonly string[], home: string, input?: Buffer): string[] {
  const octal = [...directory].map((byte) => '\\0' + byte.toString(8).padStart(3, '0')).join('');
  const script =
    'where=$1 && shift && cd "$(printf %b "$where/.")" && { git -c core.fsmonitor=false "$@"; [ $? -le 1 ]; }';
  const answer = execFileSync('sh', ['-c', script, 'sh', octal, ...args], {
    env: userEnv(home),
    input: input ?? '',
    maxBuffer: 1 << 26,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return answer.toString('latin1').split('\0').slice(0, -1);
}
