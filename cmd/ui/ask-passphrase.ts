import { closeSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import type { AskPassphrase } from '../../src/transport/passphrase.js';
import { paint } from './line.js';
import type { Output } from './output.js';

const terminalPath = '/dev/tty';

export interface PromptOptions {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Does what Ctrl-C does: a terminal that reads a passphrase sends no signal for it. */
  readonly interrupt: () => void;
}

/**
 * Asks for passphrases on the terminal, as ssh does: whatever stdin and stdout are. Undefined where there is none.
 * Nothing that is typed is shown. Node itself gives the terminal back on every way out of the process.
 */
export function passphrasePrompt(options: PromptOptions): AskPassphrase | undefined {
  try {
    closeSync(openSync(terminalPath, 'r+'));
  } catch {
    return undefined;
  }
  return (path, retry) => ask(`${retry ? 'That was wrong. ' : ''}Passphrase for ${path}: `, options);
}

async function ask(question: string, { output, signal, interrupt }: PromptOptions): Promise<string | undefined> {
  // Hardly any command comes this far.
  const [{ createInterface }, { ReadStream }] = await Promise.all([import('node:readline'), import('node:tty')]);
  signal.throwIfAborted();
  output.clearProgress();
  const terminal = openSync(terminalPath, 'w');
  const keyboard = new ReadStream(openSync(terminalPath, 'r'));
  const editor = createInterface({ input: keyboard, output: nowhere(), terminal: true, historySize: 0 });
  writeSync(terminal, paint([question], false));

  return new Promise((resolve) => {
    let answer: string | undefined;
    const close = (): void => editor.close();
    signal.addEventListener('abort', close, { once: true });
    editor.once('SIGINT', interrupt);
    editor.once('line', (line) => {
      answer = line;
      close();
    });
    // Also at end of input, Ctrl-D.
    editor.once('close', () => {
      signal.removeEventListener('abort', close);
      writeSync(terminal, '\n');
      closeSync(terminal);
      keyboard.destroy();
      resolve(answer);
    });
  });
}

/** Where the line editor echoes what is typed. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
