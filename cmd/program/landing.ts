import { Option, type Command } from 'commander';
import type { SyncFlags } from '../commands/sync.js';
import type { WaitFlags } from '../commands/wait.js';
import type { LandingFlags } from '../landing.js';
import { connectTimeoutOption, driftOption } from './options.js';
import type { RunCommand } from './run-command.js';

/** Landing the working tree. */
export function addLandingCommands(program: Command, run: RunCommand): void {
  program
    .command('wait')
    .summary('wait until a session can be opened')
    .description('Wait until a session to the sidecar can be opened: until it has booted.')
    .option('--timeout <duration>', 'give up after this long, as 90s or 2m (default: 90s)')
    .action((flags: WaitFlags) => run(async (context) => (await import('../commands/wait.js')).wait(context, flags)));

  program
    .command('sync')
    .summary('land the working tree in the workspace')
    .description('Land the exact working tree in the workspace on the sidecar, and prove it.')
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(driftOption())
    .option('--adopt', 'take over a directory that already holds something else')
    .addOption(
      new Option(
        '--history',
        "bring the workspace's own git to the commit and branch of here, with tags: what it would lose is kept under a ref",
      ).conflicts('dryRun'),
    )
    .option('--best-effort', 'succeed with a warning when there is no sidecar or it cannot be reached')
    .addOption(connectTimeoutOption())
    .action((flags: SyncFlags) => run(async (context) => (await import('../commands/sync.js')).sync(context, flags)));

  program
    .command('watch')
    .summary('land every change as it happens')
    .description(
      'Land the working tree, and then every change of it as it happens, until Ctrl-C. After each landing that changed ' +
        'the workspace, run a command there, if one is given; a newer landing stops it.',
    )
    .argument('[command...]', 'what to run in the workspace, after `--`; `sh -c LINE` runs a line of shell')
    .addOption(driftOption())
    .option('--adopt', 'take over a directory that already holds something else')
    .addOption(connectTimeoutOption())
    .addHelpText('after', watchLines)
    .action((command: string[], flags: LandingFlags) =>
      run(async (context) => (await import('../commands/watch.js')).watch(context, command, flags)),
    );
}

const watchLines = `
For editors and scripts, each landing is a pair of lines on stderr:
  sidecar: landing…
  sidecar: landed …       or   sidecar: not landed: …
stdout holds what the command prints, or with --json a document for each landing and each end of the command.`;
