import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { builtProgram, type BuiltProgram } from '../provider/built-program.js';

describe('in processes of their own', () => {
  let program: BuiltProgram;
  let stateDir: string;
  beforeAll(async () => {
    program = await builtProgram();
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-processes-'));
  });
  afterAll(async () => {
    await program.remove();
    await rm(stateDir, { recursive: true });
  });

  it('several writers of the registry lose nothing of each other', async () => {
    const script = `
      const [directory, stateDir, prefix] = process.argv.slice(1);
      const { Registry } = await import(directory + '/src/sidecars/registry.js');
      const { registryStore } = await import(directory + '/src/sidecars/registry-file.js');
      const registry = new Registry(registryStore(stateDir));
      for (const name of ['a', 'b', 'c', 'd'].map((letter) => prefix + letter)) {
        await registry.add({ name, createdAt: new Date().toISOString(), hostKeys: [], provider: { kind: 'local' } });
      }
    `;
    const prefixes = ['1', '2', '3', '4', '5'];
    const add = (prefix: string): Promise<unknown> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, program.directory, stateDir, prefix]);
    await Promise.all(prefixes.map(add));
    const names = (await new Registry(registryStore(stateDir)).list()).map(({ name }) => name);
    expect(names).toEqual(prefixes.flatMap((prefix) => ['a', 'b', 'c', 'd'].map((letter) => prefix + letter)));
    expect(await readdir(stateDir)).toEqual(['sidecars.json']);
  });

  it('the settings schema is printed: it describes every key, and allows no other', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(program.directory, 'cmd', 'schema.js')]);
    const schema = JSON.parse(stdout) as { properties: Record<string, { description: string }> };
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
      properties: {
        sidecar: { type: 'string', pattern: expect.stringContaining('[a-z0-9]') as string },
        drift: { enum: ['save', 'refuse'] },
        connectTimeout: { anyOf: [{ type: 'string' }, { type: 'number', exclusiveMinimum: 0 }] },
      },
    });
    expect(Object.keys(schema.properties)).toEqual(['$schema', 'sidecar', 'workdir', 'drift', 'connectTimeout']);
    for (const { description } of Object.values(schema.properties)) expect(description).toMatch(/\w\.$/);
  });
});
