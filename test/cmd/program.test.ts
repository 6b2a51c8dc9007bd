import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cmd/program.js';

/** What `--help` of a command prints, with all that stands after the options. */
function helpOf(path: readonly string[]): string {
  let said = '';
  const program = createProgram({
    run: () => Promise.resolve(),
    printHelp: (text) => (said += text),
    printUsage: () => undefined,
  });
  expect(() => program.parse([...path, '--help'], { from: 'user' })).toThrow();
  return said;
}

function allCommands(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((each) => [[...path, each.name()], ...allCommands(each, [...path, each.name()])]);
}

const program = createProgram({
  run: () => Promise.resolve(),
  printHelp: () => undefined,
  printUsage: () => undefined,
});

describe('the help of', () => {
  it.each(allCommands(program).map((path) => [path.join(' '), path] as const))(
    'sidecar %s shows examples and exit codes',
    (_, path) => {
      const help = helpOf(path);
      expect(help).toMatch(/^Usage: sidecar /);
      expect(help).toContain('\nExamples:\n  ');
      expect(help).toMatch(/\nExit codes: |\nExits with /);
    },
  );

  it('all of it lists every command under a heading of its group', () => {
    const help = helpOf([]);
    for (const [name = ''] of allCommands(program)) expect(help).toMatch(new RegExp(`^  ${name}( |$)`, 'm'));
    expect(help).not.toContain('\nCommands:');
  });
});
