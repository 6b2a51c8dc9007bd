import type { Command } from 'commander';
import type { AllowFlags } from '../commands/allow.js';
import type { RunCommand } from './run-command.js';

/** What settings files may do. */
export function addSettingsCommands(program: Command, run: RunCommand): void {
  program
    .command('allow')
    .summary("trust this project's settings to run and open things")
    .description(
      'Allow what the .sidecar.json here would run or open: its `afterLanding`, `environment` and `forwards`. It counts ' +
        'until one of them changes. Settings of your own, in config.json, need no allowing.',
    )
    .option('--revoke', 'no longer')
    .addHelpText('after', allowLines)
    .action((flags: AllowFlags) =>
      run(async (context) => (await import('../commands/allow.js')).allow(context, flags)),
    );
}

const allowLines = `
Examples:
  sidecar allow              # shows what it allows
  sidecar allow --revoke

Exit codes: 0 done, also where nothing needs to be allowed · 1 failed · 2 there is no such file, or it is not valid`;
