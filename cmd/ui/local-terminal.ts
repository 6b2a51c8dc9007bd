import type { Readable } from 'node:stream';
import type { Terminal, TerminalSize } from '../../src/transport/terminal.js';

/** What the program reads from, and the terminal that it may be. */
export interface LocalTerminal {
  /** Whether stdin is a terminal. */
  readonly isTerminal: boolean;
  /** stdin. Nothing is read before it is asked for. */
  input(): Readable;
  /** What it is, as a command on another machine is to find it. */
  describe(): Terminal;
  /**
   * Has every key go to whoever reads, and every byte to the screen, unchanged. Gives back what gives the terminal back:
   * that happens on every way out of the process, too.
   */
  makeRaw(): () => void;
  /** Tells of every new size, until the function that it gives back is called. */
  onResize(listener: (size: TerminalSize) => void): () => void;
  /** Stops this process, as Ctrl-Z does, until it is continued. */
  suspend(): Promise<void>;
}
