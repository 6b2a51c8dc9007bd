import type { Command } from 'commander';
import type { LogsFlags } from '../commands/logs.js';
import type { ReadFlags } from '../detached.js';
import { connectTimeoutOption } from './options.js';
import type { RunCommand } from './run-command.js';

/** What was begun with `run --detach`. */
export function addDetachedCommands(program: Command, run: RunCommand): void {
  program
    .command('attach')
    .summary('follow a detached run, and end as it does')
    .description(
      'Show all that a run begun with `run --detach` has printed, go on until it has ended, and exit with its code. A ' +
        'connection that is lost is opened again, and it goes on at the very byte where it was.',
    )
    .argument('[id]', 'which, or the beginning of its id (default: the latest)')
    .option('--no-map-paths', 'show paths as they are over there')
    .addOption(connectTimeoutOption())
    .addHelpText('after', attachLines)
    .action((id: string | undefined, flags: ReadFlags) =>
      run(async (context) => (await import('../commands/attach.js')).attach(context, id, flags)),
    );

  program
    .command('logs')
    .summary('show what a detached run has printed')
    .description('Show what a run begun with `run --detach` has printed so far, on stdout and stderr as it did.')
    .argument('[id]', 'which, or the beginning of its id (default: the latest)')
    .option('-f, --follow', 'go on until it has ended')
    .option('--list', 'list the runs in this workspace instead, the latest first')
    .option('--no-map-paths', 'show paths as they are over there')
    .addOption(connectTimeoutOption())
    .addHelpText('after', logsLines)
    .action((id: string | undefined, flags: LogsFlags) =>
      run(async (context) => (await import('../commands/logs.js')).logs(context, id, flags)),
    );
}

const attachLines = `
Examples:
  sidecar attach                 # the latest run
  sidecar attach 7b8d > all.log  # paths of the workspace become paths of here; --no-map-paths: bytes as they are

Ctrl-C interrupts the run itself, as if it were not detached: with all that it started, and more firmly where it does not
end. A terminal that is closed, SIGTERM and a lost connection leave it running. --json makes errors one JSON document, and
changes nothing else.

Exit codes: that of the run, 128+n when signal n ended it · 1 there is no such run, or nobody knows how it ended (its machine
was started again, say) · 130 interrupted · 141 nobody reads the output any more · 255 no session`;

const logsLines = `
Examples:
  sidecar logs                   # of the latest run, so far
  sidecar logs -f 7b8d           # Ctrl-C leaves the run alone
  sidecar logs --list --json | jq -r '.runs[] | select(.state == "running").id'

A run is running, exited (with its code) or lost: its machine was started again, or what sees to it there was killed. The last
20 that have ended are kept. --json is for --list, and for errors; what a run printed stays as it is.

Exit codes: 0 shown, however the run ended · 1 there is no such run · 2 wrong usage · 130 interrupted · 141 nobody reads the
output any more · 255 no session`;
