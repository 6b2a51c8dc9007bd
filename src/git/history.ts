import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readingOnly, type Environment } from './environment.js';
import { runGit, type GitPlace } from './run.js';
import type { WorkingTree } from './working-tree.js';

/** What `git log`, `git describe` and a comparison with the upstream read, as it stands in the user's repository. */
export interface History {
  /** The commit that HEAD names. */
  readonly tip: string;
  /** As in `refs/heads/main`; null where HEAD is on no branch. */
  readonly branch: string | null;
  /** Tags of commits that HEAD contains, the latest first. */
  readonly tags: readonly Ref[];
  /** Branches of remotes that people compare with: the main ones, and the upstream. */
  readonly remotes: readonly Ref[];
  /** What `origin/HEAD` stands for, if it does. */
  readonly originHead: string | null;
  /** Commits whose parents are missing here. */
  readonly shallow: readonly string[];
  /** The same for the same history. */
  readonly digest: string;
}

export interface Ref {
  readonly name: string;
  readonly id: string;
}

/** Beyond this many, the oldest tags stay here. */
const mostTags = 2_000;

/** What projects call the branch that others start from. */
const mainNames = new Set(['main', 'master', 'trunk', 'develop', 'dev']);

/** Undefined where there is no repository, or no commit yet. Throws what `runGit` throws. */
export async function readHistory(
  tree: WorkingTree,
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<History | undefined> {
  const { repository } = tree;
  if (repository?.head === undefined) return undefined;
  const tip = repository.head;
  const place: GitPlace = { cwd: tree.root, env: readingOnly(env), signal };
  const lines = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await runGit(place, args, { accept: [0, 1, 128] });
    // A name that is no text cannot be told to the other side.
    return stdout
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.includes('\uFFFD'));
  };
  const [onBranch, upstream, tags, remotes, shallow] = await Promise.all([
    lines('symbolic-ref', '--quiet', 'HEAD'),
    lines('rev-parse', '--symbolic-full-name', '@{upstream}'),
    lines('for-each-ref', `--merged=${tip}`, '--sort=-creatordate', `--count=${mostTags}`, format, 'refs/tags'),
    lines('for-each-ref', format, 'refs/remotes'),
    readFile(repository.shallow, 'latin1').catch(() => ''),
  ]);
  const branch = onBranch.find((line) => line.startsWith('refs/heads/')) ?? null;
  const all = remotes.map(parse);
  const originHead = all.find(({ name }) => name === 'refs/remotes/origin/HEAD')?.target ?? null;
  const own = branch?.slice('refs/heads/'.length);
  const isCompared = (name: string): boolean => {
    const short = name.split('/').slice(3).join('/');
    return name === originHead || upstream.includes(name) || mainNames.has(short) || short === own;
  };
  const history = {
    ...{ tip, branch, originHead },
    tags: tags.map(parse).map(({ name, id }) => ({ name, id })),
    remotes: all.filter(({ name, target }) => target === '' && isCompared(name)).map(({ name, id }) => ({ name, id })),
    shallow: shallow.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line)),
  };
  return { ...history, digest: createHash('sha256').update(JSON.stringify(history)).digest('hex') };
}

const format = '--format=%(objectname) %(refname) %(symref)';

function parse(line: string): Ref & { readonly target: string } {
  const [id = '', name = '', target = ''] = line.split(' ');
  return { id, name, target };
}
