import { EventEmitter, once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { systemClock, type Clock } from '../../src/clock.js';
import type { SidecarEvent } from '../../src/events.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import type { Watcher } from '../../src/watch/file-events.js';
import { watch, type WatchRequest } from '../../src/watch/watch.js';
import { GitRepo, manifest, oraclePaths, scratch } from '../fakes/git-repo.js';

/** Time passes so many times as fast. */
export function hurried(times: number): Clock {
  return {
    now: () => systemClock.now() * times,
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
  };
}

/** A repository that is watched. A landing takes down what travels, by git's own account. */
export class Watched implements AsyncDisposable {
  readonly #place = scratch();
  readonly #stop = new AbortController();
  readonly #happened = new EventEmitter();
  #ended: Promise<unknown> = Promise.resolve();
  readonly repo = GitRepo.init(path.join(this.#place.path, 'project'), this.#place.path);
  readonly events: SidecarEvent[] = [];
  /** What each landing found. */
  readonly landings: (readonly string[])[] = [];
  looks = 0;
  /** Runs within each landing, before it ends. */
  onLand: (options: { readonly wake: boolean }) => unknown = () => undefined;
  /** Tells the watch that its connection was lost. */
  lose: () => void = () => undefined;

  /** Resolves once the watch has begun. `root` is another directory than the repository. */
  async start(
    options: { readonly load?: () => Promise<Watcher>; readonly clock?: Clock; readonly root?: string } = {},
  ): Promise<void> {
    const { root = this.repo.root, load, clock = systemClock } = options;
    const { env } = this.repo;
    const request: WatchRequest = {
      ...{ tree: await findWorkingTree(root, { env }), env, clock, signal: this.#stop.signal },
      stateDir: path.join(this.#place.path, 'state'),
      emit: (event) => {
        this.events.push(event);
        this.#happened.emit('something');
      },
      onReady: (lost) => (this.lose = lost),
      land: async (_, options) => {
        const found = this.here();
        await this.onLand(options);
        this.landings.push(found);
        this.#happened.emit('something');
      },
      look: () => {
        this.looks += 1;
        this.#happened.emit('something');
        return Promise.resolve(!this.isInStep());
      },
      ...(load === undefined ? {} : { load }),
    };
    this.#ended = watch(request).catch((error: unknown) => {
      this.#happened.emit('error', error);
      return error;
    });
    this.#happened.on('error', () => undefined);
    await this.until(() => this.said('watch.started'));
  }

  /** What travels now. */
  here(): readonly string[] {
    return manifest(this.repo.root, oraclePaths(this.repo));
  }

  /** Waits until what travels now has landed. */
  async inStep(): Promise<void> {
    await this.until(() => this.isInStep());
  }

  isInStep(): boolean {
    return this.landings.at(-1)?.join('\n') === this.here().join('\n');
  }

  said(kind: SidecarEvent['kind']): boolean {
    return this.events.some((event) => event.kind === kind);
  }

  /** Waits until something happens that makes it true. Rejects when the watch ends first. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await once(this.#happened, 'something');
  }

  /** What the watch ended with. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  directory(name: string): string {
    const directory = path.join(this.#place.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  stop(reason = new Error('Ctrl-C')): void {
    this.#stop.abort(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#ended;
    this.#place.remove();
  }
}
