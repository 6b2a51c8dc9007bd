import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import * as v from 'valibot';
import { packageRoot } from '../../package.js';
import { endWithProcess, forgetEnded } from '../../transport/route/end-group.js';
import { programEnvironment } from '../../transport/route/program-environment.js';
import { keyringAnswer, type KeyringAnswer, type KeyringRequest } from './keyring-messages.js';

/** Its program in the built package. */
const program = path.join(packageRoot, 'dist/cmd/keyring-server.js');

/**
 * The process that asks the keyring of the system. The library waits for the message bus in the thread that calls it, for
 * good where that hangs, and a thread that waits so keeps its process from ending: only a process can be ended.
 *
 * Secrets go through its channel, never through its arguments or its environment.
 */
export class KeyringProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((_, reject) => {
      child.on('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`its process ended (${String(code ?? signal)})`)));
    });
    this.#ended.catch(() => undefined);
  }

  /** Resolves once it runs. `env` is where the message bus is found. Out of reach of the terminal's Ctrl-C: see `close`. */
  static async start(env: NodeJS.ProcessEnv): Promise<KeyringProcess> {
    const child = spawn(process.execPath, [program], {
      cwd: '/',
      env: programEnvironment(env),
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      windowsHide: true,
    });
    endWithProcess(child);
    child.once('exit', () => forgetEnded(child));
    const keyring = new KeyringProcess(child);
    try {
      await keyring.#next();
      return keyring;
    } catch (error) {
      keyring.close();
      throw error;
    }
  }

  /** Asks it the one thing that it can be asked. */
  async ask(request: KeyringRequest): Promise<KeyringAnswer> {
    const answer = this.#next();
    this.#child.send(request, () => undefined); // where it cannot be sent, the process has ended
    return answer;
  }

  /** Ends it, whatever it does. May be called twice. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  async #next(): Promise<KeyringAnswer> {
    const said = once(this.#child, 'message');
    said.catch(() => undefined);
    const [message] = (await Promise.race([said, this.#ended])) as [unknown];
    return v.parse(keyringAnswer, message);
  }
}
