import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { SidecarEvent } from '../../src/events.js';
import type { SyncResult } from '../../src/sync/result.js';
import type { SyncRequest } from '../../src/sync/request.js';
import { sync } from '../../src/sync/sync.js';
import { filesBelow, GitRepo, manifest, oraclePaths, scratch } from '../fakes/git-repo.js';
import { memoryTransport, shell as farShell, type Cut } from '../fakes/memory-transport.js';

/** A local repository and a far side in one scratch directory, with everything that a sync test asks of them. */
export class FarSide {
  readonly #scratch = scratch();
  readonly events: SidecarEvent[] = [];
  readonly home = this.#make('far');
  readonly localHome = this.#make('near');
  readonly stateDir = this.#make('state');
  readonly repo: GitRepo;

  constructor(options: { readonly name?: string; readonly init?: readonly string[] | false } = {}) {
    const root = path.join(this.#scratch.path, options.name ?? 'app');
    this.repo =
      options.init === false
        ? new GitRepo(root, this.localHome)
        : GitRepo.init(root, this.localHome, ...(options.init ?? []));
  }

  /** Where the tree lands unless a test says otherwise. */
  get workspace(): string {
    return path.join(this.home, path.basename(this.repo.root));
  }

  /**
   * A sync from here to there. `shell` and `farEnv` are of the far login, `cut` breaks the connection: for good, or until
   * it is opened again where the sync may `reconnect`.
   */
  sync(
    options: Partial<SyncRequest> & {
      readonly shell?: string;
      readonly farEnv?: Record<string, string>;
      readonly cut?: Cut;
      readonly reconnect?: boolean;
    } = {},
  ): Promise<SyncResult> {
    const { shell = '/bin/sh', farEnv, cut, reconnect = false, ...request } = options;
    const env = { PATH: process.env['PATH'], HOME: this.home, USER: 'dev', ...farEnv };
    return sync({
      directory: this.repo.root,
      sidecar: 'web',
      open: (_, lost) => {
        if (lost !== undefined && !reconnect) return Promise.reject(lost.error);
        const farSide = farShell({ program: shell, cwd: this.home, env });
        const transport = memoryTransport(farSide, lost === undefined ? cut : {});
        return Promise.resolve({ transport, attempts: (lost?.attempts ?? 0) + 1, elapsedMs: 0 });
      },
      stateDir: this.stateDir,
      env: this.repo.env,
      clock: systemClock,
      signal: new AbortController().signal,
      emit: (event) => void this.events.push(event),
      ...request,
    });
  }

  /** A second machine of the same user, with state of its own. */
  otherState(): string {
    return this.#make(`state-${Math.random().toString(36).slice(2)}`);
  }

  /** Runs a command in the far home. */
  far(...command: [string, ...string[]]): string {
    const [file, ...args] = command;
    return execFileSync(file, args, {
      cwd: this.home,
      env: this.repo.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).toString();
  }

  /** git in the shadow repository on the far side. */
  farShadow(...args: string[]): string {
    const workspaces = path.join(this.home, '.local/state/sidecar/workspaces');
    const [only] = execFileSync('ls', [workspaces]).toString().split('\n');
    const shadow = path.join(workspaces, only ?? '');
    return execFileSync('git', [`--git-dir=${shadow}`, ...args], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  }

  /** Path, type, exec bit and hash of all that travels from here. */
  here(): string[] {
    return manifest(this.repo.root, oraclePaths(this.repo));
  }

  /** The same of all that stands there, but what `besides` names. */
  there(besides: (path: string) => boolean = () => false): string[] {
    return manifest(
      this.workspace,
      filesBelow(this.workspace).filter((file) => !besides(file)),
    );
  }

  remove(): void {
    this.#scratch.remove();
  }

  #make(name: string): string {
    const directory = path.join(this.#scratch.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }
}
