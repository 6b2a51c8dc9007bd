import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { modesFromStty, type TerminalSize } from '../src/transport/terminal.js';
import type { LocalTerminal } from './ui/local-terminal.js';

/**
 * As ssh makes it. Node's own raw mode goes on to write a return before each newline, which moves the cursor of programs
 * that fill the screen.
 */
const raw = ['raw', '-echo', '-echoe', '-echok', '-echonl', '-iexten'];

/** Longer than stty(1) ever takes, unless it is stopped because the terminal belongs to somebody else. */
const sttyMs = 1_000;

/** The terminal of this process, through stty(1): Node cannot ask one for its modes. */
export function processTerminal(): LocalTerminal {
  const size = (): TerminalSize => {
    const { columns, rows } = process.stdout;
    if (process.stdout.isTTY && columns > 0 && rows > 0) return { columns, rows };
    const [asked = 0, wide = 0] = (stty('size') ?? '').split(' ').map(Number);
    return { columns: wide > 0 ? wide : 80, rows: asked > 0 ? asked : 24 };
  };
  return {
    get isTerminal() {
      return process.stdin.isTTY;
    },
    input: () => process.stdin,
    describe: () => ({
      term: process.env['TERM'] ?? 'dumb',
      ...size(),
      modes: modesFromStty(stty('-a') ?? ''),
    }),
    makeRaw: () => {
      const before = stty('-g')?.trim();
      if (before !== undefined) stty(...raw);
      else process.stdin.setRawMode(true);
      const giveBack = (): void => {
        process.off('exit', giveBack);
        if (before !== undefined) stty(before);
        else process.stdin.setRawMode(false);
      };
      process.on('exit', giveBack);
      return giveBack;
    },
    onResize: (listener) => {
      const tell = (): void => listener(size());
      process.on('SIGWINCH', tell);
      return () => process.off('SIGWINCH', tell);
    },
    suspend: async () => {
      const continued = once(process, 'SIGCONT');
      process.kill(process.pid, 'SIGTSTP');
      await continued;
    },
  };
}

/** Undefined where it is missing or fails. */
function stty(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('stty', args, {
    stdio: ['inherit', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: sttyMs,
    killSignal: 'SIGKILL',
  });
  return status === 0 ? stdout : undefined;
}
