import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { main } from '../../cmd/main.js';
import { GitRepo, type Scratch, scratch } from './git-repo.js';
import { fakeStream, noTerminal } from './terminal.js';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user with a project, an empty home and an empty state directory, who types commands that run in this process. */
export class CommandLine {
  readonly #place: Scratch = scratch();
  readonly project: GitRepo;
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const home = path.join(this.#place.path, 'home');
    mkdirSync(home);
    this.project = GitRepo.init(path.join(this.#place.path, 'project'), home);
    this.env = { ...this.project.env, SIDECAR_HOME: path.join(this.#place.path, 'state'), SIDECAR_NO_DAEMON: '1' };
  }

  async type(...argv: string[]): Promise<Said> {
    return this.typeIn(this.project.root, ...argv);
  }

  async typeIn(cwd: string, ...argv: string[]): Promise<Said> {
    return this.#type({ cwd, signal: new AbortController().signal }, argv);
  }

  /** As `type`, until Ctrl-C, which is when `signal` is aborted. */
  async typeUntil(signal: AbortSignal, ...argv: string[]): Promise<Said> {
    return this.#type({ cwd: this.project.root, signal }, argv);
  }

  async #type(
    { cwd, signal }: { readonly cwd: string; readonly signal: AbortSignal },
    argv: readonly string[],
  ): Promise<Said> {
    const [stdout, stderr] = [fakeStream(), fakeStream()];
    const code = await main({
      argv,
      env: this.env,
      cwd: () => cwd,
      homeDir: this.env['HOME'] ?? '',
      platform: process.platform,
      stdout,
      stderr,
      terminal: noTerminal,
      signal,
      interrupt: () => undefined,
      crashed: new Promise<never>(() => undefined),
    });
    return { code, stdout: stdout.written, stderr: stderr.written };
  }

  [Symbol.dispose](): void {
    this.#place.remove();
  }
}
