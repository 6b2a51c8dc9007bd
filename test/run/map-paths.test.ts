import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathMapper, type PathMapping } from '../../src/run/map-paths.js';

const mapping = { from: '/home/dev/app', to: '/Users/ada/my app' };

/** Whatever is held back at the end of a chunk is waited for. */
function mapChunks(chunks: readonly (string | Buffer)[], which: PathMapping = mapping): string {
  const mapper = new PathMapper(which);
  const mapped = chunks.map((chunk) => mapper.push(Buffer.from(chunk as string)));
  return Buffer.concat([...mapped, mapper.end()]).toString('latin1');
}
const map = (text: string, which?: PathMapping): string =>
  Buffer.from(mapChunks([text], which), 'latin1').toString('utf8');

describe('paths of the workspace', () => {
  it.each([
    ['/home/dev/app', '/Users/ada/my app'],
    ['/home/dev/app/src/x.ts:3:1 - error', '/Users/ada/my app/src/x.ts:3:1 - error'],
    ['  at f (/home/dev/app/x.js:1:2)\n', '  at f (/Users/ada/my app/x.js:1:2)\n'],
    ["make: Entering directory '/home/dev/app'", "make: Entering directory '/Users/ada/my app'"],
    ['File "/home/dev/app/x.py", line 1', 'File "/Users/ada/my app/x.py", line 1'],
    ['PATH=/bin:/home/dev/app/bin', 'PATH=/bin:/Users/ada/my app/bin'],
    ['--out=/home/dev/app/out,/home/dev/app', '--out=/Users/ada/my app/out,/Users/ada/my app'],
    ['dev@web:/home/dev/app$ ', 'dev@web:/Users/ada/my app$ '],
    ['\x1b[36m/home/dev/app/x.ts\x1b[0m', '\x1b[36m/Users/ada/my app/x.ts\x1b[0m'],
    ['\x1b[1;38;5;12m/home/dev/app\x1b[m', '\x1b[1;38;5;12m/Users/ada/my app\x1b[m'],
    ['‘/home/dev/app’ → /home/dev/app/é', '‘/Users/ada/my app’ → /Users/ada/my app/é'],
    ['/home/dev/app/home/dev/app', '/Users/ada/my app/home/dev/app'],
    ['/home/dev/app /home/dev/app\t/home/dev/app', '/Users/ada/my app /Users/ada/my app\t/Users/ada/my app'],
    ['at file:///home/dev/app/x.mjs:3:1', 'at file:///Users/ada/my%20app/x.mjs:3:1'],
  ])('become local ones: %j', (said, shown) => {
    expect(map(said)).toBe(shown);
  });

  it.each([
    '/home/dev/app2',
    '/home/dev/app-old/x',
    '/home/dev/app.bak',
    '/home/dev/app_x',
    '/home/dev/app~',
    '/home/dev/appé',
    '/x/home/dev/app',
    'x/home/dev/app',
    './home/dev/app',
    '~/home/dev/app',
    '$' + '{ROOT}/home/dev/app',
    'é/home/dev/app',
    'http://home/dev/app',
    'file:///x/home/dev/app',
    'profile:///home/dev/app',
    '/HOME/dev/app',
    '/home/dev',
    '/home/dev/ap',
    '/home/dev/\x00app',
  ])('are no other ones: %j', (said) => {
    expect(map(said)).toBe(said);
  });

  it('are known by their bytes, and all other bytes stay as they are', () => {
    const where = { from: '/srv/größe (1)', to: '/tmp/é' };
    expect(map('>/srv/größe (1)/x', where)).toBe('>/tmp/é/x');
    expect(map('file:///srv/gr%C3%B6%C3%9Fe%20(1)/x', where)).toBe('file:///tmp/%C3%A9/x');
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
    expect(mapChunks([bytes])).toBe(bytes.toString('latin1'));
  });

  it('stay where there is nothing to map', () => {
    for (const from of ['/', '', 'app', mapping.to]) {
      expect(map(`${from}/x ${from}`, { from, to: mapping.to })).toBe(`${from}/x ${from}`);
    }
  });
});

describe('chunks', () => {
  it('make no difference, wherever they are cut', () => {
    const said = 'a /home/dev/app/x /home/dev/app2 file:///home/dev/app/y /x/home/dev/app \x1b[1m/home/dev/app';
    const whole = mapChunks([said]);
    expect(whole).toContain('my app/x /home/dev/app2 file:///Users/ada/my%20app/y /x/home');
    for (let cut = 0; cut <= said.length; cut += 1)
      expect(mapChunks([said.slice(0, cut), said.slice(cut)])).toBe(whole);
    expect(mapChunks(Array.from(said))).toBe(whole);
  });

  const pieces = fc.constantFrom(
    ...[
      '/home/dev/app',
      '/home/dev/ap',
      '/home',
      '/',
      '//',
      'file://',
      'file:///home/dev/app',
      'f',
      'x',
      '2',
      '.',
      '-',
    ],
    ...[
      ' ',
      '\n',
      ':',
      '"',
      '\x1b[',
      '31',
      'm',
      '\x1b[0m',
      '\x1b',
      'é',
      '→',
      '\xe2',
      '(',
      '/a',
      '/a/b',
      '/a/b/a',
      ' /a',
    ],
  );
  const places = fc.constantFrom(
    mapping,
    { from: '/a', to: '/b' },
    { from: '/a/b /a', to: '' },
    { from: '/a (', to: '/' },
  );

  it('make no difference for any text, and the answer is that of the whole', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), fc.array(fc.nat(200)), places, (said, cuts, where) => {
        const bytes = Buffer.from(said.join(''));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        const mapped = mapChunks(chunks, where);
        expect(mapped).toBe(mapChunks([bytes], where));
        expect(mapped).toBe(mapWhole(bytes.toString('latin1'), where));
      }),
      { numRuns: 3_000 },
    );
  });

  it('are held back only as far as they may be the beginning of a path', () => {
    const mapper = new PathMapper(mapping);
    const push = (text: string): string => mapper.push(Buffer.from(text)).toString();
    expect([push('all of this $ '), mapper.isHolding]).toEqual(['all of this $ ', false]);
    expect([push('then /home/d'), mapper.isHolding]).toEqual(['then ', true]);
    expect([push('ata '), mapper.isHolding]).toEqual(['/home/data ', false]);
    expect([push('/home/dev/app'), mapper.isHolding]).toEqual(['', true]);
    expect([push('2'), mapper.isHolding]).toEqual(['/home/dev/app2', false]);
    expect([push('no/home/dev/app'), mapper.isHolding]).toEqual(['no/home/dev/app', false]);
  });

  it('that are released go out as they came, and still count for what follows', () => {
    const mapper = new PathMapper(mapping);
    expect(mapper.push(Buffer.from('x /ho')).toString()).toBe('x ');
    expect(mapper.release().toString()).toBe('/ho');
    expect(mapper.push(Buffer.from('/home/dev/app ')).toString()).toBe('/home/dev/app ');
    expect(mapper.push(Buffer.from('/home/dev/app ')).toString()).toBe('/Users/ada/my app ');
    expect(mapper.end().length).toBe(0);
  });
});

/** The rule once more, in other words. */
function mapWhole(text: string, { from, to }: PathMapping): string {
  const latin = (path: string): string => Buffer.from(path).toString('latin1');
  const ways = [
    { from: latin(from), to: latin(to) },
    { from: latin(`file://${encodeURI(from)}`), to: latin(`file://${encodeURI(to)}`) },
  ];
  let mapped = '';
  for (let at = 0; at < text.length;) {
    const before = text.slice(0, at);
    const way = ways.find(
      (each) => text.startsWith(each.from, at) && !isOfName(text.charAt(at + each.from.length), false),
    );
    const starts = at === 0 || !isOfName(before.slice(-1), true) || endsASign(before) || endsASequence(before);
    if (way !== undefined && starts) {
      mapped += way.to;
      at += way.from.length;
    } else {
      mapped += text.charAt(at);
      at += 1;
    }
  }
  return mapped;
}

function isOfName(byte: string, isBefore: boolean): boolean {
  if (byte === '') return false;
  if (byte >= '\x80') return isBefore || byte !== '\xe2';
  return /[A-Za-z0-9_.~+@-]/.test(byte) || (isBefore && (byte === '/' || byte === '}'));
}

const endsASign = (text: string): boolean => text.charAt(text.length - 3) === '\xe2' && /[\x80-\xbf]{2}$/.test(text);

function endsASequence(text: string): boolean {
  const escape = text.lastIndexOf('\x1b[');
  return escape >= 0 && /^[0-?]{0,40}[ -.]{0,4}[@-~]$/.test(text.slice(escape + 2));
}
