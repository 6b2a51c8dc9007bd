import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';

let user: BuiltProgram;
beforeEach(() => (user = new BuiltProgram()));
afterEach(() => user[Symbol.asyncDispose]());

/** The program as `sidecar` on PATH. */
function installed(): NodeJS.ProcessEnv {
  const bin = user.directory('bin');
  const file = path.join(bin, 'sidecar');
  writeFileSync(file, `#!/bin/sh\nexec ${user.command().join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

describeWith(['bash'], 'sidecar completion', () => {
  it('has bash complete the names of the sidecars that there are', async () => {
    for (const name of ['web', 'db']) await user.type('add', name, 'host.example');
    const line =
      'eval "$(sidecar completion bash)"; COMP_WORDS=(sidecar use "") COMP_CWORD=2; _sidecar; echo "${COMPREPLY[*]}"';
    const { stdout, stderr } = await user.startProgram('bash', ['--norc', '-c', line], installed()).ended;
    expect({ stdout, stderr }).toEqual({ stdout: 'db web\n', stderr: '' });
  });

  it('names the shells that it knows', async () => {
    const { code, stderr } = await user.type('completion', 'tcsh');
    expect(code).toBe(2);
    expect(stderr).toContain('bash, zsh, fish');
  });
});

describe('what a completion script asks for', () => {
  it('is nothing, without a word, where there is no list, or a broken one, or something else is asked for', async () => {
    const nothing = { code: 0, stdout: '', stderr: '' };
    expect(await user.type('__complete', 'names')).toEqual(nothing);
    expect(await user.type('__complete')).toEqual(nothing);
    const state = user.directory('broken');
    mkdirSync(state, { recursive: true });
    writeFileSync(path.join(state, 'sidecars.json'), '{"sidecars": [{"name": "../../x"}, {}');
    expect(await user.startWith({ SIDECAR_HOME: state }, '__complete', 'names').ended).toEqual(nothing);
  });
});
