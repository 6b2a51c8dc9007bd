import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSendPatterns, refusePatternsBelow } from '../../src/sidecars/send-patterns.js';
import { readProjectFile } from '../../src/sidecars/settings-files.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let root: string;
let configDir: string;
beforeEach(() => {
  place = scratch();
  root = path.join(place.path, 'work/app');
  configDir = path.join(place.path, 'config');
  for (const directory of [path.join(root, 'sub'), configDir]) mkdirSync(directory, { recursive: true });
});
afterEach(() => place.remove());

const project = (directory: string, text: string): string => {
  const file = path.join(directory, '.sidecar.json');
  writeFileSync(file, text);
  return file;
};

describe('the patterns of a working tree', () => {
  it('are none where no file has any', async () => {
    expect(await readSendPatterns(root, configDir)).toEqual({ ignore: [], include: [] });
  });

  it('are those of the user and of the project, with the line of each', async () => {
    const user = path.join(configDir, 'config.json');
    writeFileSync(user, '{"ignore": ["*.mine"]}');
    const file = project(root, '{\n  "ignore": [\n    "a",\n    "b"\n  ],\n  "include": ["c"]\n}');
    expect(await readSendPatterns(root, configDir)).toEqual({
      ignore: [
        { pattern: '*.mine', file: user, line: 1 },
        { pattern: 'a', file, line: 3, from: root },
        { pattern: 'b', file, line: 4, from: root },
      ],
      include: [{ pattern: 'c', file, line: 6, from: root }],
    });
  });

  it('may stand in a file around it, and speak of the directory of that', async () => {
    const around = path.dirname(root);
    project(around, '{"ignore": ["/app/data"]}');
    expect((await readSendPatterns(root, configDir)).ignore).toMatchObject([{ pattern: '/app/data', from: around }]);
  });

  it('are refused in a file further down, where a command from elsewhere would not find them', async () => {
    const below = path.join(root, 'sub');
    const file = project(below, '{\n  "workdir": "w",\n  "include": ["c"]\n}');
    await expect(refusePatternsBelow(root, await readProjectFile(below))).rejects.toMatchObject({
      code: 'settings.invalid',
      facts: { file, line: 3, column: 3, key: 'include' },
    });
    project(below, '{"workdir": "w"}');
    await refusePatternsBelow(root, await readProjectFile(below));
    await refusePatternsBelow(below, await readProjectFile(below));
  });
});
