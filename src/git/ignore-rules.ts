import type { BytePath } from './path-bytes.js';

/** One file of ignore patterns and the directory (with a trailing slash, or empty for the root) that it speaks of. */
export interface IgnoreFile {
  readonly directory: BytePath;
  readonly content: Buffer;
}

/**
 * Joins ignore files into the one list that the sidecar applies to its workspace, so that what is ignored there does not
 * hang on files that a landing is about to change. Files come in rising precedence: the last match decides, as in git.
 *
 * The rules of the pattern language are those of gitignore(5).
 */
export function joinIgnoreFiles(files: readonly IgnoreFile[], excludedDirectories: readonly BytePath[]): Buffer {
  const lines = files.flatMap(({ directory, content }) => patternsOf(content).flatMap((one) => anchor(directory, one)));
  for (const directory of excludedDirectories) {
    if (!directory.includes('\n')) lines.push('/' + escapeGlob(directory));
  }
  return Buffer.from(lines.map((line) => line + '\n').join(''), 'latin1');
}

/**
 * What stands above those rules: patterns of the settings, in lines that are comments to git and that the far side takes
 * apart, up to the first that is none. What `ignore` says there also counts for what is tracked.
 */
export function rulesAbove({ include, ignore }: { readonly include: BytePath[]; readonly ignore: BytePath[] }): Buffer {
  const lines = [...include.map((pattern) => `#above ${pattern}\n`), ...ignore.map((pattern) => `#never ${pattern}\n`)];
  return Buffer.from(lines.join(''), 'latin1');
}

/** The patterns of a file as git reads it: a byte order mark, carriage returns, comments and blank lines dropped. */
function patternsOf(content: Buffer): string[] {
  return content
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The same pattern as seen from the root: one with a slash before its end is bound to its directory, one without is not. */
function anchor(directory: BytePath, pattern: string): string[] {
  if (directory === '') return [pattern];
  if (directory.includes('\n')) return []; // a list of lines cannot say it; the file itself still applies over there
  const negated = pattern.startsWith('!');
  const body = negated ? pattern.slice(1) : pattern;
  const slash = body.indexOf('/');
  const bound = slash >= 0 && slash < body.trimEnd().length - 1;
  const below = bound ? body.replace(/^\//, '') : '**/' + body;
  return [`${negated ? '!' : ''}/${escapeGlob(directory)}${below}`];
}

const escapeGlob = (path: BytePath): string => path.replace(/[\\*?[ ]/g, '\\$&');
