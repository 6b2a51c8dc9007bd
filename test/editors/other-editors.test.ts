import { execFileSync } from 'node:child_process';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { jetbrainsFiles } from '../../src/editors/jetbrains.js';
import { nvimFiles } from '../../src/editors/nvim.js';
import { zedFiles } from '../../src/editors/zed.js';
import { describeWith, findPart } from '../fakes/parts.js';

const testCommand = ['npm', 'test'];

describe('the tasks of Zed', () => {
  const [file] = zedFiles({ testCommand });

  it('sync, watch and run the tests', () => {
    expect(parse(file?.merge(undefined, { force: false }).text ?? '')).toEqual([
      expect.objectContaining({ label: 'sidecar: sync', command: 'sidecar', args: ['sync'] }),
      expect.objectContaining({ label: 'sidecar: watch', args: ['watch'] }),
      expect.objectContaining({ label: 'sidecar: run tests', args: ['run', '--', 'npm', 'test'] }),
    ]);
  });

  it('are added to those that are there', () => {
    const theirs = '// ours\n[\n  { "label": "build", "command": "make" }, // all\n]\n';
    const merged = file?.merge(theirs, { force: false });
    expect(merged?.text.startsWith(theirs.slice(0, -3))).toBe(true);
    expect(file?.merge(merged?.text, { force: false })).toMatchObject({
      text: merged?.text,
      entries: [{ was: 'same' }, {}, {}],
    });
  });

  it('run no tests where nothing says how', () => {
    expect(zedFiles({ testCommand: undefined })[0]?.merge(undefined, { force: false }).text).not.toContain('"run"');
  });
});

describeWith(['xmllint'], 'the run configurations of JetBrains', () => {
  const texts = jetbrainsFiles({ testCommand: ['sh', '-c', `echo "a" && echo 'b' <x >y`] }).map(
    ({ path, merge }) => [path, merge(undefined, { force: false }).text] as const,
  );
  /** What an XPath finds. */
  const found = (xml: string, xpath: string): string =>
    execFileSync(findPart('xmllint') ?? 'xmllint', ['--xpath', `string(${xpath})`, '-'], {
      input: xml,
      encoding: 'utf8',
    }).trimEnd();

  it('are XML, each with its own name', () => {
    expect(texts.map(([path, text]) => [path, found(text, '/component/configuration/@name')])).toEqual([
      ['.run/sidecar sync.run.xml', 'sidecar: sync'],
      ['.run/sidecar watch.run.xml', 'sidecar: watch'],
      ['.run/sidecar run tests.run.xml', 'sidecar: run tests'],
    ]);
  });

  it('hold a line that a shell takes for the words that are meant', () => {
    const [, text] = texts[2] ?? [];
    const line = found(text ?? '', '//option[@name="SCRIPT_TEXT"]/@value');
    const words = execFileSync('sh', ['-c', `sidecar() { printf '%s\\n' "$@"; }; ${line}`], { encoding: 'utf8' });
    expect(words).toBe(`run\n--\nsh\n-c\necho "a" && echo 'b' <x >y\n`);
  });
});

describe('what is written as a whole', () => {
  const [file] = nvimFiles({ testCommand });

  it('is left alone where it differs, and shown', () => {
    const { text, entries } = file?.merge('vim.o.number = true\n', { force: false }) ?? {};
    expect(text).toBe('vim.o.number = true\n');
    expect(entries).toEqual([{ was: 'left-alone', snippet: file?.merge(undefined, { force: false }).text }]);
  });

  it('is there the second time, and replaced when forced to', () => {
    const { text } = file?.merge(undefined, { force: false }) ?? {};
    expect(file?.merge(text, { force: false })).toEqual({ text, entries: [{ was: 'same' }] });
    expect(file?.merge('x', { force: true })).toEqual({ text, entries: [{ was: 'replaced' }] });
  });
});
