import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { branchChange, renamedDirectory, spread, switchedFiles } from './history.js';
import { run, type Place } from './run.js';
import { generateTree, type TreeEntry } from './tree.js';

const bigFileBytes = 50_000_000;

/**
 * The working tree that is synced: a repository with two commits on `main`, the second of which edits a few files, and
 * one more on `feature`; all of it in one pack, as after a clone.
 */
export class Project {
  #edits = 0;

  private constructor(
    private readonly place: Place,
    readonly files: number,
    /** Files with text in them that are on both branches. */
    private readonly texts: readonly string[],
    private readonly movable: string,
  ) {}

  get root(): string {
    return this.place.cwd;
  }

  static async generate(root: string, files: number, { env, signal }: Omit<Place, 'cwd'>): Promise<Project> {
    const place = { cwd: root, env, signal };
    const paths: string[] = [];
    const texts: string[] = [];
    for (const entry of generateTree(files)) {
      signal.throwIfAborted();
      await write(root, entry);
      paths.push(entry.path);
      if (entry.kind === 'text' && entry.content !== '') texts.push(entry.path);
    }
    const change = branchChange(texts, switchedFiles(files));
    const removed = new Set(change.removed);
    const kept = texts.filter((each) => !removed.has(each));
    const project = new Project(place, files, kept, renamedDirectory(paths));
    await project.#git('init', '--quiet', '--initial-branch=main');
    // It would run in the background, while something is timed.
    await project.#git('config', 'gc.auto', '0');
    await project.#commit('generated');
    await project.edit(20);
    await project.#commit('some edits');
    await project.#git('checkout', '--quiet', '-b', 'feature');
    await project.#editAll(change.edited);
    for (const file of change.removed) await rm(path.join(root, file));
    for (const file of change.added) await writeFile(path.join(root, file), `only on one branch: ${file}\n`);
    await project.#commit('a feature');
    await project.#git('checkout', '--quiet', 'main');
    await project.#git('repack', '-a', '-d', '--quiet');
    return project;
  }

  /** Brings the tree back to what `main` holds. */
  async reset(): Promise<void> {
    await this.#git('checkout', '--quiet', '--force', 'main');
    await this.#git('clean', '--quiet', '--force', '-d');
  }

  /** Makes, in an empty or missing directory, a clone that has no commit but the one before the last of `main`. */
  async cloneOneBehind(directory: string): Promise<void> {
    await this.#git('branch', '--force', 'behind', 'main~1');
    // A local clone would bring every object along.
    const only = ['--no-local', '--single-branch', '--branch=behind'];
    await this.#git('clone', '--quiet', ...only, this.root, directory);
    await run('git', ['branch', '--move', 'behind', 'main'], { ...this.place, cwd: directory });
    await this.#git('branch', '--quiet', '--delete', '--force', 'behind');
  }

  /** The commit that is checked out. */
  async head(): Promise<string> {
    return (await this.#git('rev-parse', 'HEAD')).trim();
  }

  async switchBranch(): Promise<void> {
    await this.#git('checkout', '--quiet', 'feature');
  }

  /** Adds a line in the middle of so many files, spread over the tree. */
  async edit(count: number): Promise<void> {
    await this.#editAll(spread(this.texts, count, this.#edits));
  }

  async renameDirectory(): Promise<void> {
    await rename(path.join(this.root, this.movable), path.join(this.root, `${this.movable}-renamed`));
  }

  /** Bytes that nobody can compress, as in an archive or an image. */
  async addBigFile(): Promise<void> {
    await writeFile(this.#bigFile, createHash('shake256', { outputLength: bigFileBytes }).update('big').digest());
  }

  /** Puts a hundred bytes into the middle of it. */
  async changeBigFile(): Promise<void> {
    const bytes = await readFile(this.#bigFile);
    const middle = bytes.length / 2;
    const more = Buffer.alloc(100, 'small change');
    await writeFile(this.#bigFile, Buffer.concat([bytes.subarray(0, middle), more, bytes.subarray(middle)]));
  }

  get #bigFile(): string {
    return path.join(this.root, 'big.bin');
  }

  /** A file grows with each edit: rsync takes one of the same size and the same second for unchanged. */
  async #editAll(files: readonly string[]): Promise<void> {
    this.#edits += 1;
    for (const [index, each] of files.entries()) {
      const file = path.join(this.root, each);
      const lines = (await readFile(file, 'utf8')).split('\n');
      lines.splice(Math.floor(lines.length / 2), 0, `// edit ${this.#edits}.${index}`);
      await writeFile(file, lines.join('\n'));
    }
  }

  async #commit(message: string): Promise<void> {
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', `--message=${message}`);
  }

  async #git(...args: string[]): Promise<string> {
    return (await run('git', args, this.place)).stdout;
  }
}

async function write(root: string, entry: TreeEntry): Promise<void> {
  const file = path.join(root, entry.path);
  await mkdir(path.dirname(file), { recursive: true });
  if (entry.kind === 'link') return symlink(entry.target, file);
  await writeFile(file, entry.content);
  if (entry.kind === 'text' && entry.executable) await chmod(file, 0o755);
}
