import { describe, expect, it } from 'vitest';
import { ScreenModes } from '../../../cmd/ui/screen-modes.js';

const undone = (...chunks: string[]): string => {
  const screen = new ScreenModes();
  for (const chunk of chunks) screen.watch(Buffer.from(chunk));
  return screen.undo();
};

describe('a screen that a program was cut off from', () => {
  it('gets back what the program had switched, whatever came between and wherever a chunk ends', () => {
    expect(undone('\x1b[?1049h\x1b[?25lhello\x1b[?10', '00;1006h')).toBe(
      '\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1006l\x1b>\x1b[0m',
    );
  });

  it('is left alone where nothing was switched, or all was switched back', () => {
    expect(undone('plain \x1b[31mred\x1b[0m text')).toBe('');
    expect(undone('\x1b[?1049h\x1b[?25l vim \x1b[?25h\x1b[?1049l')).toBe('');
  });

  it('is left alone when the program has ended by itself', () => {
    const screen = new ScreenModes();
    screen.watch(Buffer.from('\x1b[?2004h'));
    screen.forget();
    expect(screen.undo()).toBe('');
  });
});
