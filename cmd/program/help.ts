import { Argument, type Command } from 'commander';
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
