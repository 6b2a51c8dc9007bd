import type { Command } from 'commander';
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
}

const doctorLines = `
Examples:
  sidecar doctor
  sidecar doctor -s web
  sidecar doctor --json | jq '.checks[] | select(.result == "failed")'

Exit codes: 0 nothing needs fixing, warnings or not · 1 something does`;
