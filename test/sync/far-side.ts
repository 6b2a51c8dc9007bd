import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { SidecarEvent } from '../../src/events.js';
import { SnapshotMemory } from '../../src/git/snapshot-memory.js';
import type { SyncResult } from '../../src/sync/result.js';
import type { SyncRequest } from '../../src/sync/request.js';
import { sync } from '../../src/sync/sync.js';
import { workspacePath } from '../../src/sync/workspace.js';
import { Workspace } from '../../src/workspace/workspace.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { filesBelow, GitRepo, manifest, oraclePaths, scratch } from '../fakes/git-repo.js';
import { memoryTransport, shell as farShell, type Cut, type Handler } from '../fakes/memory-transport.js';
import { WarmConnection } from './warm.js';

/**
 * Whether each sync is one of a daemon's: over a conversation that was greeted before, where it does not say how it opens
 * its session, and with a memory of the snapshot before.
 */
export const allWarm = process.env['FAR_SIDE'] === 'warm';

/** A local repository and a far side in one scratch directory, with everything that a sync test asks of them. */
export class FarSide {
  readonly #scratch = scratch();
  readonly events: SidecarEvent[] = [];
  readonly home = this.#make('far');
  readonly localHome = this.#make('near');
  readonly stateDir = this.#make('state');
  readonly repo: GitRepo;
  /** Connections that stay open, by the login over there. */
  readonly #warm = new Map<string, WarmConnection>();
  readonly #memory = new SnapshotMemory();

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
   * it is opened again where the sync may `reconnect`. A `warm` one takes the conversation that the warm one before it
   * has prepared, and remembers the snapshot of that.
   */
  async sync(
    options: Partial<SyncRequest> & {
      readonly shell?: string;
      readonly farEnv?: Record<string, string>;
      readonly cut?: Cut;
      readonly reconnect?: boolean;
      readonly warm?: boolean;
    } = {},
  ): Promise<SyncResult> {
    const { shell = '/bin/sh', farEnv, cut, reconnect = false, warm = allWarm, ...request } = options;
    const farSide = this.login(shell, farEnv);
    const connection = warm && request.open === undefined ? await this.warm(options) : undefined;
    const result = sync({
      directory: this.repo.root,
      sidecar: 'web',
      open: (_, lost) => {
        if (lost !== undefined && !reconnect) return Promise.reject(lost.error);
        if (lost === undefined && connection !== undefined) return Promise.resolve(connection.session);
        const transport = memoryTransport(farSide, lost === undefined ? cut : {});
        return Promise.resolve({ transport, attempts: (lost?.attempts ?? 0) + 1, elapsedMs: 0 });
      },
      stateDir: this.stateDir,
      env: this.repo.env,
      clock: systemClock,
      signal: new AbortController().signal,
      emit: (event) => void this.events.push(event),
      ...(warm ? { memory: this.#memory } : {}),
      ...request,
    });
    return result.finally(() => connection?.spares.settled);
  }

  /** What can be asked of the workspace, each over a connection of its own. */
  asked(options: Partial<SyncRequest> & { readonly shell?: string } = {}): Workspace {
    const { shell = '/bin/sh', ...request } = options;
    return new Workspace({
      directory: this.repo.root,
      sidecar: 'web',
      open: (_, lost) =>
        lost === undefined
          ? Promise.resolve({ transport: memoryTransport(this.login(shell)), attempts: 1, elapsedMs: 0 })
          : Promise.reject(lost.error),
      stateDir: this.stateDir,
      env: this.repo.env,
      clock: systemClock,
      signal: new AbortController().signal,
      emit: (event) => void this.events.push(event),
      ...request,
    });
  }

  /** The connection that stays open, with a conversation that waits on it: for the workspace that a sync would ask for. */
  async warm(options: Parameters<FarSide['sync']>[0] = {}): Promise<WarmConnection> {
    const { shell = '/bin/sh', farEnv, cut, directory = this.repo.root, workdir } = options;
    const key = JSON.stringify([shell, farEnv, cut]);
    const connection = this.#warm.get(key) ?? new WarmConnection(this.login(shell, farEnv), cut);
    // A connection that is cut serves once.
    if (cut === undefined) this.#warm.set(key, connection);
    const { signal } = new AbortController();
    const tree =
      typeof directory === 'string' ? await findWorkingTree(directory, { env: this.repo.env, signal }) : directory;
    await connection.spares.prepare({ format: tree.format, workspace: workspacePath(tree.root, workdir) });
    return connection;
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
    for (const connection of this.#warm.values()) connection.close();
    this.#scratch.remove();
  }

  /** The far side as one who logs in finds it. */
  login(program = '/bin/sh', farEnv: Record<string, string> = {}): Handler {
    const env = { PATH: process.env['PATH'], HOME: this.home, USER: 'dev', ...farEnv };
    return farShell({ program, cwd: this.home, env });
  }

  #make(name: string): string {
    const directory = path.join(this.#scratch.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }
}
