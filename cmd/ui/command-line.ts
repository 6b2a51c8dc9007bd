/** A command in words: a line for `sh` as the line that it is. */
export function commandLine(command: readonly string[]): string {
  const [program, option, line] = command;
  return program === 'sh' && option === '-c' && line !== undefined && command.length === 3 ? line : command.join(' ');
}
