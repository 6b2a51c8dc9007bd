import { describe, expect, it } from 'vitest';
import { Output } from '../../../cmd/ui/output.js';
import { type FakeStream, fakeStream } from '../../fakes/terminal.js';

interface Given {
  readonly terminal?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

function given({ terminal = false, json = false, quiet = false, color = true, env = {} }: Given): {
  readonly output: Output;
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
} {
  const [stdout, stderr] = [fakeStream({ isTTY: terminal }), fakeStream({ isTTY: terminal })];
  return { output: new Output({ stdout, stderr, env, json, quiet, verbose: false, color }), stdout, stderr };
}

describe('output', () => {
  it('puts answers on stdout and everything else on stderr', () => {
    const { output, stdout, stderr } = given({});
    output.answer({}, [['web']]);
    output.note('one');
    output.warn('two');
    output.fail({}, [['three']]);
    expect(stdout.written).toBe('web\n');
    expect(stderr.written).toBe('sidecar: one\nsidecar: warning: two\nthree\n');
  });

  it('in json mode prints the documents and nothing else', () => {
    const { output, stdout, stderr } = given({ json: true, terminal: true });
    output.note('one');
    output.warn('two');
    output.progress('three');
    output.answer([{ name: 'web' }], [['web']]);
    output.fail({ error: { code: 'internal' } }, [['four']]);
    expect(stdout.written).toBe('[{"name":"web"}]\n');
    expect(stderr.written).toBe('{"error":{"code":"internal"}}\n');
  });

  it('when quiet keeps answers and errors', () => {
    const { output, stdout, stderr } = given({ quiet: true, terminal: true, color: false });
    output.note('one');
    output.warn('two');
    output.progress('three');
    output.outcome({}, [['made web']]);
    output.answer({}, [['web']]);
    output.fail({}, [['four']]);
    expect(stdout.written).toBe('web\n');
    expect(stderr.written).toBe('four\n');
  });

  it.each([{}, { quiet: true }])('says what is left behind, also when quiet: %j', (how) => {
    const { output, stderr } = given({ ...how, color: false });
    output.leftBehind('left behind: m-1', 'm-1');
    expect(stderr.written).toBe('sidecar: warning: left behind: m-1\n');
  });

  it('in json mode keeps what is left behind for the document of the error', () => {
    const { output, stderr } = given({ json: true });
    output.leftBehind('left behind: m-1', 'm-1');
    expect(stderr.written).toBe('');
    expect(output.left).toEqual(['m-1']);
  });

  it('when quiet and in json mode still prints the document of an outcome', () => {
    const { output, stdout } = given({ quiet: true, json: true });
    output.outcome({ name: 'web' }, [['made web']]);
    expect(stdout.written).toBe('{"name":"web"}\n');
  });

  it('ends an error only after the live line is gone', () => {
    const { output, stderr } = given({ terminal: true });
    output.progress('sending…');
    output.fail({}, [['no']]);
    expect(stderr.shown).toEqual(['no', '']);
  });

  it('takes the live line away before an answer, which may go to the same terminal', () => {
    const { output, stderr } = given({ terminal: true });
    output.progress('landing…');
    output.answer({}, [['done']]);
    expect(stderr.written.endsWith('\r\x1b[K')).toBe(true);
  });

  it('draws no live line and returns no carriage where there is no terminal', () => {
    const { output, stderr } = given({});
    output.progress('sending…');
    output.clearProgress();
    expect(stderr.written).toBe('');
  });

  it('draws no live line on a dumb terminal', () => {
    const { output, stderr } = given({ terminal: true, env: { TERM: 'dumb' } });
    output.progress('sending…');
    expect(stderr.written).toBe('');
  });

  it.each([
    ['within the terminal', 10, '012345678'],
    ['on a terminal that does not know its size', 0, '0123456789abc'],
  ])('keeps the live line %s', (_, columns, shown) => {
    const stderr = fakeStream({ isTTY: true, columns });
    const output = new Output({
      stdout: fakeStream(),
      stderr,
      env: {},
      json: false,
      quiet: false,
      verbose: false,
      color: true,
    });
    output.progress('0123456789abc');
    expect(stderr.shown).toEqual([shown]);
  });
});

describe('what a command over there prints', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it('is passed on byte for byte, whatever it holds', async () => {
    const { output, stdout, stderr } = given({});
    await output.pass('stdout', bytes('\x1b[31mred\x07 no end'));
    await output.pass('stderr', bytes('oops'));
    expect([stdout.written, stderr.written]).toEqual(['\x1b[31mred\x07 no end', 'oops']);
  });

  it('is not wiped away by the live line, and what follows it begins a line of its own', async () => {
    const { output, stderr } = given({ terminal: true, color: false });
    output.progress('landing…');
    await output.pass('stderr', bytes('half a line'));
    output.progress('landing…');
    output.note('landed');
    expect(stderr.shown).toEqual(['half a line', 'sidecar: landed', '']);
  });
});

describe('colour', () => {
  it.each<[string, Given, boolean]>([
    ['on a terminal', { terminal: true }, true],
    ['not in a pipe', {}, false],
    ['not on a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }, false],
    ['not with --no-color', { terminal: true, color: false }, false],
    ['not with NO_COLOR', { terminal: true, env: { NO_COLOR: '1' } }, false],
    ['with an empty NO_COLOR, which counts as unset', { terminal: true, env: { NO_COLOR: '' } }, true],
    ['in a pipe with FORCE_COLOR', { env: { FORCE_COLOR: '1' } }, true],
    ['not with FORCE_COLOR=0', { terminal: true, env: { FORCE_COLOR: '0' } }, false],
    ['not with --no-color, whatever FORCE_COLOR says', { color: false, env: { FORCE_COLOR: '1' } }, false],
    ['not with NO_COLOR, whatever FORCE_COLOR says', { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
  ])('%s', (_, situation, coloured) => {
    const { output, stdout, stderr } = given(situation);
    output.answer({}, [[{ text: 'x', style: 'green' }]]);
    output.note('x');
    expect([stdout.written, stderr.written].map((text) => text.includes('\x1b['))).toEqual([coloured, coloured]);
  });
});
