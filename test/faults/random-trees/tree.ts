import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';

/** A file or a link as it stands on a disk. */
export interface Entry {
  readonly kind: 'file' | 'exec' | 'link';
  readonly content: Buffer;
  /** Of the file itself: what a look at it must not change. */
  readonly mode: number;
  readonly mtimeNs: bigint;
}

/** Files by path; a path has one character for each byte. */
export type Entries = ReadonlyMap<string, Entry>;

/** The same bytes, type and exec bit, or nothing on both sides. */
export function same(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.kind === other.kind && one.content.equals(other.content);
}

/** Files below a directory, edited and read by the bytes of their paths. What is called `.git` is not part of it. */
export class Tree {
  constructor(readonly root: string) {}

  make(): void {
    mkdirSync(this.root, { recursive: true });
  }

  at(path: string): Buffer {
    return Buffer.concat([Buffer.from(this.root + '/'), Buffer.from(path, 'latin1')]);
  }

  /** Directories and files, each directory before what is in it. */
  nodes(directory = ''): { readonly path: string; readonly isDirectory: boolean }[] {
    const entries = readdirSync(this.at(directory), { withFileTypes: true, encoding: 'buffer' });
    return entries
      .map((entry) => ({ name: entry.name.toString('latin1'), isDirectory: entry.isDirectory() }))
      .filter(({ name }) => name !== '.git')
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ name, isDirectory }) => {
        const path = directory + name;
        return [{ path, isDirectory }, ...(isDirectory ? this.nodes(path + '/') : [])];
      });
  }

  leaves(): string[] {
    return this.nodes()
      .filter((node) => !node.isDirectory)
      .map((node) => node.path);
  }

  /** Directories that hold a repository of their own. */
  repositories(): string[] {
    return this.nodes()
      .filter((node) => node.isDirectory && this.stats(node.path + '/.git') !== undefined)
      .map((node) => node.path);
  }

  read(path: string): Entry {
    const stats = lstatSync(this.at(path), { bigint: true });
    const { mtimeNs } = stats;
    const mode = Number(stats.mode);
    if (stats.isSymbolicLink()) return { kind: 'link', content: readlinkSync(this.at(path), 'buffer'), mode, mtimeNs };
    return { kind: (mode & 0o100) === 0 ? 'file' : 'exec', content: readFileSync(this.at(path)), mode, mtimeNs };
  }

  entries(paths: Iterable<string> = this.leaves()): Map<string, Entry> {
    return new Map([...paths].map((path) => [path, this.read(path)]));
  }

  /** Of the path itself, and only where every directory on the way is one and no link. */
  stats(path: string): BigIntStats | undefined {
    const look = (one: string): BigIntStats | undefined =>
      lstatSync(this.at(one), { bigint: true, throwIfNoEntry: false });
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      if (look(path.slice(0, end))?.isDirectory() !== true) return undefined;
    }
    return look(path);
  }

  file(path: string, content: Buffer, mode = 0o644): void {
    this.clear(path);
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
  }

  link(path: string, target: string): void {
    this.clear(path);
    symlinkSync(Buffer.from(target, 'latin1'), this.at(path));
  }

  put(path: string, entry: Entry): void {
    if (entry.kind === 'link') this.link(path, entry.content.toString('latin1'));
    else this.file(path, entry.content, entry.kind === 'exec' ? 0o755 : 0o644);
  }

  remove(path: string): void {
    rmSync(this.at(path), { recursive: true, force: true });
  }

  /** Also into itself: `a` may become `a/b`. */
  move(from: string, to: string): void {
    const aside = this.root + '.moving';
    renameSync(this.at(from), aside);
    this.clear(to);
    renameSync(aside, this.at(to));
  }

  /** Takes in what stands outside. */
  adopt(from: string, to: string): void {
    renameSync(from, this.at(to));
  }

  chmod(path: string, mode: number): void {
    chmodSync(this.at(path), mode);
  }

  /** Writes into the file that is there, and puts its time back. */
  overwrite(path: string, content: Buffer): void {
    const { atimeMs, mtimeMs } = lstatSync(this.at(path));
    writeFileSync(this.at(path), content);
    utimesSync(this.at(path), atimeMs / 1000, mtimeMs / 1000);
  }

  touch(path: string): void {
    utimesSync(this.at(path), 1_000_000_000, 1_000_000_000);
  }

  /** Makes room for a path: what stands there goes, and so does what is no directory on the way. */
  clear(path: string): void {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      const stats = this.stats(parent);
      if (stats !== undefined && !stats.isDirectory()) this.remove(parent);
      if (stats?.isDirectory() !== true) mkdirSync(this.at(parent));
    }
    this.remove(path);
  }
}
