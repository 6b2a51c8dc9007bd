import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { filesBelow, fingerprint, manifest } from '../../fakes/git-repo.js';
import { FarSide } from '../../sync/far-side.js';

/** What stands on both sides when a fault strikes. */
export interface Scenario {
  readonly title: string;
  /** Brings both sides to the last landing. */
  readonly landed?: (side: FarSide) => Promise<unknown>;
  /** What happened since, here and there. */
  readonly since: (side: FarSide) => void;
  /** Ignored files there that are in nobody's way. */
  readonly ignored?: readonly string[];
}

/**
 * A scenario that can be had again and again, each time as if nothing had happened to it, and the judge of what a fault
 * did to it.
 */
export class Bed {
  readonly side: FarSide;
  readonly #ignored: ReadonlySet<string>;
  /** Lines of a manifest: what stands there, and came from nobody here. */
  readonly #foreign: readonly string[];
  readonly #before: string;

  private constructor(side: FarSide, { ignored = [] }: Scenario, foreign: readonly string[]) {
    this.side = side;
    this.#ignored = new Set(ignored);
    this.#foreign = foreign;
    this.#before = fingerprint(side.repo.root);
    execFileSync('cp', ['-a', this.#root, this.#template]);
  }

  static async make(scenario: Scenario): Promise<Bed> {
    const side = new FarSide();
    await scenario.landed?.(side);
    const landed = new Set(standing(side));
    scenario.since(side);
    return new Bed(
      side,
      scenario,
      standing(side).filter((line) => !landed.has(line)),
    );
  }

  /** Both sides as they were, the files in the places where they were. */
  restore(): void {
    execFileSync('sh', ['-c', 'rm -rf "$1" && cp -a "$2" "$1"', 'sh', this.#root, this.#template]);
    // A copy has other inodes and times, and git would read every file again.
    for (const [gitDir, workTree] of this.#shadows()) {
      const args = [`--git-dir=${gitDir}`, `--work-tree=${workTree}`, 'update-index', '-q', '--refresh'];
      execFileSync('sh', ['-c', 'git "$@" >/dev/null || :', 'sh', ...args], { cwd: workTree });
    }
  }

  remove(): void {
    this.side.remove();
    execFileSync('sh', ['-c', 'rm -rf "$1".*', 'sh', this.#root]);
  }

  /**
   * The user's files and `.git`, byte for byte, and no lock that a dead sync holds. (Half an object, or git's own lock on
   * the shadow, may be left of a git that was ended: the next snapshot and git's gc sweep them up.)
   */
  expectNothingHalfDone(): void {
    expect(fingerprint(this.side.repo.root)).toBe(this.#before);
    const left = [...entries(this.side.stateDir), ...entries(path.join(this.side.stateDir, 'shadows'))];
    expect(left.filter((name) => name.endsWith('.lock'))).toEqual([]);
  }

  /** All that stood there and came from nobody here stands there still, or can be had back from saved drift. */
  expectNothingLost(): void {
    const there = new Set(standing(this.side));
    const gone = this.#foreign.filter((line) => !there.has(line));
    expect(gone.filter((line) => this.#ignored.has(pathOf(line)))).toEqual([]);
    const saved = gone.length === 0 ? new Set() : this.#saved(new Set(gone.map(pathOf)));
    expect(gone.filter((line) => !saved.has(line))).toEqual([]);
  }

  /** What stood at a path over there is saved, if it stands there no more. */
  expectKept(file: string, content: string): void {
    const line = `${file} file ${createHash('sha256').update(content).digest('hex')}`;
    expect([...standing(this.side), ...this.#saved(new Set([file]))]).toContain(line);
  }

  /** The tree stands, nothing is lost, and here nothing is left behind. */
  expectStands(): void {
    expect(this.side.there((file) => this.#ignored.has(file))).toEqual(this.side.here());
    this.expectNothingLost();
    this.expectNothingHalfDone();
  }

  /** Another sync sends nothing and changes nothing. */
  async expectNothingToDo(): Promise<void> {
    expect(await this.side.sync()).toMatchObject({ upToDate: true, sentBytes: 0, drift: null });
    this.expectStands();
    expect(this.#leftThere()).toEqual([]);
  }

  /** A place that `restore` leaves alone. */
  outside(name: string): string {
    return `${this.#root}.${name}`;
  }

  get #root(): string {
    return path.dirname(this.side.stateDir);
  }

  get #template(): string {
    return this.outside('template');
  }

  /** Locks and notes of a landing under way, in the shadow there. */
  #leftThere(): string[] {
    const [shadow = ''] = farShadows(this.side);
    const names = readdirSync(shadow, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => /\.lock$|lock\.|sidecar\/(lock|writer|untold)|refs\/sidecar\/landing$/.test(name));
  }

  #shadows(): (readonly [string, string])[] {
    const near = path.join(this.side.stateDir, 'shadows');
    const all = [
      ...entries(near).map((name) => [path.join(near, name), this.side.repo.root] as const),
      ...farShadows(this.side).map((shadow) => [shadow, this.side.workspace] as const),
    ];
    return all.filter(([gitDir, workTree]) => exists(path.join(gitDir, 'index')) && exists(workTree));
  }

  /** What saved drift holds at these paths, as lines of a manifest, read from the objects themselves. */
  #saved(paths: ReadonlySet<string>): Set<string> {
    const refs = lines(this.#git(['for-each-ref', '--format=%(refname)', 'refs/sidecar/drift']));
    const held = refs
      .flatMap((ref) => lines(this.#git(['ls-tree', '-r', ref])))
      .map((entry) => /^(\d+) \w+ (\w+)\t(.*)$/.exec(entry) ?? [])
      .filter(([, , , name = '']) => paths.has(name));
    const hashes = contentHashes(this.#git(['cat-file', '--batch'], held.map(([, , id]) => `${id}\n`).join('')));
    return new Set(held.map(([, mode = '', id = '', name]) => `${name} ${kinds[mode]} ${hashes.get(id)}`));
  }

  /** git in the shadow there. */
  #git(args: readonly string[], input = ''): Buffer {
    const [gitDir = ''] = farShadows(this.side);
    return execFileSync('git', [`--git-dir=${gitDir}`, ...args], { input, stdio: ['pipe', 'pipe', 'ignore'] });
  }
}

const kinds: Readonly<Record<string, string>> = { '100644': 'file', '100755': 'exec', '120000': 'link' };

/** What `cat-file --batch` says, as SHA-256 by object id. */
function contentHashes(output: Buffer): Map<string, string> {
  const hashes = new Map<string, string>();
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    const [id = '', type, size] = output.subarray(at, end).toString().split(' ');
    at = end + 1;
    if (type !== 'blob') continue; // `missing` has no content
    const content = output.subarray(at, at + Number(size));
    hashes.set(id, createHash('sha256').update(content).digest('hex'));
    at += content.length + 1;
  }
  return hashes;
}

const lines = (output: Buffer): string[] => output.toString().split('\n').slice(0, -1);

/** What stands there, as a manifest: the workspace need not exist. */
function standing({ workspace }: FarSide): string[] {
  return exists(workspace) ? manifest(workspace, filesBelow(workspace)) : [];
}

/** The paths in these tests hold no space. */
const pathOf = (line: string): string => line.slice(0, line.indexOf(' '));

function farShadows(side: FarSide): string[] {
  const workspaces = path.join(side.home, '.local/state/sidecar/workspaces');
  return entries(workspaces).map((name) => path.join(workspaces, name));
}

const entries = (directory: string): string[] => (exists(directory) ? readdirSync(directory) : []);

const exists = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;
