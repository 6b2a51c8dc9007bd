import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { removeTree, type Bed } from './bed.js';
import type { Contender, Syncing } from './contender.js';
import { startDelayProxy, type DelayProxy } from './delay-proxy.js';
import { MemoryWatch } from './memory.js';
import type { Project } from './project.js';
import { run } from './run.js';
import { assertSameTree } from './same-tree.js';
import { since, type Traffic } from './traffic.js';

/** What one sync took. */
export interface Cost extends Traffic {
  /** From the start of the command to its end. */
  readonly wallMs: number;
  /** Of all its processes on this side together. */
  readonly peakBytes?: number;
  /** Where the time went, as the command itself says. Parts may overlap. */
  readonly partsMs?: Readonly<Record<string, number>>;
}

export interface LaneOptions {
  readonly bed: Bed;
  readonly project: Project;
  readonly rttMs: number;
  /** A clone of the project, one commit behind. */
  readonly behind: string;
  readonly node: string;
  readonly signal: AbortSignal;
}

/** One contender on a network of its own to the machine, so that what is counted there is all its own. */
export class Lane implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #contender: Contender;
  readonly #network: DelayProxy;
  #begun: { readonly syncing: Syncing; readonly workspace: string; readonly places: readonly string[] } | undefined;

  private constructor(contender: Contender, network: DelayProxy, options: LaneOptions) {
    this.#contender = contender;
    this.#network = network;
    this.#options = options;
  }

  static async open(contender: Contender, options: LaneOptions): Promise<Lane> {
    const network = await startDelayProxy({ port: options.bed.sshd.port, rttMs: options.rttMs });
    return new Lane(contender, network, options);
  }

  get name(): string {
    return this.#contender.name;
  }

  /** Starts over with a workspace that is empty or a clone. */
  async begin(from: 'empty' | 'clone'): Promise<void> {
    await this.#end();
    const { bed, project, behind, node, signal } = this.#options;
    const { host, port } = this.#network;
    const workspace = path.join(bed.farHome, `${this.name}-${from}`, 'workspace');
    await mkdir(path.dirname(workspace));
    if (from === 'clone') {
      await run('git', ['clone', '--quiet', behind, workspace], { cwd: bed.farHome, env: bed.env, signal });
    }
    const keep = await bed.directory('keep');
    const start = { bed, project, host, port, workspace, from, keep, node, signal };
    const syncing = await this.#contender.begin(start);
    this.#begun = { syncing, workspace, places: [path.dirname(workspace), keep] };
  }

  /** Syncs once, and throws unless the workspace then holds what the tree does. */
  async sync(): Promise<Cost> {
    if (this.#begun === undefined) throw new Error(`${this.name} has not begun`);
    const { bed, project, rttMs, signal } = this.#options;
    const { syncing, workspace } = this.#begun;
    const { program, args, env = bed.env } = syncing.command;
    await syncing.prepare?.();
    const before = this.#network.traffic;
    using memory = new MemoryWatch((await syncing.residents?.()) ?? []);
    const onStart = (pid: number): void => memory.add(pid);
    const { stdout, wallMs } = await run(program, args, { cwd: project.root, env, signal, onStart });
    const { peakBytes } = memory;
    // What is still under way, on a connection that stays, is of this sync too.
    await systemClock.sleep(rttMs + 20, signal);
    const traffic = since(before, this.#network.traffic);
    assertSameTree(project.root, workspace);
    return {
      wallMs,
      ...traffic,
      ...(peakBytes === undefined ? {} : { peakBytes }),
      ...(syncing.partsMs === undefined ? {} : { partsMs: syncing.partsMs(stdout, wallMs) }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#end();
    } finally {
      await this.#network.stop();
    }
  }

  async #end(): Promise<void> {
    const ended = this.#begun;
    this.#begun = undefined;
    await ended?.syncing.stop?.();
    for (const place of ended?.places ?? []) await removeTree(place);
  }
}
