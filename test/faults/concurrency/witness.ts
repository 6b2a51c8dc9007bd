import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../../fakes/git-repo.js';

/** Somebody who works in a directory while others sync it, and remembers every version of every file. */
export class Writer {
  readonly #versions = new Map<string, Set<string>>();
  #count = 0;

  /** `outside` is a directory beside the tree: each file appears whole, by a rename. */
  constructor(
    readonly name: string,
    readonly root: string,
    readonly outside: string,
  ) {}

  write(file: string): void {
    this.#count += 1;
    const line = `${file} by ${this.name}, version ${String(this.#count)}\n`;
    this.put(file, line.repeat(40));
  }

  put(file: string, content: string): void {
    this.remember(file, content);
    const full = path.join(this.root, file);
    const temporary = path.join(this.outside, `.${this.name}`);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, full);
  }

  /** For what was written in another way. */
  remember(file: string, content: string): void {
    const versions = this.#versions.get(file) ?? new Set();
    this.#versions.set(file, versions.add(content));
  }

  wrote(file: string, content: string): boolean {
    return this.#versions.get(file)?.has(content) === true;
  }

  /** What was written, file by file. */
  get versions(): readonly (readonly [file: string, content: string])[] {
    return [...this.#versions].flatMap(([file, contents]) => [...contents].map((content) => [file, content] as const));
  }
}

/** The files of a workspace that hold what none of the writers ever wrote there: torn, mixed or invented. */
export function tornFiles(workspace: string, writers: readonly Writer[]): string[] {
  return filesBelow(workspace).filter((file) => {
    const content = readFileSync(path.join(workspace, file), 'utf8');
    return !writers.some((writer) => writer.wrote(file, content));
  });
}

/** What the resident wrote once over there, and what is now neither in place nor in any saved drift. */
export function lostEdits(resident: Writer, farHome: string): string[] {
  const saved = savedDrift(farHome);
  const lost = resident.versions.filter(([file, content]) => {
    const full = path.join(resident.root, file);
    if (existsSync(full) && readFileSync(full, 'utf8') === content) return false;
    return !saved.has(`${blobId(content)}\t${file}`);
  });
  return lost.map(([file]) => file);
}

/** Every `id<tab>path` that some saved drift holds. */
function savedDrift(farHome: string): Set<string> {
  const shadow = onlyShadow(farHome);
  const git = (...args: string[]): string =>
    execFileSync('git', [`--git-dir=${shadow}`, ...args], { maxBuffer: 1 << 28 }).toString();
  const refs = git('for-each-ref', '--format=%(refname)', 'refs/sidecar/drift').split('\n').slice(0, -1);
  return new Set(
    refs.flatMap((ref) =>
      git('ls-tree', '-r', ref)
        .split('\n')
        .map((line) => line.slice(line.indexOf(' blob ') + ' blob '.length)),
    ),
  );
}

/** The one shadow repository below a home directory over there. */
export function onlyShadow(farHome: string): string {
  const workspaces = path.join(farHome, '.local/state/sidecar/workspaces');
  const [only = '', ...more] = readdirSync(workspaces);
  if (more.length > 0) throw new Error(`several workspaces: ${[only, ...more].join(', ')}`);
  return path.join(workspaces, only);
}

function blobId(content: string): string {
  return createHash('sha1')
    .update(`blob ${String(Buffer.byteLength(content))}\0${content}`)
    .digest('hex');
}

/** Locks and half-made things below a directory of ours: when nobody is at work there are none. */
export function leftovers(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(^|\/)(lock(\..*)?|[^/]*\.(lock|clearing)|[^/]*\.tmp-[^/]*|tmp_[^/]*|writer)$/.test(name),
  );
}

/** The numbers of the live processes that name `directory` among their arguments or in their environment. */
export function processesAbout(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((part) => readProc(pid, part).includes(directory)))
    .map(Number);
}

function readProc(pid: string, part: string): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, 'latin1');
  } catch {
    return ''; // it has ended, or is another user's
  }
}

export interface RegistryFile {
  readonly sidecars: readonly { readonly name: string }[];
  readonly current: Readonly<Record<string, string>>;
}

/** What stands in the state directory of a user, as any reader finds it. */
export class StateDirectory {
  constructor(readonly path: string) {}

  at(...names: string[]): string {
    return path.join(this.path, ...names);
  }

  /** Undefined while there is none. Throws for a file that is not whole. */
  registry(): RegistryFile | undefined {
    const file = this.at('sidecars.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RegistryFile) : undefined;
  }

  /** The sidecars that are registered. */
  names(): string[] {
    return (this.registry()?.sidecars ?? []).map(({ name }) => name).sort();
  }

  /** The local sidecars, and their locks, that there is something of. */
  machines(): string[] {
    return readdirSync(this.at('local'));
  }
}
