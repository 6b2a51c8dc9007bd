import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TildeFilter } from '../../../cmd/ui/tilde.js';

/** What comes of keys that arrive in these chunks: text, and escapes in brackets. */
function typed(...chunks: string[]): string {
  const filter = new TildeFilter();
  return chunks
    .flatMap((chunk) => filter.read(Buffer.from(chunk, 'latin1')))
    .map((each) => (each.kind === 'bytes' ? each.bytes.toString('latin1') : `[${each.escape}]`))
    .join('');
}

describe('a tilde', () => {
  it.each([
    ['at the very start', ['~.'], '[hang-up]'],
    ['after enter, key by key', ['ls', '\r', '~', '.'], 'ls\r[hang-up]'],
    ['before Ctrl-Z, and typing on', ['\r~\x1als'], '\r[suspend]ls'],
    ['twice in a row', ['~?~?'], '[help][help]'],
    ['before another tilde', ['~~.\r'], '~.\r'],
    ['before anything else', ['~ls\r'], '~ls\r'],
    ['before enter, and then again', ['~\r~.'], '~\r[hang-up]'],
    ['within a line', ['a~.\r'], 'a~.\r'],
  ])('%s', (_, chunks, expected) => {
    expect(typed(...chunks)).toBe(expected);
  });

  it('that is not there changes no byte, however the bytes arrive', () => {
    const bytes = fc.array(fc.uint8Array().map((chunk) => Buffer.from(chunk.filter((byte) => byte !== 0x7e))));
    fc.assert(
      fc.property(bytes, (chunks) => {
        expect(typed(...chunks.map((chunk) => chunk.toString('latin1')))).toBe(
          Buffer.concat(chunks).toString('latin1'),
        );
      }),
    );
  });
});
