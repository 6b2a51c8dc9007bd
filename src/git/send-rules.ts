import path from 'node:path';
import { literalPattern, patternSource, seenFrom, spelledDirectories } from './ignore-pattern.js';
import type { BytePath } from './path-bytes.js';

/** A pattern as a settings file has it, and where. */
export interface SendRule {
  /** Text, as written there. */
  readonly pattern: string;
  readonly file: string;
  readonly line: number;
  /** The patterns that it comes to for paths from the root of the working tree: none where it is about others only. */
  readonly seen: readonly BytePath[];
}

export type SendVerdict = { readonly kind: 'ignored' | 'included'; readonly rule: SendRule };

/**
 * What the settings say of what is sent, above all that git says: a path that `ignore` matches, itself or by a directory
 * around it, is not sent and left alone over there, also where git tracks it; else one that `include` matches is sent,
 * also where git ignores it; git decides the rest.
 */
export class SendRules {
  readonly #ignore: readonly Matcher[];
  readonly #include: readonly Matcher[];
  /** Equal for rules that say the same. */
  readonly id: string;

  constructor({ ignore, include }: { readonly ignore: readonly SendRule[]; readonly include: readonly SendRule[] }) {
    this.#ignore = ignore.map(matcher);
    this.#include = include.map(matcher);
    this.id = JSON.stringify([this.#ignore, this.#include].map((list) => list.flatMap(({ rule }) => rule.seen)));
  }

  static readonly none = new SendRules({ ignore: [], include: [] });

  get isEmpty(): boolean {
    return this.#ignore.length + this.#include.length === 0;
  }

  get ignoresSome(): boolean {
    return this.#ignore.length > 0;
  }

  /** Of a directory, with a trailing slash, or of anything else. Undefined where git decides. */
  verdict(path: BytePath): SendVerdict | undefined {
    if (this.isEmpty) return undefined;
    const ignored = lastMatch(this.#ignore, path);
    if (ignored !== undefined) return { kind: 'ignored', rule: ignored };
    const included = lastMatch(this.#include, path);
    return included === undefined ? undefined : { kind: 'included', rule: included };
  }

  ignores(path: BytePath): boolean {
    return this.#ignore.length > 0 && lastMatch(this.#ignore, path) !== undefined;
  }

  /**
   * Directories on the way to something that is included, below `prefix` and relative to it: where git ignores one of them,
   * it has to be opened. Only a pattern that spells them out opens any.
   */
  waysIn(prefix: BytePath): readonly BytePath[] {
    const ways = patternsBelow(this.#include, prefix).flatMap(spelledDirectories);
    return [...new Set(ways)].filter((way) => this.verdict(prefix + way) === undefined);
  }

  /**
   * The rules as patterns that stand above git's own, lowest first: `opened` directories (relative to `prefix`), of which
   * nothing is taken but what is included, then `include`, then `ignore`.
   */
  patterns(
    prefix: BytePath,
    opened: readonly BytePath[],
  ): { readonly include: BytePath[]; readonly ignore: BytePath[] } {
    const ways = opened.flatMap((one) => [`!/${literalPattern(one)}`, `/${literalPattern(one)}*`]);
    const included = patternsBelow(this.#include, prefix).flatMap((one) => [`!${one}`, `!${allBelow(one)}`]);
    return { include: [...ways, ...included], ignore: patternsBelow(this.#ignore, prefix) };
  }
}

/**
 * The patterns of settings files as rules about the working tree at `root`. Those of a file speak of the directory `from`,
 * which is the root or around it; without one, of the root.
 */
export function sendRulesOf(
  root: string,
  { ignore, include }: { readonly ignore: readonly Written[]; readonly include: readonly Written[] },
): SendRules {
  if (ignore.length + include.length === 0) return SendRules.none;
  const seen = ({ pattern, file, line, from = root }: Written): SendRule => {
    const below = path.relative(from, root).split(path.sep).join('/');
    return { pattern, file, line, seen: seenFrom(latin1(below === '' ? '' : `${below}/`), latin1(pattern)) };
  };
  return new SendRules({ ignore: ignore.map(seen), include: include.map(seen) });
}

type Written = Omit<SendRule, 'seen'> & { readonly from?: string };

interface Matcher {
  readonly rule: SendRule;
  readonly matches: RegExp;
}

function matcher(rule: SendRule): Matcher {
  const sources = rule.seen.map((pattern) => `(?:${patternSource(pattern)})`);
  return { rule, matches: new RegExp(sources.length === 0 ? '(?!)' : sources.join('|'), 's') };
}

const lastMatch = (matchers: readonly Matcher[], path: BytePath): SendRule | undefined =>
  matchers.findLast(({ matches }) => matches.test(path))?.rule;

const patternsBelow = (matchers: readonly Matcher[], prefix: BytePath): BytePath[] =>
  matchers.flatMap(({ rule }) => rule.seen).flatMap((pattern) => seenFrom(prefix, pattern));

/** Everything in a directory that a pattern matches. */
function allBelow(pattern: BytePath): BytePath {
  const body = pattern.replace(/\/$/, '');
  return `${body.includes('/') ? '' : '**/'}${body}/**`;
}

const latin1 = (text: string): BytePath => Buffer.from(text, 'utf8').toString('latin1');
