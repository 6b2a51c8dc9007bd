import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface BuiltModules {
  /** Holds `cmd` and `src` as they are now, module by module. */
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * The sources as JavaScript, for tests that need processes of their own with modules that the built program does not
 * give out. Only inside the package does Node find the dependencies, and under `node_modules` git ignores it.
 */
export async function builtModules(): Promise<BuiltModules> {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'sidecar-test-'));
  const project = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { noEmit: false, noCheck: true, types: [], outDir: directory, rootDir: root },
    include: [join(root, 'cmd'), join(root, 'src')],
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(project));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', directory]);
  return { directory, remove: () => rm(directory, { recursive: true }) };
}
