import type { Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { verbsOf } from '../completion/verbs.js';
import { zshCompletion } from '../completion/zsh.js';
import type { Context } from '../context.js';

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export type CompletionShell = keyof typeof scripts;

/** Prints the script that completes all that `program` takes. */
export function completion({ output }: Context, shell: CompletionShell, program: Command): void {
  const script = scripts[shell](verbsOf(program)).trimEnd();
  output.answer(
    { shell, script },
    script.split('\n').map((line) => [line]),
  );
}
