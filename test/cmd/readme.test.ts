import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cmd/program.js';
import { exitCodes } from '../../cmd/ui/exit-codes.js';

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

  it('names only files that exist', () => {
    const files = [...readme.matchAll(/`((?:src|cmd|\.ci)\/[\w./-]*)`/g)].map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
});
