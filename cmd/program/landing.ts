import { Option, type Command } from 'commander';
import type { SyncFlags } from '../commands/sync.js';
import type { WaitFlags } from '../commands/wait.js';
import type { WatchFlags } from '../commands/watch.js';
import { afterLandingOption, connectTimeoutOption, driftOption } from './options.js';
import type { RunCommand } from './run-command.js';

/** Landing the working tree. */
export function addLandingCommands(program: Command, run: RunCommand): void {
  program
    .command('wait')
    .summary('wait until a session can be opened')
    .description('Wait until a session to the sidecar can be opened: until it has booted.')
    .option('--timeout <duration>', 'give up after this long, as 90s or 2m (default: 90s)')
    .addHelpText('after', waitLines)
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
    .option('--best-effort', 'succeed with a warning whatever fails: for scripts that must go on')
    .addOption(afterLandingOption())
    .addOption(connectTimeoutOption())
    .addHelpText('after', syncLines)
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
    .addOption(afterLandingOption())
    .addOption(connectTimeoutOption())
    .addHelpText('after', watchLines)
    .action((command: string[], flags: WatchFlags) =>
      run(async (context) => (await import('../commands/watch.js')).watch(context, command, flags)),
    );
}

const waitLines = `
Examples:
  sidecar create && sidecar wait
  sidecar wait --timeout 5m --json

Exit codes: 0 a session can be opened · 255 not within the time, or not at all · 130 interrupted`;

const syncLines = `
Examples:
  sidecar sync
  sidecar sync --dry-run
  sidecar sync --drift refuse      # for scripts that must not overwrite what was changed there
  sidecar sync --history           # git log there shows what it shows here
  sidecar sync --best-effort       # for scripts that go on without a sidecar
  sidecar sync --json | jq -r .tree

Exit codes: 0 landed and proved, or in step already · 1 failed, nothing is lost · 2 wrong usage · 3 refused: drift, a
workspace that is not empty or in use · 255 no session to the sidecar · 130 interrupted. With --best-effort, all of these
but 2 and 130 are a warning and 0.`;

const watchLines = `
Examples:
  sidecar watch
  sidecar watch -- npm test                # again on each landing
  sidecar watch -- sh -c 'make && ./run'

For editors and scripts, each landing is a pair of lines on stderr:
  sidecar: landing…
  sidecar: landed …       or   sidecar: not landed: …
stdout holds what the command prints, or with --json a document for each landing and each end of the command.

Exit codes: 130 after Ctrl-C · otherwise as \`sidecar sync\`, where waiting does not cure it`;
