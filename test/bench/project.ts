import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, type Place } from './run.js';
import { generateTree, randomFrom, type TreeEntry } from './tree.js';

/** The working tree that is synced: a repository with one commit that holds all of it, in one pack as after a clone. */
export class Project {
  #edits = 0;

  private constructor(
    readonly root: string,
    readonly files: number,
    /** The files that an edit may be made in. */
    private readonly texts: readonly string[],
  ) {}

  static async generate(root: string, files: number, { env, signal }: Omit<Place, 'cwd'>): Promise<Project> {
    const texts: string[] = [];
    for (const entry of generateTree(files)) {
      signal.throwIfAborted();
      await write(root, entry);
      if (entry.kind === 'text' && entry.content !== '') texts.push(entry.path);
    }
    const git = (...args: string[]) => run('git', args, { cwd: root, env, signal });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '--all');
    await git('commit', '--quiet', '--message=generated');
    await git('repack', '-a', '-d', '--quiet');
    return new Project(root, files, texts);
  }

  /**
   * Adds a line in the middle of so many files, spread over the tree. A file grows with each edit: rsync takes one of
   * the same size and the same second for unchanged.
   */
  async edit(count: number): Promise<void> {
    this.#edits += 1;
    const random = randomFrom(this.#edits);
    const few = Math.min(count, this.texts.length);
    const stride = Math.floor(this.texts.length / few);
    const start = Math.floor(random() * this.texts.length);
    for (let index = 0; index < few; index += 1) {
      const file = path.join(this.root, this.texts[(start + index * stride) % this.texts.length] ?? '');
      const lines = (await readFile(file, 'utf8')).split('\n');
      lines.splice(Math.floor(lines.length / 2), 0, `// edit ${this.#edits}, ${Math.floor(random() * 1e9)}`);
      await writeFile(file, lines.join('\n'));
    }
  }
}

async function write(root: string, entry: TreeEntry): Promise<void> {
  const file = path.join(root, entry.path);
  await mkdir(path.dirname(file), { recursive: true });
  if (entry.kind === 'link') return symlink(entry.target, file);
  await writeFile(file, entry.content);
  if (entry.kind === 'text' && entry.executable) await chmod(file, 0o755);
}
