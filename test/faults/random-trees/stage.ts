import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { SyncRequest } from '../../../src/sync/request.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { memoryTransport, shell, type Cut } from '../../fakes/memory-transport.js';
import { allWarm, FarSide } from '../../sync/far-side.js';
import { listed, type Listed } from './git-says.js';
import { commit, perform, type Scene } from './perform.js';
import type { TreeCase } from './tree-case.js';
import { Tree, type Entries } from './tree.js';

/** What one side consists of at a moment. */
export interface Seen extends Listed {
  /** What travels. */
  readonly entries: Entries;
}

/** What happens to the first connection of a sync. */
export interface Interruption {
  readonly after: Cut;
  /** Whether the far half does not notice, or is killed. */
  readonly worksOn: boolean;
  /** Whether a second connection can be made. */
  readonly comesBack: boolean;
}

/** Both sides of a case, on the disk. */
export class Stage {
  readonly side: FarSide;
  readonly here: Tree;
  readonly there: Tree;
  readonly #names: readonly string[];

  constructor({ format, names }: Pick<TreeCase, 'format' | 'names'>) {
    this.side = new FarSide(format === 'sha256' ? { init: ['--object-format=sha256'] } : {});
    this.here = new Tree(this.side.repo.root);
    this.there = new Tree(this.side.workspace);
    this.#names = names;
    // Where links of the trees lead out to.
    for (const place of [path.dirname(this.here.root), this.side.home]) {
      mkdirSync(path.join(place, 'outside'));
      new Tree(place).file('outside/kept', Buffer.from('not part of any tree\n'));
    }
  }

  editHere(edits: TreeCase['here']): void {
    for (const edit of edits) perform(this.#sceneHere(), edit);
  }

  editThere(edits: TreeCase['there']): void {
    const scene = { tree: this.there, names: this.#names, home: this.side.localHome, here: this.here };
    for (const edit of edits) perform(scene, edit);
  }

  /** The workspace becomes a clone of what the user has. */
  clone(): void {
    commit(this.#sceneHere(), this.here.root);
    this.side.far('git', '-c', 'core.protectNTFS=false', 'clone', '-q', this.here.root, this.there.root);
  }

  /**
   * A sync that may adopt the workspace. The first connection is cut where `cut` says; the far half is then killed with
   * it, or works on without knowing, and there may be no other connection. Returns when nothing of it runs any more.
   */
  async sync(options: Partial<SyncRequest> & { readonly cut?: Interruption } = {}): Promise<SyncResult> {
    const { cut, ...request } = options;
    if (cut === undefined && allWarm) return this.side.sync({ adopt: true, ...request });
    const running: Promise<unknown>[] = [];
    const farShell = shell({ cwd: this.side.home, env: { PATH: process.env['PATH'], HOME: this.side.home } });
    const open: SyncRequest['open'] = (_, lost) => {
      if (lost !== undefined && cut?.comesBack === false) return Promise.reject(lost.error);
      const transport = memoryTransport(
        (command, io) => {
          const ended = cut?.worksOn === false ? io.ended : new AbortController().signal;
          const done = farShell(command, { ...io, ended });
          running.push(done.catch(() => undefined));
          return done;
        },
        lost === undefined ? cut?.after : undefined,
      );
      return Promise.resolve({ transport, attempts: 1, elapsedMs: 0 });
    };
    try {
      return await this.side.sync({ open, adopt: true, ...request });
    } finally {
      await Promise.all(running);
    }
  }

  /** What travels from here, by the word of the user's own git. */
  seenHere(): Seen {
    const found = listed(this.here, this.side.localHome);
    return { ...found, entries: this.here.entries(found.paths) };
  }

  /** Everything that must stay as it is, whatever a sync does: the user's files and repository, and what is outside. */
  untouchable(): string {
    const places = [this.here.root, ...[path.dirname(this.here.root), this.side.home].map((one) => `${one}/outside`)];
    const own = this.there.stats('.git') === undefined ? [] : [`${this.there.root}/.git`];
    const hash = createHash('sha256');
    for (const place of [...places, ...own]) hash.update(traces(Buffer.from(place)));
    return hash.digest('hex');
  }

  remove(): void {
    this.side.remove();
  }

  #sceneHere(): Scene {
    return { tree: this.here, names: this.#names, home: this.side.localHome };
  }
}

/** Name, type, mode, time and content of everything below a directory, as one hash. */
export function traces(directory: Buffer): string {
  const hash = createHash('sha256');
  const visit = (file: Buffer): void => {
    const stats = lstatSync(file, { bigint: true });
    // git renews the time of an object that it was about to write again, also of a borrowed one.
    const time = file.includes('/.git/objects/') ? '' : stats.mtimeNs.toString();
    hash.update(file.subarray(directory.length)).update(`\0${stats.mode} ${time} `);
    if (stats.isSymbolicLink()) hash.update(readlinkSync(file, 'buffer'));
    else if (stats.isFile()) hash.update(readFileSync(file));
    else if (stats.isDirectory()) {
      const names = readdirSync(file, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
      for (const name of names) visit(Buffer.concat([file, Buffer.from('/'), name]));
    }
  };
  visit(directory);
  return hash.digest('hex');
}
