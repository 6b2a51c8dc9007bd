import type { BytePath } from './path-bytes.js';

/**
 * A regular expression that tells whether a path, or a directory on the way to it, matches a pattern of gitignore(5), as
 * git's own matching does, odd cases included. Directories end in a slash. No `!` in front, and no line of a file: blanks
 * at the end and a leading `#` are what they look like.
 */
export function patternSource(pattern: BytePath): string {
  const { body, isBound, directoryOnly } = parse(pattern);
  if (body === '') return never;
  const matched = isBound ? `(?:${plainly(body).map(boundGlob).join('|')})` : nameGlob(body);
  return `^${isBound ? '' : '(?:.*/)?'}${matched}${directoryOnly ? '/' : '(?:/|$)'}`;
}

/** The directories that a pattern spells out before the first one with a wildcard, from the top, each with a slash. */
export function spelledDirectories(pattern: BytePath): BytePath[] {
  const { body, isBound } = parse(pattern);
  if (!isBound) return [];
  const directories: BytePath[] = [];
  let before = '';
  for (const part of body.split('/').slice(0, -1)) {
    if (hasWildcard(part)) break;
    before += `${part}/`;
    directories.push(before);
  }
  return directories;
}

/** What a pattern means to somebody who only knows the paths below a directory (with a trailing slash, or empty). */
export function seenFrom(directory: BytePath, pattern: BytePath): BytePath[] {
  const { body, isBound, directoryOnly } = parse(pattern);
  if (directory === '') return [pattern];
  if (!isBound) {
    const isOnTheWay = new RegExp(patternSource(pattern), 's').test(directory);
    return isOnTheWay ? [everything] : [pattern];
  }
  const directories = directory.slice(0, -1).split('/');
  const rests = plainly(body).flatMap((one) => restsOf(one.split('/'), directories));
  return [
    ...new Set(rests.map((rest) => (rest === 'all' ? everything : `/${rest.join('/')}${directoryOnly ? '/' : ''}`))),
  ];
}

/** A path as a pattern that matches nothing else. */
export const literalPattern = (path: BytePath): BytePath => path.replace(/[\\*?[ ]/g, '\\$&');

const everything = '/**';

const never = '(?!)';

const hasWildcard = (text: string): boolean => /[*?[\\]/.test(text);

/** A pattern with a slash before its end is bound to where it stands, one without matches at any depth. */
function parse(pattern: BytePath): {
  readonly body: string;
  readonly isBound: boolean;
  readonly directoryOnly: boolean;
} {
  const directoryOnly = pattern.endsWith('/');
  const body = directoryOnly ? pattern.slice(0, -1) : pattern;
  return { body: body.replace(/^\//, ''), isBound: body.includes('/'), directoryOnly };
}

/** What is left of a pattern below a directory: `all` where it matches that, or one around it. */
function restsOf(pattern: readonly string[], directories: readonly string[]): (readonly string[] | 'all')[] {
  const [first = '', ...others] = pattern;
  const [next, ...deeper] = directories;
  if (next === undefined) return [pattern];
  const isLast = others.length === 0;
  if (/^\*\*+$/.test(first)) {
    return isLast ? ['all'] : [...restsOf(others, directories), ...restsOf(pattern, deeper)];
  }
  if (!new RegExp(`^${boundGlob(first)}$`, 's').test(next)) return [];
  return isLast ? ['all'] : restsOf(others, deeper);
}

const nameGlob = (body: string): string => globSource(body, () => false);

const boundGlob = (body: string): string => globSource(body, (at) => at === 0 || body[at - 1] === '/');

/**
 * git compares what comes before the first wildcard as it is, and looks at the rest as if it began there: `a**` + `/b` is
 * what `a*` + `/**` + `/b` is, and `ab`. The same in patterns that need no such rule.
 */
function plainly(body: string): string[] {
  const start = body.search(/[*?[\\]/);
  const stars = /^\*\*+(?=$|\\?\/)/.exec(body.slice(Math.max(start, 0)))?.[0].length ?? 0;
  if (stars === 0 || start <= 0 || body[start - 1] === '/') return [body];
  const [before, after] = [body.slice(0, start), body.slice(start + stars)];
  if (after === '') return [`${before}*`];
  if (after.startsWith('\\')) return [`${before}*/**/${after.slice(2)}`];
  return [before + after.slice(1), `${before}*/**${after}`];
}

/** `mayCross` tells whether stars at a place may stand for directories, if what follows them allows it too. */
function globSource(body: string, mayCross: (at: number) => boolean): string {
  let source = '';
  for (let at = 0; at < body.length;) {
    const char = body[at] ?? '';
    if (char === '*') {
      const stars = /^\*+/.exec(body.slice(at))?.[0].length ?? 1;
      const rest = body.slice(at + stars);
      if (stars > 1 && mayCross(at) && /^(?:$|\/|\\\/)/.test(rest)) {
        const withSlash = rest.startsWith('/');
        source += withSlash ? '(?:.*/)?' : '.*';
        at += stars + (withSlash ? 1 : 0);
      } else {
        source += '[^/]*';
        at += stars;
      }
    } else if (char === '?') {
      source += '[^/]';
      at += 1;
    } else if (char === '[') {
      const found = characterClass(body, at);
      if (found === undefined) return never;
      source += `(?!/)${found.source}`;
      at = found.end;
    } else if (char === '\\') {
      if (at + 1 === body.length) return never;
      source += literal(body[at + 1] ?? '');
      at += 2;
    } else {
      source += literal(char);
      at += 1;
    }
  }
  return source;
}

const literal = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

const namedClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-/:-@\\[-`{-~',
  space: ' \\t-\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** `[a-z]`, `[!a-z]`, `[^]]`, `[[:alpha:]_]`; undefined where it has no end. */
function characterClass(body: string, start: number): { readonly source: string; readonly end: number } | undefined {
  let at = start + 1;
  const isNegated = body[at] === '!' || body[at] === '^';
  if (isNegated) at += 1;
  const first = at;
  let members = '';
  /** What a range may begin with. It is a member of its own, also of one that runs backwards. */
  let previous = '';
  for (; at === first || body[at] !== ']'; at += 1) {
    const named = /^\[:([^\]]*):\]/.exec(body.slice(at));
    if (named !== null) {
      const inside = namedClasses[named[1] ?? ''];
      if (inside === undefined) return undefined;
      members += inside;
      at += named[0].length - 1;
      previous = '';
      continue;
    }
    const isRange = body[at] === '-' && previous !== '' && ![undefined, ']'].includes(body[at + 1]);
    if (isRange) at += 1;
    if (body[at] === '\\') at += 1;
    const char = body[at];
    if (char === undefined) return undefined;
    if (!isRange) members += literal(char);
    else if (previous <= char) members += `${literal(previous)}-${literal(char)}`;
    previous = isRange ? '' : char;
  }
  return { source: `[${isNegated ? '^' : ''}${members}]`, end: at + 1 };
}
