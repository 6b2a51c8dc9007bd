import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { devcontainerFiles, type DevcontainerOptions } from '../../src/editors/devcontainer.js';
import type { Merged } from '../../src/editors/editor-file.js';

interface Config {
  readonly initializeCommand: unknown;
  readonly postStartCommand?: unknown;
  readonly features?: unknown;
}

function merge(
  existing: string | undefined,
  { force = false, ...options }: Partial<DevcontainerOptions> & { force?: boolean } = {},
): Merged {
  const [config] = devcontainerFiles({ isFlat: false, feature: undefined, ...options });
  if (config === undefined) throw new Error('there is no file');
  return config.merge(existing, { force });
}

const read = (text: string): Config => parse(text) as Config;

const line = 'sidecar sync --best-effort --connect-timeout 20s || echo not synced to a sidecar';

describe('the command of a dev container', () => {
  it.each([
    ['is the only one where there is none', '{ "image": "x" }', { sidecar: line }],
    ['is the only one where there is null', '{ "initializeCommand": null }', { sidecar: line }],
    ['stands beside a line of shell', '{ "initializeCommand": "npm ci" }', { project: 'npm ci', sidecar: line }],
    ['stands beside words', '{ "initializeCommand": ["npm", "ci"] }', { project: ['npm', 'ci'], sidecar: line }],
    ['stands beside several', '{ "initializeCommand": { "a": "1", "b": ["2"] } }', { a: '1', b: ['2'], sidecar: line }],
    ['is there already', JSON.stringify({ initializeCommand: { sidecar: line } }), { sidecar: line }],
    ['is there already, alone', JSON.stringify({ initializeCommand: line }), line],
  ])('%s', (_, existing, expected) => {
    const { text, entries } = merge(existing);
    expect(read(text).initializeCommand).toEqual(expected);
    expect(entries).toEqual([{ name: 'initializeCommand', was: _.includes('already') ? 'same' : 'absent' }]);
    expect(merge(text)).toEqual({ text, entries: [{ name: 'initializeCommand', was: 'same' }] });
  });

  it('keeps the comments and the looks of the file', () => {
    const existing = `{\n\t// Ours.\n\t"image": "x", // of the team\n\t"initializeCommand": [\n\t\t"npm", // its ci\n\t\t"ci"\n\t], // before all\n}\n`;
    const { text } = merge(existing);
    for (const comment of ['// Ours.', '// of the team', '// its ci', '// before all']) expect(text).toContain(comment);
    expect(text).toContain(`\t"initializeCommand": {\n\t\t"project": [`);
    expect(read(text).initializeCommand).toEqual({ project: ['npm', 'ci'], sidecar: line });
  });

  it('is left alone where it differs, unless forced', () => {
    const existing = '{ "initializeCommand": { "sidecar": "sidecar sync" } }';
    expect(merge(existing)).toEqual({ text: existing, entries: [{ name: 'initializeCommand', was: 'left-alone' }] });
    expect(read(merge(existing, { force: true }).text).initializeCommand).toEqual({ sidecar: line });
  });

  it('begins a file where there is none', () => {
    expect(read(merge(undefined).text)).toMatchObject({
      image: expect.any(String) as string,
      initializeCommand: { sidecar: line },
    });
  });
});

describe('the Feature', () => {
  const feature = { 'install.sh': 'x' };

  it.each([
    [false, '.devcontainer/devcontainer.json', './features/sidecar'],
    [true, '.devcontainer.json', './.devcontainer/features/sidecar'],
  ])('is named from where the file is (%s)', (isFlat, path, name) => {
    const files = devcontainerFiles({ isFlat, feature });
    expect(files.map((file) => file.path)).toEqual([path, '.devcontainer/features/sidecar/install.sh']);
    const { text } = merge('{}', { isFlat, feature });
    expect(read(text)).toMatchObject({
      features: { [name]: {} },
      postStartCommand: { sidecar: 'sidecar sync --best-effort --connect-timeout 20s' },
    });
  });

  it('keeps the options that it was given, and stands behind others', () => {
    const given = { 'ghcr.io/x/y:1': {}, './features/sidecar': { node: '22.0.0' } };
    expect(read(merge(JSON.stringify({ features: given }), { feature }).text).features).toEqual(given);
    const { text } = merge('{\n  "features": {\n    "ghcr.io/x/y:1": {} // theirs\n  }\n}\n', { feature });
    expect(Object.keys(read(text).features as object)).toEqual(['ghcr.io/x/y:1', './features/sidecar']);
  });
});
