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
  const isStars = (at: number): boolean => /^\*\*+$/.test(pattern[at] ?? '');
  const last = pattern.length - 1;
  // The parts that may have to match what comes next: many ways lead to each, and one is as good as another.
  let parts = new Set([0]);
  for (const directory of directories) {
    const next = new Set<number>();
    // Parts that are added on the way are gone through as well.
    for (const at of parts) {
      if (isStars(at)) {
        if (at === last) return ['all'];
        next.add(at);
        parts.add(at + 1);
      } else if (new RegExp(`^${boundGlob(pattern[at] ?? '')}$`, 's').test(directory)) {
        if (at === last) return ['all'];
        next.add(at + 1);
      }
    }
    parts = next;
  }
  return [...parts].map((at) => pattern.slice(at));
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

/** What a pattern consists of: stars within a name, stars for directories, and what stands for one character. */
type Token = { readonly kind: 'stars' | 'directories' | 'all' } | { readonly kind: 'one'; readonly source: string };

/** `mayCross` tells whether stars at a place may stand for directories, if what follows them allows it too. */
function globSource(body: string, mayCross: (at: number) => boolean): string {
  const tokens: Token[] = [];
  const one = (source: string): void => void tokens.push({ kind: 'one', source });
  for (let at = 0; at < body.length;) {
    const char = body[at] ?? '';
    if (char === '*') {
      const stars = /^\*+/.exec(body.slice(at))?.[0].length ?? 1;
      const rest = body.slice(at + stars);
      if (stars > 1 && mayCross(at) && /^(?:$|\/|\\\/)/.test(rest)) {
        const withSlash = rest.startsWith('/');
        tokens.push({ kind: withSlash ? 'directories' : 'all' });
        at += stars + (withSlash ? 1 : 0);
      } else {
        tokens.push({ kind: 'stars' });
        at += stars;
      }
    } else if (char === '?') {
      one('[^/]');
      at += 1;
    } else if (char === '[') {
      const found = characterClass(body, at);
      if (found === undefined) return never;
      one(`(?!/)${found.source}`);
      at = found.end;
    } else if (char === '\\') {
      if (at + 1 === body.length) return never;
      one(literal(body[at + 1] ?? ''));
      at += 2;
    } else {
      one(literal(char));
      at += 1;
    }
  }
  return sourceOf(tokens);
}

/**
 * Patterns come with repositories, and what backtracks may do so for years. So nothing is tried twice: what follows stars, up
 * to the next ones, is of one length (in characters, or in names), and where it is found first is as good a place as any.
 */
function sourceOf(tokens: readonly Token[]): string {
  const chunks = splitAt(tokens, 'directories');
  return chunks
    .map((chunk, at) => {
      const names = namesSource(chunk);
      if (at === 0) return names;
      const isLast = at === chunks.length - 1;
      return isLast || chunk.some(({ kind }) => kind === 'all') ? `(?:.*/)?${names}` : once(`(?:.*?/)??${names}`);
    })
    .join('');
}

function namesSource(tokens: readonly Token[]): string {
  const slash = literal('/');
  let source = '';
  let name: Token[] = [];
  const endName = (): void => {
    const pieces = splitAt(name, 'stars');
    source += pieces
      .map((piece, at) => {
        const text = piece.map((token) => (token.kind === 'one' ? token.source : '.*')).join('');
        if (at === 0) return text;
        return at === pieces.length - 1 ? `[^/]*${text}` : once(`[^/]*?${text}`);
      })
      .join('');
    name = [];
  };
  for (const token of tokens) {
    if (token.kind === 'one' && token.source === slash) {
      endName();
      source += slash;
    } else name.push(token);
  }
  endName();
  return source;
}

function splitAt(tokens: readonly Token[], kind: Token['kind']): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === kind) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

let groups = 0;

/** What is matched so is never matched otherwise, should what follows not match. */
function once(source: string): string {
  groups += 1;
  return `(?=(?<once${groups}>${source}))\\k<once${groups}>`;
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
