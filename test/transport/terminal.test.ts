import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { modesFromStty, sttyArguments } from '../../src/transport/terminal.js';
import { shellWord } from '../../src/transport/shell-word.js';
import { describeWith } from '../fakes/parts.js';

const gnu = `speed 38400 baud; rows 24; columns 80; line = 0;
intr = ^C; quit = ^\\; erase = ^?; kill = M-^U; eof = ^D; eol = <undef>; eol2 = ^A;
min = 1; time = 0;
-parenb cs8 -hupcl
-ignbrk icrnl ixon -ixoff iutf8
opost onlcr
isig icanon -echo echoctl
`;

const bsd = `speed 9600 baud; 24 rows; 80 columns;
lflags: icanon isig iexten -echo echoe
iflags: -istrip icrnl ixon iutf8
oflags: opost onlcr
cchars: discard = ^O; dsusp = ^Y; eof = ^D; eol = <undef>; erase = ^?; intr = ^C; reprint = ^R; status = ^T;
`;

describe('the modes of a terminal', () => {
  it('are read from what GNU’s stty prints', () => {
    const { VINTR, VQUIT, VERASE, VKILL, VEOF, VEOL, VEOL2, ...flags } = modesFromStty(gnu);
    expect([VINTR, VQUIT, VERASE, VKILL, VEOF, VEOL, VEOL2]).toEqual([3, 28, 127, 149, 4, 255, 1]);
    expect(flags).toEqual({ ICRNL: 1, IXON: 1, IXOFF: 0, OPOST: 1, ONLCR: 1, ISIG: 1, ICANON: 1, ECHO: 0, ECHOCTL: 1 });
  });

  it('are read from what BSD’s stty prints', () => {
    expect(modesFromStty(bsd)).toMatchObject({ VEOF: 4, VEOL: 255, VERASE: 127, VREPRINT: 18, ECHO: 0, ICRNL: 1 });
  });

  it('are none where nothing is understood', () => {
    expect(modesFromStty('stty: standard input: Inappropriate ioctl for device')).toEqual({});
  });

  it('leave out what no terminal has', () => {
    expect(sttyArguments({ VERASE: 8, VEOL: 255, ECHO: 0, ICANON: 1, NONSENSE: 1, VINTR: -3, toString: 1 })).toEqual([
      ...['erase', '^H', 'eol', 'undef', '-echo', 'icanon'],
    ]);
  });
});

describeWith(['script'], 'stty', () => {
  it('takes the modes that were read, and prints the same', async () => {
    const line = `stty ${sttyArguments(modesFromStty(gnu)).map(shellWord).join(' ')} && stty -a`;
    const { stdout } = await promisify(execFile)('script', ['-qec', line, '/dev/null']);
    expect(modesFromStty(stdout)).toMatchObject(modesFromStty(gnu));
  });
});
