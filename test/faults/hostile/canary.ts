import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * A file that exists once anything was run that should not have been. Whoever is made to run `program`, by whatever name
 * and with whatever arguments, leaves a line in it.
 */
export class Canary {
  /** For PATH, where it is called `sing`. */
  readonly directory: string;
  /** An absolute path without a character that means anything to a shell. */
  readonly program: string;
  readonly #log: string;

  constructor(directory: string) {
    this.directory = path.join(directory, 'cage');
    mkdirSync(this.directory, { recursive: true });
    this.#log = path.join(this.directory, 'sang');
    this.program = path.join(this.directory, 'sing');
    writeFileSync(this.program, `#!/bin/sh\nprintf '%s\\n' "$0 $*" >>'${this.#log}'\nexit 1\n`);
    chmodSync(this.program, 0o755);
  }

  /** Whether `attempt` made it sing: a trap that nobody steps into proves nothing. Forgets what it sang. */
  hears(attempt: () => unknown): boolean {
    try {
      attempt();
    } catch {
      // It ends with an error, and so may whoever ran it.
    }
    const heard = this.sang !== '';
    rmSync(this.#log, { force: true });
    return heard;
  }

  /** What was run; empty where nothing was. */
  get sang(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
  }
}
