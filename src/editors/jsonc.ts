import { createScanner, getNodeValue, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';

/** A text that is no JSON, even with comments, or not of the shape that something can be merged into. */
export class JsoncError extends Error {
  override readonly name = 'JsoncError';

  constructor(
    /** Why, in words for the user. */
    readonly reason: string,
    /** From 1. */
    readonly line: number,
    readonly column: number,
  ) {
    super(reason);
  }
}

/**
 * JSON with comments that is changed where something is added and nowhere else: its comments, its order and its looks stay.
 * Not by `modify` of jsonc-parser, which puts what it adds between the last value and the comment behind that.
 */
export class Jsonc {
  readonly #bom: string;
  #text: string;

  constructor(text: string) {
    this.#bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
    this.#text = text.slice(this.#bom.length);
    this.#tree();
  }

  get text(): string {
    return this.#bom + this.#text;
  }

  /** The node at a path of keys and indices; undefined where there is none. */
  find(...path: readonly (string | number)[]): Node | undefined {
    return path.reduce<Node | undefined>(
      (node, key) =>
        node === undefined ? undefined : typeof key === 'number' ? node.children?.[key] : property(node, key),
      this.#tree(),
    );
  }

  /** The array or the object there. Throws `JsoncError` where it is something else. */
  expect(type: 'array' | 'object', ...path: readonly (string | number)[]): Node {
    const node = this.find(...path);
    if (node?.type === type) return node;
    const what = path.length === 0 ? 'it' : `"${path.join('.')}"`;
    throw this.#error(`${what} is no ${type === 'array' ? 'array' : 'JSON object'}`, node?.offset ?? 0);
  }

  /** Puts a value behind the last one of an array. */
  push(array: Node, value: unknown): void {
    this.#append(array, (indent) => this.#print(value, indent));
  }

  /** Puts a key behind the last one of an object. */
  set(object: Node, key: string, value: unknown): void {
    this.#append(object, (indent) => `${JSON.stringify(key)}: ${this.#print(value, indent)}`);
  }

  replace(node: Node, value: unknown): void {
    this.replaceText(node, (_, indent) => this.#print(value, indent));
  }

  /** Replaces a value by a text that is made of the one that stands there, and of the indent of the line that begins it. */
  replaceText(node: Node, change: (text: string, indent: string) => string): void {
    const { offset } = node;
    const end = offset + node.length;
    const changed = change(this.#text.slice(offset, end), this.#indentAt(offset));
    this.#text = this.#text.slice(0, offset) + changed + this.#text.slice(end);
  }

  /** An object of texts, laid out as this file is. */
  printObject(members: Readonly<Record<string, string>>, indent: string): string {
    const inner = this.#eol + indent + this.#unit;
    const lines = Object.entries(members).map(([key, text]) => `${inner}${JSON.stringify(key)}: ${text}`);
    return `{${lines.join(',')}${this.#eol}${indent}}`;
  }

  #tree(): Node {
    const errors: ParseError[] = [];
    const tree = parseTree(this.#text, errors, { allowTrailingComma: true });
    const [error] = errors;
    if (error !== undefined) throw this.#error(`it is not JSON (${words(error)})`, error.offset);
    if (tree === undefined) throw this.#error('it is not JSON', 0);
    return tree;
  }

  #append(container: Node, member: (indent: string) => string): void {
    const last = container.children?.at(-1);
    const closing = container.offset + container.length - 1;
    const end = last === undefined ? container.offset + 1 : last.offset + last.length;
    const tail = this.#text.slice(end, closing);
    const outer = this.#indentAt(container.offset);
    const indent =
      last !== undefined && this.#beginsLine(last.offset) ? this.#indentAt(last.offset) : outer + this.#unit;
    const comma = last === undefined || hasComma(tail) ? '' : ',';
    this.#text =
      this.#text.slice(0, end) +
      comma +
      tail.trimEnd() +
      this.#eol +
      indent +
      member(indent) +
      this.#eol +
      outer +
      this.#text.slice(closing);
  }

  #print(value: unknown, indent: string): string {
    return JSON.stringify(value, null, this.#unit).replaceAll('\n', this.#eol + indent);
  }

  get #eol(): string {
    return this.#text.includes('\r\n') ? '\r\n' : '\n';
  }

  /** What one level is set off by: as the first line that is. */
  get #unit(): string {
    return /^(\t|[ ]+)(?=["{[])/m.exec(this.#text)?.[1] ?? '  ';
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #indentAt(offset: number): string {
    return /^[ \t]*/.exec(this.#text.slice(this.#lineStart(offset)))?.[0] ?? '';
  }

  #beginsLine(offset: number): boolean {
    return this.#text.slice(this.#lineStart(offset), offset).trim() === '';
  }

  #error(reason: string, offset: number): JsoncError {
    const before = this.#text.slice(0, offset);
    return new JsoncError(reason, before.split('\n').length, offset - this.#lineStart(offset) + 1);
  }
}

/** The value of a node. */
export const valueOf = (node: Node): unknown => getNodeValue(node) as unknown;

/** Whether two JSON values say the same; the order of keys says nothing. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return sorted(one) === sorted(other);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function property(node: Node, key: string): Node | undefined {
  if (node.type !== 'object') return undefined;
  return node.children?.find((each) => each.children?.[0]?.value === key)?.children?.[1];
}

/** Whether a comma stands between the last value and the end: one in a comment is none. */
function hasComma(tail: string): boolean {
  const scanner = createScanner(tail, true);
  scanner.scan();
  return tail[scanner.getTokenOffset()] === ',';
}

/** `PropertyNameExpected` as words. */
function words({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
}
