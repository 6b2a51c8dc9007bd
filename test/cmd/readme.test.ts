import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cmd/program.js';
import { exitCodes } from '../../cmd/ui/exit-codes.js';
import { checks } from '../../src/provider/conformance/checks.js';

const root = path.join(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

describe('the README', () => {
  it('lists every error code under its exit code', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| [^|]* \| (.*) \|$/gm)];
    const listed = rows.flatMap(([, code, errors = '']) =>
      [...errors.matchAll(/`([^`]+)`/g)].map(([, error = '']) => [error, Number(code)] as const),
    );
    expect(Object.fromEntries(listed)).toEqual(exitCodes);
  });

  it('shows every command and every option', () => {
    const program = createProgram({
      run: () => Promise.resolve(),
      printHelp: () => undefined,
      printUsage: () => undefined,
    });
    const words = [program, ...program.commands].flatMap((command) => [
      ...command.options.map((option) => option.short ?? option.long ?? ''),
      ...(command === program ? [] : [`sidecar ${command.name()}`]),
    ]);
    expect(words.filter((word) => word !== '--version' && !readme.includes(word))).toEqual([]);
  });

  it('tells of every promise of a provider, for each that it speaks of', () => {
    const [header = '', , ...rows] =
      /### What a provider promises\n([^]*?)\n## /.exec(readme)?.[1]?.match(/^\|.*$/gm) ?? [];
    const cells = (row: string): string[] =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
    expect(rows.map((row) => cells(row)[0])).toEqual(checks.map(({ title }) => title));
    for (const row of rows) expect(cells(row)).toHaveLength(cells(header).length);
  });

  it('names only files that exist', () => {
    const files = [...readme.matchAll(/`((?:src|cmd|\.ci)\/[\w./-]*)`/g)].map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
});
