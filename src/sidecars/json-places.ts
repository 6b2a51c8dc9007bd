import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';

/** A place in a text, both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

export type JsonPath = readonly (string | number)[];

/** Where the parts of a JSON text stand: for messages, and loaded only for them. */
export class JsonPlaces {
  readonly #text: string;
  readonly #errors: ParseError[] = [];
  readonly #root: Node | undefined;

  constructor(text: string) {
    this.#text = text;
    try {
      this.#root = parseTree(text, this.#errors, { disallowComments: true, allowTrailingComma: false });
    } catch (error) {
      // Nested deeper than anything that a person writes.
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** Of a value, or of the key that it belongs to. Undefined where there is none. */
  at(path: JsonPath, { key = false } = {}): TextPlace | undefined {
    const node = this.#root === undefined ? undefined : findNodeAtLocation(this.#root, [...path]);
    const named = key && node?.parent?.type === 'property' ? node.parent : node;
    return named === undefined ? undefined : placeOf(this.#text, named.offset);
  }

  /** The first place at which the text is no JSON, and why. */
  fault(): { readonly place: TextPlace; readonly reason: string } | undefined {
    const [first] = this.#errors;
    if (first === undefined) return undefined;
    const text = this.#text;
    const before = text.slice(0, first.offset).trimEnd();
    if (before.endsWith(',') && /[}\]]/.test(text[first.offset] ?? '')) {
      return { place: placeOf(text, before.length - 1), reason: 'it is not JSON: a comma after the last one' };
    }
    const reason = reasons[printParseErrorCode(first.error)] ?? 'it is not JSON';
    return { place: placeOf(text, Math.min(first.offset, text.trimEnd().length)), reason };
  }
}

const reasons: Readonly<Record<string, string>> = {
  InvalidCommentToken: 'it is not JSON: a comment',
  CommaExpected: 'it is not JSON: a comma is missing',
  ColonExpected: 'it is not JSON: a colon is missing',
  CloseBraceExpected: 'it is not JSON: a brace is not closed',
  CloseBracketExpected: 'it is not JSON: a bracket is not closed',
  PropertyNameExpected: 'it is not JSON: a key in double quotes is missing',
  ValueExpected: 'it is not JSON: a value is missing',
  UnexpectedEndOfString: 'it is not JSON: a string is not closed',
};

function placeOf(text: string, offset: number): TextPlace {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
