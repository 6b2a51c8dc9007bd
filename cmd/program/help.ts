import { Argument, type Command } from 'commander';
import { SidecarError } from '../../src/errors.js';
import type { CompletionShell } from '../commands/completion.js';
import type { RunCommand } from './run-command.js';

/** The verbs that help with the command itself. */
export function addHelpCommands(program: Command, run: RunCommand): void {
  program
    .command('doctor')
    .summary('find out what keeps sidecar from working, and what to do')
    .description(
      'Check git, ssh, keys, settings and disks here, the way to the sidecar, and what it needs over there, and say what ' +
        'to do about whatever is wrong. The sidecar is tried once, for 10 s. Nothing is changed, here or there.',
    )
    .addHelpText('after', doctorLines)
    .action(() => run(async (context) => (await import('../commands/doctor.js')).doctor(context)));

  program
    .command('completion')
    .summary('print what has a shell complete commands')
    .description(
      'Print a script that has your shell complete verbs, options, names of sidecars, files, and after `--` commands.',
    )
    .addArgument(new Argument('<shell>', 'which shell it is for').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', completionLines)
    .action((shell: CompletionShell) =>
      run(async (context) => (await import('../commands/completion.js')).completion(context, shell, program)),
    );

  // Commander's own takes one word, and ends the process with whatever exit code is set by then.
  program
    .command('help')
    .summary('show the help of a command')
    .description('Show the help of a command, or of all.')
    .argument('[command...]', 'which: `sync`, or `drift show`')
    .addHelpText('after', helpLines)
    .action((names: string[]) => commandOf(program, names).outputHelp());
}

function commandOf(program: Command, names: readonly string[]): Command {
  return names.reduce((command, name) => {
    const found = command.commands.find((each) => each.name() === name);
    if (found !== undefined) return found;
    throw new SidecarError('usage.invalid', { reason: `unknown command '${names.join(' ')}'` });
  }, program);
}

const doctorLines = `
Examples:
  sidecar doctor
  sidecar doctor -s web
  sidecar doctor --json | jq '.checks[] | select(.result == "failed")'

Exit codes: 0 nothing needs fixing, warnings or not · 1 something does`;

const completionLines = `
Examples:
  eval "$(sidecar completion bash)"       # in ~/.bashrc
  eval "$(sidecar completion zsh)"        # in ~/.zshrc, after compinit
  sidecar completion fish > ~/.config/fish/completions/sidecar.fish

Exit codes: 0 printed · 2 there is none for that shell`;

const helpLines = `
Examples:
  sidecar help
  sidecar help sync
  sidecar help drift show

Exit codes: 0 shown · 2 there is no such command`;
