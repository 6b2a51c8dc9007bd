import { constants } from 'node:fs';
import { access, lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { SkipReason } from '../events.js';
import { withLock } from '../files/lock.js';
import { makePrivateDirectory } from '../files/private-files.js';
import { Disk } from '../git/disk.js';
import { shadowEnvironment, type Environment } from '../git/environment.js';
import { listWorkingTree, type Listing } from '../git/listing.js';
import { joinNul, splitNul, toBytes, toText, type BytePath } from '../git/path-bytes.js';
import { runGit, type GitPlace } from '../git/run.js';
import { SendRules, type SendVerdict } from '../git/send-rules.js';
import { openShadow, shadowPath } from '../git/shadow.js';
import type { WorkingTree } from '../git/working-tree.js';

/** The rule that decides about a path, of git's or of a settings file. */
export interface Rule {
  /** Relative to the working tree, where it is in there. */
  readonly file: string;
  readonly line: number;
  readonly pattern: string;
}

/** Why something is sent. */
type SentReason =
  | 'tracked'
  | 'tracked-ignored'
  | 'untracked'
  /** git ignores it, and the settings include it. */
  | 'included'
  | 'sparse'
  | 'directory';

/** Why nothing is sent of a path. */
type KeptReason =
  | SkipReason
  | 'outside'
  | 'absent'
  /** git knows it, and it is gone: a sync deletes it over there. */
  | 'deleted'
  | 'ignored'
  | 'ignored-by-settings'
  /** The settings include it, but git ignores a directory around it that the pattern does not spell out. */
  | 'included-in-vain'
  | 'behind-link'
  | 'empty-directory'
  /** A directory that holds nothing that is sent. */
  | 'nothing-sent'
  | 'absent-submodule'
  /** The file cannot be read: a sync fails. */
  | 'unreadable'
  | 'not-listed';

export interface PathExplained {
  /** Relative to the working tree; as it was given, where it is outside. Escaped for display. */
  readonly path: string;
  readonly sent: boolean;
  readonly reason: SentReason | KeptReason;
  /** Present where one matches: also one that takes a path back in (`!pattern`), or that git does not heed for a tracked file. */
  readonly rule?: Rule;
  /** The nested repository or submodule that the path belongs to. */
  readonly repository?: string;
  /** The link that the path leads through. */
  readonly link?: string;
  /** How many files of a directory are sent. */
  readonly files?: number;
}

/** Says why a path, absolute, is or is not part of what a sync sends. Needs no sidecar. Throws what a snapshot throws. */
export async function explainPath(
  tree: WorkingTree,
  target: string,
  options: {
    readonly env: Environment;
    readonly stateDir: string;
    /** What the settings say of what is sent. */
    readonly rules?: SendRules;
    readonly signal?: AbortSignal;
  },
): Promise<PathExplained> {
  const relative = await within(tree.root, target);
  if (relative === undefined) return { path: target, sent: false, reason: 'outside' };
  const asked = relative === '' ? '' : Buffer.from(relative).toString('latin1');
  const about = { path: asked === '' ? '.' : toText(asked) };
  if (/(^|\/)\.git(\/|$)/i.test(asked)) return { ...about, sent: false, reason: 'git-directory' };
  const link = await linkOnTheWay(tree.root, asked);
  if (link !== undefined) return { ...about, sent: false, reason: 'behind-link', link: toText(link) };

  const listing = await list(tree, options);
  const stats = await lstat(placeOf(tree.root, asked)).catch(() => undefined);
  const isDirectory = stats?.isDirectory() === true;
  const verdict = (options.rules ?? SendRules.none).verdict(isDirectory ? `${asked}/` : asked);
  const prefix = longest(listing.repositories.keys(), asked);
  const inRepository = prefix === '' ? {} : { repository: toText(prefix) };
  if (verdict?.kind === 'ignored') {
    const rule = ofSettings(tree, verdict);
    return { ...about, ...inRepository, rule, sent: false, reason: 'ignored-by-settings' };
  }
  const place = listing.repositories.get(prefix);
  const byGit = await ruleFor(place, prefix, asked);
  const known = { ...about, ...(byGit === undefined ? {} : { rule: byGit }), ...inRepository };
  if (listing.sparse.has(asked)) return { ...known, sent: true, reason: 'sparse' };
  if (isDirectory) return { ...known, ...(await ofDirectory(tree, listing, asked, byGit)) };
  const isIgnored = byGit !== undefined && !byGit.pattern.startsWith('!');
  if (!listing.paths.has(asked)) {
    const reason = stats === undefined ? 'absent' : keptBecause(tree, listing, asked, byGit);
    return {
      ...known,
      sent: false,
      reason: reason === 'ignored' && verdict !== undefined ? 'included-in-vain' : reason,
    };
  }
  const kind = new Disk(tree.root).kindOf(asked);
  if (kind !== 'file') return { ...known, sent: false, reason: kind === 'absent' ? 'deleted' : notFile(kind) };
  const readable = stats?.isSymbolicLink() === true || (await mayRead(placeOf(tree.root, asked)));
  if (!readable) return { ...known, sent: false, reason: 'unreadable' };
  if (await isTracked(tree, place, asked.slice(prefix.length))) {
    return { ...known, sent: true, reason: isIgnored ? 'tracked-ignored' : 'tracked' };
  }
  if (verdict === undefined || !isIgnored) return { ...known, sent: true, reason: 'untracked' };
  return { ...known, rule: ofSettings(tree, verdict), sent: true, reason: 'included' };
}

function ofSettings(tree: WorkingTree, { rule: { file, line, pattern } }: SendVerdict): Rule {
  const inTree = file.startsWith(tree.root + path.sep);
  return { file: inTree ? path.relative(tree.root, file) : file, line, pattern };
}

/** The path relative to the root, or undefined where it is not below it. */
async function within(root: string, target: string): Promise<string | undefined> {
  // The last part may be a link, which is what the question is about.
  const real = await realpath(path.dirname(target)).catch(() => undefined);
  const candidates = [target, ...(real === undefined ? [] : [path.join(real, path.basename(target))])];
  return candidates
    .map((one) => path.relative(root, one))
    .find((one) => one !== '..' && !one.startsWith(`..${path.sep}`) && !path.isAbsolute(one))
    ?.split(path.sep)
    .join('/');
}

async function linkOnTheWay(root: string, asked: BytePath): Promise<BytePath | undefined> {
  for (let end = asked.indexOf('/'); end > 0; end = asked.indexOf('/', end + 1)) {
    const stats = await lstat(placeOf(root, asked.slice(0, end))).catch(() => undefined);
    if (stats?.isSymbolicLink() === true) return asked.slice(0, end);
  }
  return undefined;
}

/** What a snapshot would ask git, in a shadow of the same kind. */
async function list(
  tree: WorkingTree,
  { env, stateDir, rules, signal }: Parameters<typeof explainPath>[2],
): Promise<Listing> {
  const place = shadowPath(tree, stateDir);
  await makePrivateDirectory(path.dirname(place));
  return withLock(
    place,
    async () => {
      const { gitDir } = await openShadow(tree, { stateDir, env, signal });
      return listWorkingTree({
        ...{ root: tree.root, isRepository: tree.repository !== undefined, env, rules, signal, linkDirectory: gitDir },
        shadowEnv: (workTree) => shadowEnvironment(env, gitDir, workTree),
      });
    },
    { signal },
  );
}

async function ofDirectory(
  tree: WorkingTree,
  listing: Listing,
  asked: BytePath,
  rule: Rule | undefined,
): Promise<Pick<PathExplained, 'sent' | 'reason' | 'files'>> {
  const below = asked === '' ? '' : `${asked}/`;
  const files = [...listing.paths, ...listing.sparse.keys()].filter((one) => one.startsWith(below)).length;
  if (files > 0) return { sent: true, reason: 'directory', files };
  const entries = await readdir(placeOf(tree.root, asked)).catch(() => undefined);
  if (entries === undefined) return { sent: false, reason: 'unreadable-directory' };
  const reason = keptBecause(tree, listing, asked, rule);
  if (reason === 'ignored' || reason === 'absent-submodule') return { sent: false, reason };
  return { sent: false, reason: entries.length === 0 ? 'empty-directory' : 'nothing-sent' };
}

/** Why a path is not in the listing. */
function keptBecause(tree: WorkingTree, listing: Listing, asked: BytePath, rule: Rule | undefined): KeptReason {
  if (listing.absentSubmodules.some((one) => `${asked}/`.startsWith(one))) return 'absent-submodule';
  if (rule !== undefined && !rule.pattern.startsWith('!')) return 'ignored';
  const kind = new Disk(tree.root).kindOf(asked);
  return kind === 'file' || kind === 'absent' ? 'not-listed' : notFile(kind);
}

const notFile = (kind: SkipReason | 'repository'): KeptReason => (kind === 'repository' ? 'not-listed' : kind);

/** The rule that git finds for a path, by itself or by a directory on the way to it. */
async function ruleFor(place: GitPlace | undefined, prefix: BytePath, asked: BytePath): Promise<Rule | undefined> {
  const inner = asked.slice(prefix.length);
  if (place === undefined || inner === '') return undefined;
  const args = ['check-ignore', '-v', '-z', '--no-index', '--stdin'];
  const { stdout, code } = await runGit(place, args, { stdin: joinNul([inner]), accept: [0, 1, 128] });
  const [file = '', line = '', pattern = ''] = splitNul(stdout);
  if (code !== 0 || file === '') return undefined;
  return { file: toText(file.startsWith('/') ? file : prefix + file), line: Number(line), pattern: toText(pattern) };
}

async function isTracked(tree: WorkingTree, place: GitPlace | undefined, inner: BytePath): Promise<boolean> {
  // A directory that is no repository tracks nothing.
  if (place === undefined || tree.repository === undefined) return false;
  const { stdout } = await runGit(place, ['ls-files', '-z', '--cached'], { accept: [0, 128] });
  return splitNul(stdout).includes(inner);
}

const mayRead = (file: Buffer): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => true,
    () => false,
  );

const placeOf = (root: string, asked: BytePath): Buffer => Buffer.concat([Buffer.from(`${root}/`), toBytes(asked)]);

/** The repository that a path belongs to: the innermost. */
const longest = (prefixes: Iterable<BytePath>, asked: BytePath): BytePath =>
  [...prefixes]
    .filter((one) => asked.startsWith(one))
    .reduce((one, other) => (other.length > one.length ? other : one), '');
