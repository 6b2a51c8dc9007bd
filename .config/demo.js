// `npm run demo`: the main job from start to end, on a machine that sidecar makes on this computer. Every line after a
// `$` is the real command, and what follows is what it prints. It leaves nothing behind.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const tree = fileURLToPath(new URL('..', import.meta.url));
const program = path.join(tree, 'dist/cmd/sidecar.js');
const home = mkdtempSync(path.join(tmpdir(), 'sidecar-demo-'));
const settings = Object.keys(process.env).filter((name) => name.startsWith('SIDECAR_'));
const env = { ...process.env, ...Object.fromEntries(settings.map((name) => [name, undefined])), SIDECAR_HOME: home };

/** Runs one command as a user would type it. Returns what it printed on stdout where that is asked for. */
function sidecar(args, { capture = false } = {}) {
  console.log(`\n$ sidecar ${args.join(' ')}`);
  const stdio = ['inherit', capture ? 'pipe' : 'inherit', 'inherit'];
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    cwd: tree,
    env,
    stdio,
    encoding: 'utf8',
  });
  if (capture) process.stdout.write(stdout);
  if (status !== 0) throw new Error(`sidecar ${args[0]} ended with ${status}`);
  return stdout;
}

/** What stands at a path: its kind, its exec bit, its bytes. */
function describe(file) {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return `link ${readlinkSync(file)}`;
  const bytes = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${(stat.mode & 0o100) === 0 ? 'file' : 'program'} ${bytes}`;
}

/** git lists a tracked file that was deleted, too. */
function isThere(file) {
  return lstatSync(path.join(tree, file), { throwIfNoEntry: false }) !== undefined;
}

/** The oracle: git's own list of the working tree, compared path by path without any part of sidecar. */
function compare(workspace) {
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: tree, encoding: 'utf8' });
  const files = [...new Set(listing.split('\0').filter((file) => file !== '' && isThere(file)))];
  for (const file of files) {
    if (describe(path.join(tree, file)) !== describe(path.join(workspace, file))) throw new Error(`${file} differs`);
  }
  console.log(`\nCompared by hand: all ${files.length} files of this tree stand in ${workspace}, byte for byte.`);
}

let made = false;
try {
  sidecar(['create', 'demo', '--boot-delay', '5']);
  made = true;
  sidecar(['sync']);
  const { workspace } = JSON.parse(sidecar(['sync', '--json'], { capture: true }));
  compare(workspace);
} finally {
  if (made) sidecar(['delete', 'demo']);
  sidecar(['daemon', 'stop']);
  rmSync(home, { recursive: true, force: true });
}
