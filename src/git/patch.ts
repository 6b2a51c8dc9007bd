import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { failure, runGit, startGit, type GitPlace } from './run.js';
import type { Shadow } from './shadow.js';

/**
 * The difference between two trees as text. A pack holds every changed file and every directory above one as an object
 * of its own, with an id that does not compress: 130 bytes for a line in a file, and more. Text that is compressed as a
 * whole takes 20.
 */
export interface Patch {
  /** What the text is to be applied to: what was asked for, with all that no text says well already in it. */
  readonly from: string;
  /** Whether that is another tree, to be sent too. */
  readonly fromIsNew: boolean;
  /** The blob that holds the text; see below. */
  readonly text: string;
}

/** With fewer files whose content is new than this a pack is small, and sooner there. */
const fewestContents = 64;

/** So many files that only moved, for each whose content is new, and more: a pack may move them with their directory. */
const mostMovedEach = 4;

/** A text that is longer, in bytes, is not held in memory. */
const textLimit = 16 * 1024 * 1024;

/** Files above this size are not compared line by line. */
const largestFile = '1m';

/** Bytes that a change may remove beyond those it adds. A patch says what is removed; a pack leaves it out. */
const removedBeyondAdded = 256;

/**
 * Writes the difference between two trees, or commits, as text into the shadow. Null where a pack serves better: for few
 * changes, for very many, and where hardly any is in the lines of a text.
 *
 * The text is git's, with two kinds of line instead of the headers of what is most frequent: `D path` for a file that
 * goes, `M path` for one whose lines change. `git apply` takes the rest as it is.
 */
export async function writePatch(shadow: Shadow, from: string, to: string): Promise<Patch | null> {
  const compared = ['-r', '-M100%', '--no-abbrev', '--no-ext-diff', '--no-textconv', '--no-color'];
  const raw = await runGit(shadow.place, ['diff-tree', ...compared, '--raw', from, to]);
  const changes = raw.stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line.startsWith(':'))
    .map(parseChange);
  if (changes.filter(isNew).length < fewest(changes)) return null;

  // What is removed whole is not spelled out.
  const asText = ['--patch', '--unified=0', '--irreversible-delete', '--src-prefix=a/', '--dst-prefix=b/'];
  const args = ['-c', `core.bigFileThreshold=${largestFile}`, 'diff-tree', ...compared, ...asText, from, to];
  const diff = await limitedOutput(shadow.place, args, textLimit);
  if (diff === null) return null;
  const sections = diff.split(/(?<=\n)(?=diff --git )/);
  // A change of type is a removal and an addition.
  if (sections.length !== changes.reduce((sum, { status }) => sum + (status === 'T' ? 2 : 1), 0)) return null;

  let contents = 0;
  const said: string[] = [];
  const rest: string[] = [];
  let next = 0;
  for (const change of changes) {
    const section = sections[next] ?? '';
    next += change.status === 'T' ? 2 : 1;
    const text = change.status === 'D' ? `D ${change.path}\n` : sayChange(change, section);
    if (text === null) rest.push(...indexEntries(change));
    else {
      said.push(text);
      if (isNew(change)) contents += 1;
    }
  }
  if (contents < fewest(changes)) return null;
  const stdin = Buffer.from(said.join(''), 'latin1');
  const written = await runGit(shadow.place, ['hash-object', '-w', '--stdin'], { stdin });
  return {
    from: rest.length === 0 ? from : await withEntries(shadow, from, rest),
    fromIsNew: rest.length > 0,
    text: written.stdout.toString('latin1').trim(),
  };
}

/** One entry that differs. Paths are as git quotes them in its output. */
interface Change {
  readonly oldMode: string;
  readonly mode: string;
  readonly id: string;
  /** `A`, `D`, `M`, `T` or `R`. */
  readonly status: string;
  readonly oldPath: string;
  readonly path: string;
}

/** `:100644 100644 OLD NEW M<tab>path`, or `:… R100<tab>old<tab>new`. */
function parseChange(line: string): Change {
  const [facts = '', oldPath = '', newPath = oldPath] = line.split('\t');
  const [oldMode = '', mode = '', , id = '', status = ''] = facts.slice(1).split(' ');
  return { oldMode, mode, id, status: status.slice(0, 1), oldPath, path: newPath };
}

const isNew = ({ status }: Change): boolean => status !== 'D' && status !== 'R';

/** How many files with new content make a text worth its while. */
const fewest = (changes: readonly Change[]): number =>
  Math.max(fewestContents, changes.filter(({ status }) => status === 'R').length / mostMovedEach);

const isFile = (mode: string): boolean => mode === '100644' || mode === '100755';

/** A change as text, or null where a pack says it better, or safer. */
function sayChange({ status, oldMode, mode, path }: Change, section: string): string | null {
  const files = isFile(mode) && (status === 'A' || (isFile(oldMode) && (status === 'M' || status === 'R')));
  if (!files || section.includes('\0')) return null;
  const at = section.indexOf('\n@@ ') + 1;
  const header = at === 0 ? section : section.slice(0, at);
  if (header.includes('\nBinary files ')) return null;
  let removed = 0;
  let added = 0;
  const lines = at === 0 ? [] : section.slice(at).split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('-')) removed += line.length;
    else if (line.startsWith('+')) added += line.length;
    // What follows tells where in the source it is, for people.
    else if (line.startsWith('@@')) lines[index] = line.replace(/^(@@ \S+ \S+ @@).*$/s, '$1');
  }
  if (removed > added + removedBeyondAdded) return null;
  const plain = status === 'M' && oldMode === mode && at > 0 && !/[" ]/.test(path);
  return (plain ? `M ${path}\n` : header.replace(/\nindex .*\n/, '\n')) + lines.join('\n');
}

/** As `update-index --index-info` reads them. */
function indexEntries({ status, mode, id, oldPath, path }: Change): string[] {
  const entry = `${mode} ${id}\t${path}`;
  return status === 'R' ? [`0 ${'0'.repeat(id.length)}\t${oldPath}`, entry] : [entry];
}

/** A tree with some entries replaced. */
async function withEntries(shadow: Shadow, tree: string, entries: readonly string[]): Promise<string> {
  const index = path.join(shadow.gitDir, `index.${randomBytes(8).toString('hex')}`);
  const place = { ...shadow.place, env: { ...shadow.place.env, GIT_INDEX_FILE: index } };
  try {
    await runGit(place, ['read-tree', tree]);
    const stdin = Buffer.from(entries.join('\n') + '\n', 'latin1');
    await runGit(place, ['update-index', '--replace', '--index-info'], { stdin });
    const { stdout } = await runGit(place, ['write-tree', '--missing-ok']);
    return stdout.toString('latin1').trim();
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

/** What git prints, one character for each byte, or null when it is more than the limit. */
async function limitedOutput(place: GitPlace, args: readonly string[], limit: number): Promise<string | null> {
  const git = startGit(place, args);
  git.stdin.on('error', () => undefined);
  git.stdin.end();
  const chunks: Buffer[] = [];
  let bytes = 0;
  git.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limit) git.stop();
    else chunks.push(chunk);
  });
  const { code, stderr } = await git.finished;
  if (bytes > limit) return null;
  if (code !== 0) throw failure(['diff-tree'], code, stderr);
  return Buffer.concat(chunks).toString('latin1');
}
