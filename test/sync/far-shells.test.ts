import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeWith, findPart } from '../fakes/parts.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide({ name: "it's $(a) `nasty` name" });
  side.repo.write('f', 'x\n');
  side.repo.write('new\nline', 'y\n');
  side.repo.write('back\\slash "quoted"', 'z\n');
});
afterEach(() => side.remove());

async function landTwice(options: { shell?: string; farEnv?: Record<string, string> }): Promise<void> {
  await side.sync(options);
  expect(side.there()).toEqual(side.here());
  side.repo.write('f', 'edited\n');
  writeFileSync(path.join(side.workspace, 'back\\slash "quoted"'), 'drift\n');
  writeFileSync(path.join(side.workspace, 'added there'), 'drift\n');
  const second = await side.sync(options);
  expect(side.there()).toEqual(side.here());
  expect(second.drift).toMatchObject({ modified: ['back\\slash "quoted"'], added: ['added there'] });
  expect((await side.sync(options)).upToDate).toBe(true);
}

for (const shell of ['sh', 'bash', 'fish', 'tcsh']) {
  describeWith([shell], `a sidecar whose login shell is ${shell}`, () => {
    it('gets the tree, also when its start files print', async () => {
      const noise = 'echo "welcome to your sidecar"\necho "you have mail" >&2\n';
      for (const file of ['.bashrc', '.profile', '.tcshrc']) writeFileSync(path.join(side.home, file), noise);
      mkdirSync(path.join(side.home, '.config/fish'), { recursive: true });
      writeFileSync(path.join(side.home, '.config/fish/config.fish'), noise + 'printf "no newline at the end"\n');
      await landTwice({ shell, farEnv: { BASH_ENV: path.join(side.home, '.bashrc') } });
    });
  });
}

describeWith(['busybox'], 'a sidecar whose sh is busybox', () => {
  it('gets the tree', async () => {
    const bin = path.join(side.home, 'bin');
    mkdirSync(bin);
    for (const tool of [
      'sh',
      'awk',
      'cat',
      'cmp',
      'cp',
      'cut',
      'date',
      'find',
      'grep',
      'head',
      'ln',
      'ls',
      'mkdir',
      'mv',
      'readlink',
      'rm',
      'sed',
      'sleep',
      'touch',
      'tr',
    ]) {
      side.far('ln', '-s', findPart('busybox') ?? '', path.join(bin, tool));
    }
    side.far('ln', '-s', side.far('sh', '-c', 'command -v git').trim(), path.join(bin, 'git'));
    await landTwice({ shell: path.join(bin, 'sh'), farEnv: { PATH: bin } });
  });
});

describe('a sidecar without git', () => {
  it('is told apart', async () => {
    const bin = path.join(side.home, 'bin');
    mkdirSync(bin);
    for (const tool of ['sh', 'rm', 'tr', 'cut'])
      side.far('ln', '-s', side.far('sh', '-c', `command -v ${tool}`).trim(), path.join(bin, tool));
    await expect(side.sync({ farEnv: { PATH: bin } })).rejects.toMatchObject({ code: 'sync.remote_git' });
  });

  it('or with one that is too old is told apart', async () => {
    const bin = path.join(side.home, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'git'), '#!/bin/sh\necho git version 1.8.3.1\n', { mode: 0o755 });
    await expect(side.sync({ farEnv: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } })).rejects.toMatchObject({
      code: 'sync.remote_git',
      facts: { version: '1.8.3' },
    });
  });
});
