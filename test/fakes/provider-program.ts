import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderProgram } from '../../src/provider/exec/program.js';

/** A provider program of its own: a shell script that is called with `capabilities`, `create` and so on in `$1`. */
export async function writeProviderProgram(directory: string, name: string, script: string): Promise<ProviderProgram> {
  const file = join(directory, `sidecar-provider-${name}`);
  await writeFile(file, script.startsWith('#!') ? script : `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return { name, command: [file], source: 'path' };
}
