import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { builtLibrary } from '../fakes/built-program.js';

describe('in processes of their own', () => {
  let stateDir: string;
  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-processes-'));
  });
  afterAll(async () => {
    await rm(stateDir, { recursive: true });
  });

  it('several writers of the registry lose nothing of each other', async () => {
    const script = `
      const [library, stateDir, prefix] = process.argv.slice(1);
      const { Sidecars } = await import(library);
      const { registry } = new Sidecars({ env: { SIDECAR_HOME: stateDir } });
      for (const name of ['a', 'b', 'c', 'd'].map((letter) => prefix + letter)) {
        await registry.add({ name, createdAt: new Date().toISOString(), hostKeys: [], provider: { kind: 'ssh', host: 'dev' } });
      }
    `;
    const prefixes = ['1', '2', '3', '4', '5'];
    const add = (prefix: string): Promise<unknown> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, builtLibrary, stateDir, prefix]);
    await Promise.all(prefixes.map(add));
    const names = (await new Registry(registryStore(stateDir)).list()).map(({ name }) => name);
    expect(names).toEqual(prefixes.flatMap((prefix) => ['a', 'b', 'c', 'd'].map((letter) => prefix + letter)));
    expect(await readdir(stateDir)).toEqual(['sidecars.json']);
  });
});
