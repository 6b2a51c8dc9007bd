import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { DaemonStatus } from '../../src/daemon/status.js';
import type { Said } from './command-line.js';
import { GitRepo, type Scratch, scratch } from './git-repo.js';

export const packageRoot = path.join(import.meta.dirname, '../..');
const program = path.join(packageRoot, 'dist/cmd/sidecar.js');

/** What `import 'sidecar'` gives to a program. */
export const builtLibrary = path.join(packageRoot, 'dist/src/index.js');

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves once this was printed on either stream; rejects when the command ends without having said it. */
  said(words: string): Promise<void>;
  readonly ended: Promise<Said>;
}

/**
 * A user with a project, an empty home and an empty state directory, who types commands of the built program. Whatever
 * local sidecars were made end with it.
 */
export class BuiltProgram {
  readonly #place: Scratch = scratch();
  readonly home: string;
  readonly project: GitRepo;
  readonly env: NodeJS.ProcessEnv;

  /** With `daemon`, commands start the daemon as they do for a user; it ends with the test. Default: what DAEMON says. */
  constructor({ daemon = process.env['DAEMON'] === 'on' } = {}) {
    if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` first`);
    this.home = path.join(this.#place.path, 'home');
    mkdirSync(this.home);
    this.project = GitRepo.init(path.join(this.#place.path, 'project'), this.home);
    const env = { ...this.project.env, SIDECAR_HOME: path.join(this.#place.path, 'state') };
    this.env = daemon ? env : { ...env, SIDECAR_NO_DAEMON: '1' };
  }

  /** An empty directory for whatever else a test needs. */
  directory(name: string): string {
    const directory = path.join(this.#place.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  async type(...argv: string[]): Promise<Said> {
    return this.start(...argv).ended;
  }

  start(...argv: string[]): Running {
    return this.startWith({}, ...argv);
  }

  /** With more in its environment than usual. */
  startWith(env: NodeJS.ProcessEnv, ...argv: string[]): Running {
    return this.startProgram(process.execPath, [program, ...argv], env);
  }

  /** The command in the words of a shell, to be started by another program. */
  command(...argv: string[]): string[] {
    return [process.execPath, program, ...argv];
  }

  /** A shell line on a terminal of its own, by script(1): stdout holds all that the terminal shows. */
  startOnTerminal(line: string): Running {
    const shell = `sidecar() { '${process.execPath}' '${program}' "$@"; }; ${line}`;
    return this.startProgram('script', ['-qec', `exec sh -c '${shell.replaceAll("'", `'\\''`)}'`, '/dev/null']);
  }

  startProgram(file: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const child = spawn(file, argv, { cwd: this.project.root, env: { ...this.env, ...env }, stdio: 'pipe' });
    const heard = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        heard[stream] += text;
        child.emit('heard');
      });
    }
    const ended = once(child, 'close').then(([code]): Said => ({ code: Number(code), ...heard }));
    const said = async (words: string): Promise<void> => {
      while (!`${heard.stdout}\n${heard.stderr}`.includes(words)) {
        const heardMore = once(child, 'heard').then(() => true);
        if (!(await Promise.race([heardMore, ended.then(() => false)]))) {
          throw new Error(`ended without saying "${words}":\n${heard.stdout}\n${heard.stderr}`);
        }
      }
    };
    return { child, said, ended };
  }

  /** Waits until the daemon has nothing to do but wait, and says how it is then. There has to be one. */
  async restedDaemon(): Promise<DaemonStatus> {
    const status = await this.daemonOnceRested();
    if (status === undefined) throw new Error('no daemon runs');
    return status;
  }

  /** The same; undefined where no daemon runs. */
  async daemonOnceRested(): Promise<DaemonStatus | undefined> {
    for (;;) {
      const { stdout } = await this.type('daemon', 'status', '--json');
      const status = JSON.parse(stdout) as { readonly running: boolean } & DaemonStatus;
      if (!status.running) return undefined;
      if (status.requests === 0) return status;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await this.type('list', '--json');
    const sidecars = JSON.parse(stdout) as { name: string }[];
    await Promise.all(sidecars.map(({ name }) => this.type('delete', name)));
    await this.type('daemon', 'stop');
    this.#place.remove();
  }
}
