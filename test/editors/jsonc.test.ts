import { describe, expect, it } from 'vitest';
import { isSameJson, Jsonc, JsoncError } from '../../src/editors/jsonc.js';

/** The text with 1 pushed to its only array. */
function pushed(text: string): string {
  const file = new Jsonc(text);
  file.push(file.expect('array', 'list'), { a: 1 });
  return file.text;
}

describe('a value that is put behind the last one', () => {
  it.each([
    ['in an empty list', '{\n  "list": []\n}\n', '{\n  "list": [\n    {\n      "a": 1\n    }\n  ]\n}\n'],
    [
      'behind a comment that stands alone',
      '{\n  "list": [\n    // none\n  ]\n}',
      '{\n  "list": [\n    // none\n    {\n      "a": 1\n    }\n  ]\n}',
    ],
    [
      'behind the comment of the last one',
      '{\n  "list": [\n    2 // two\n  ]\n}',
      '{\n  "list": [\n    2, // two\n    {\n      "a": 1\n    }\n  ]\n}',
    ],
    [
      'behind a comma',
      '{\n  "list": [\n    2, // two\n  ]\n}',
      '{\n  "list": [\n    2, // two\n    {\n      "a": 1\n    }\n  ]\n}',
    ],
    [
      'behind a comma in a comment',
      '{\n  "list": [\n    2 // one, two\n  ]\n}',
      '{\n  "list": [\n    2, // one, two\n    {\n      "a": 1\n    }\n  ]\n}',
    ],
    ['with tabs', '{\n\t"list": [\n\t\t2\n\t]\n}', '{\n\t"list": [\n\t\t2,\n\t\t{\n\t\t\t"a": 1\n\t\t}\n\t]\n}'],
    [
      'with four spaces',
      '{\n    "list": [\n        2\n    ]\n}',
      '{\n    "list": [\n        2,\n        {\n            "a": 1\n        }\n    ]\n}',
    ],
    [
      'with the line ends of Windows',
      '{\r\n  "list": []\r\n}\r\n',
      '{\r\n  "list": [\r\n    {\r\n      "a": 1\r\n    }\r\n  ]\r\n}\r\n',
    ],
    ['in a list on one line', '{ "list": [2] }', '{ "list": [2,\n  {\n    "a": 1\n  }\n] }'],
    ['with a byte order mark', '\uFEFF{ "list": [] }', '\uFEFF{ "list": [\n  {\n    "a": 1\n  }\n] }'],
  ])('stands %s', (_, text, expected) => {
    expect(pushed(text)).toBe(expected);
  });

  it('may be a key, and stands behind the comment of the last one', () => {
    const file = new Jsonc('{\n  "a": 1 // one\n  // the end\n}\n');
    file.set(file.expect('object'), 'b', 2);
    expect(file.text).toBe('{\n  "a": 1, // one\n  // the end\n  "b": 2\n}\n');
  });
});

describe('a text that nothing can be merged into', () => {
  it.each([
    ['{\n  "list": [,]\n}', 2, 12, 'it is not JSON (value expected)'],
    ['{\n  "list": 3\n}', 2, 11, '"list" is no array'],
    ['// nothing\n', 2, 1, 'it is not JSON'],
    ['[]', 1, 1, '"list" is no array'],
  ])('is refused with the place of what is wrong: %j', (text, line, column, reason) => {
    expect(() => pushed(text)).toThrow(expect.objectContaining({ name: 'JsoncError', line, column }));
    expect(() => pushed(text)).toThrow(JsoncError);
    expect(() => pushed(text)).toThrow(reason);
  });
});

it('two values are the same whatever the order of their keys', () => {
  expect(isSameJson({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toBe(true);
  expect(isSameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});
