import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltProgram {
  /** `dist`, or a directory like it. */
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * The program as the sources are now, for tests that need processes of their own: `dist`, which `npm test` has just
 * built, or when that is missing or old, a build for this test alone.
 */
export async function builtProgram(): Promise<BuiltProgram> {
  const dist = join(root, 'dist');
  const builtMs = await newestMs(dist, '.js');
  const changedMs = Math.max(await newestMs(join(root, 'src'), '.ts'), await newestMs(join(root, 'cmd'), '.ts'));
  return builtMs > changedMs ? { directory: dist, remove: () => Promise.resolve() } : build();
}

/** Only inside the package does Node find the dependencies, and under `node_modules` git ignores it. */
async function build(): Promise<BuiltProgram> {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'sidecar-test-'));
  await writeFile(join(directory, 'package.json'), '{"type": "module"}');
  const project = join(root, '.config', 'tsconfig.build.json');
  const options = ['-p', project, '--noCheck', '--declaration', 'false', '--outDir', directory];
  await promisify(execFile)(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...options]);
  return { directory, remove: () => rm(directory, { recursive: true }) };
}

async function newestMs(directory: string, extension: string): Promise<number> {
  const paths = await readdir(directory, { recursive: true }).catch(() => []);
  const files = paths.filter((path) => path.endsWith(extension));
  const times = await Promise.all(files.map(async (path) => (await stat(join(directory, path))).mtimeMs));
  return Math.max(0, ...times);
}
