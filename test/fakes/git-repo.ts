import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { removeDirectory } from './remove-directory.js';

/** A directory of its own for a test, removed by `remove`. */
export interface Scratch {
  readonly path: string;
  remove(): void;
}

export function scratch(name = 'sidecar-test-'): Scratch {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), name)));
  return {
    path: directory,
    remove: () => removeDirectory(directory),
  };
}

/** The environment of a user with an empty home and a name; nothing of the machine's git configuration. */
export function userEnv(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
}

/** A real git repository, with an isolated home. Paths and contents may be bytes. */
export class GitRepo {
  readonly env: Record<string, string>;

  constructor(
    readonly root: string,
    home: string,
  ) {
    this.env = userEnv(home);
    mkdirSync(root, { recursive: true });
  }

  static init(root: string, home: string, ...options: string[]): GitRepo {
    const repo = new GitRepo(root, home);
    repo.git('init', '-q', '-b', 'main', ...options);
    return repo;
  }

  git(...args: string[]): string {
    return this.bytes(...args)
      .toString('utf8')
      .trim();
  }

  bytes(...args: string[]): Buffer {
    return execFileSync('git', args, { cwd: this.root, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  write(file: string | Buffer, content: string | Buffer, mode?: number): void {
    const full = Buffer.concat([Buffer.from(this.root + '/'), Buffer.from(file)]);
    const parent = full.subarray(0, full.lastIndexOf('/'));
    mkdirSync(parent, { recursive: true });
    rmSync(full, { recursive: true, force: true });
    writeFileSync(full, content, mode === undefined ? {} : { mode });
  }

  /** As `write`, in one step, for whoever watches: at no moment there is no such file, or half of it. */
  replace(file: string, content: string): void {
    const draft = `${this.root}.draft`;
    writeFileSync(draft, content);
    renameSync(draft, path.join(this.root, file));
  }

  commit(message = 'a commit'): string {
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '--no-verify', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }
}

/** Every path that git takes for the working tree, in each nested repository too: the oracle of what travels. */
export function oraclePaths(repo: GitRepo, directory = ''): string[] {
  const cwd = path.join(repo.root, directory);
  const listed = execFileSync('git', ['-c', 'core.fsmonitor=false', 'ls-files', '-co', '--exclude-standard', '-z'], {
    cwd,
    env: repo.env,
  });
  const found = new Set<string>();
  for (const name of listed.toString('latin1').split('\0')) {
    if (name === '') continue;
    const relative = directory + name;
    const stats = lstat(repo.root, relative);
    if (stats === undefined) continue;
    if (!stats.isDirectory()) found.add(relative);
    else if (lstat(repo.root, `${relative.replace(/\/$/, '')}/.git`) !== undefined) {
      for (const inner of oraclePaths(repo, relative.replace(/\/?$/, '/'))) found.add(inner);
    }
  }
  return [...found].sort();
}

/** Path bytes, type, exec bit and SHA-256 of each path: what must be equal on both sides. */
export function manifest(root: string, paths: readonly string[]): string[] {
  return [...paths].sort().map((relative) => {
    const full = Buffer.concat([Buffer.from(root + '/'), Buffer.from(relative, 'latin1')]);
    const stats = lstatSync(full);
    const content = stats.isSymbolicLink() ? readlinkSync(full, 'buffer') : readFileSync(full);
    const kind = stats.isSymbolicLink() ? 'link' : (stats.mode & 0o100) !== 0 ? 'exec' : 'file';
    return `${relative} ${kind} ${createHash('sha256').update(content).digest('hex')}`;
  });
}

/** Every file below a directory but those in a `.git`, as byte paths (latin1). */
export function filesBelow(root: string, directory = ''): string[] {
  const full = Buffer.concat([Buffer.from(root + '/'), Buffer.from(directory, 'latin1')]);
  return readdirSync(full, { withFileTypes: true, encoding: 'buffer' }).flatMap((entry) => {
    const relative = directory + entry.name.toString('latin1');
    if (entry.name.toString() === '.git') return [];
    return entry.isDirectory() ? filesBelow(root, relative + '/') : [relative];
  });
}

/** Content, mode and time of everything below a directory: equal means untouched. */
export function fingerprint(root: string): string {
  const hash = createHash('sha256');
  const visit = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const full = path.join(directory, name);
      const stats = lstatSync(full);
      hash.update(`${full.slice(root.length)} ${stats.mode} `);
      if (stats.isDirectory()) visit(full);
      else hash.update(stats.isSymbolicLink() ? readlinkSync(full) : readFileSync(full));
    }
  };
  visit(root);
  return hash.digest('hex');
}

function lstat(root: string, relative: string): ReturnType<typeof lstatSync> {
  const file = Buffer.concat([Buffer.from(root + '/'), Buffer.from(relative, 'latin1')]);
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    // Behind a link that leads back to itself there is nothing either.
    if (/ELOOP|ENAMETOOLONG/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
