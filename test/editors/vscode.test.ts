import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import type { Merged } from '../../src/editors/editor-file.js';
import { vscodeFiles } from '../../src/editors/vscode.js';

const schema = JSON.parse(readFileSync(path.join(import.meta.dirname, 'vscode-tasks.schema.json'), 'utf8')) as object;
// What it says for editors alone, a validator does not know.
const validate = new Ajv({ unknownFormats: 'ignore', logger: false }).compile(schema);

interface How {
  readonly force?: boolean;
  readonly testCommand?: readonly string[] | undefined;
}

function merge(existing: string | undefined, { force = false, ...how }: How = {}): Merged {
  const testCommand = 'testCommand' in how ? how.testCommand : ['npm', 'test'];
  const [file] = vscodeFiles({ testCommand });
  if (file === undefined) throw new Error('there is no file');
  return file.merge(existing, { force });
}

const tasks = (text: string): Record<string, unknown>[] => (parse(text) as { tasks: Record<string, unknown>[] }).tasks;

const theirs = `{
  // The tasks of this project.
  "version": "2.0.0",
  "tasks": [
    { "label": "build", "type": "shell", "command": "make" }, // all of it
    { "label": "sidecar: sync", "type": "shell", "command": "sidecar sync --drift refuse" } // as we do it
  ]
}
`;

describe('the tasks of Visual Studio Code', () => {
  it.each([
    ['a known test command', { testCommand: ['npm', 'test'] }],
    ['none', { testCommand: undefined }],
  ])('are valid by its own schema with %s', (_, options) => {
    validate(parse(merge(undefined, options).text));
    expect(validate.errors).toBeNull();
  });

  it('are found wrong by that schema where they are', () => {
    const { text } = merge(undefined);
    for (const [right, wrong] of [
      ['"isBackground": true', '"isBackground": "yes"'],
      ['"type": "process"', '"type": "proces"'],
      ['"beginsPattern"', '"startsPattern"'],
      ['"file": 1', '"file": "1"'],
    ] as const) {
      expect(text).toContain(right);
      expect(validate(parse(text.replace(right, wrong))), wrong).toBe(false);
    }
  });

  it('sync, watch and run the tests', () => {
    const { text, entries } = merge(undefined);
    expect(tasks(text).map(({ label, command, args }) => [label, command, args])).toEqual([
      ['sidecar: sync', 'sidecar', ['sync']],
      ['sidecar: watch', 'sidecar', ['watch']],
      ['sidecar: run tests', 'sidecar', ['run', '--', 'npm', 'test']],
    ]);
    expect(entries.map(({ was }) => was)).toEqual(['absent', 'absent', 'absent']);
  });

  it('ask for the command where none is known, as one line of shell', () => {
    const { text } = merge(undefined, { testCommand: undefined });
    expect(tasks(text)[2]).toMatchObject({ args: ['run', '--', 'sh', '-c', '${input:sidecarCommand}'] });
    expect(parse(text)).toMatchObject({ inputs: [{ id: 'sidecarCommand', type: 'promptString' }] });
  });

  it('are added to those that are there, which stay word for word', () => {
    const { text, entries } = merge(theirs);
    const before = theirs.split('\n').slice(0, 5).join('\n');
    expect(text.startsWith(before)).toBe(true);
    expect(text).toContain(
      '"command": "sidecar sync --drift refuse" }, // as we do it\n    {\n      "label": "sidecar: watch"',
    );
    expect(entries).toEqual([
      { name: 'sidecar: sync', was: 'left-alone' },
      { name: 'sidecar: watch', was: 'absent' },
      { name: 'sidecar: run tests', was: 'absent' },
    ]);
  });

  it('are there the second time, whatever the order of their keys', () => {
    const { text } = merge(undefined);
    expect(merge(text)).toEqual({
      text,
      entries: expect.arrayContaining([{ name: 'sidecar: sync', was: 'same' }]) as unknown,
    });
    const turned = {
      version: '2.0.0',
      tasks: tasks(text).map((task) => Object.fromEntries(Object.entries(task).reverse())),
    };
    expect(merge(JSON.stringify(turned)).entries.map(({ was }) => was)).toEqual(['same', 'same', 'same']);
  });

  it('replace what differs only when forced to', () => {
    const { text, entries } = merge(theirs, { force: true });
    expect(entries[0]).toEqual({ name: 'sidecar: sync', was: 'replaced' });
    expect(tasks(text).map(({ label }) => label)).toEqual([
      'build',
      'sidecar: sync',
      'sidecar: watch',
      'sidecar: run tests',
    ]);
    expect(text).toContain('// as we do it');
    expect(merge(text).entries.map(({ was }) => was)).toEqual(['same', 'same', 'same']);
  });

  it('begin a file that is empty, and one that has no tasks', () => {
    expect(merge('\n').text).toBe(merge(undefined).text);
    const { text } = merge('{\n  // to come\n}\n');
    expect(text).toContain('// to come');
    expect(validate(parse(text))).toBe(true);
  });
});
