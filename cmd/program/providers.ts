import type { Command } from 'commander';
import type { ProviderTestFlags } from '../commands/provider.js';
import { repeated } from './options.js';
import type { RunCommand } from './run-command.js';

/** What makes machines. */
export function addProviderCommands(program: Command, run: RunCommand): void {
  const provider = program
    .command('provider')
    .summary('what makes the machines: list it, test it')
    .description(
      'What makes the machines of sidecars: those that come with sidecar, and programs of yours, as `sidecar-provider-NAME` ' +
        'on PATH or under `providers` of your config.json.',
    )
    .helpCommand(false)
    .addHelpText('afterAll', providerLines);
  provider
    .command('list')
    .summary('list the providers that there are')
    .description('List the providers that `sidecar create --provider` takes here. Runs none of them.')
    .action(() => run(async (context) => (await import('../commands/provider.js')).providerList(context)));
  provider
    .command('test')
    .summary('find out whether a provider keeps its promises')
    .description(
      'Make a few machines through a provider, log in, stop, start and delete them, and say which promises it keeps. ' +
        'Everything that was made is ended again, also after Ctrl-C; what cannot be is named.',
    )
    .argument('<provider>', 'which')
    .option('--image <image>', 'what the machines are made of, in the words of the provider')
    .option('--option <key=value>', 'something else that it is to know; may be given more than once', repeated)
    .option('--boot-timeout <duration>', 'how long a machine may take to boot, as 90s or 5m (default: 5m)')
    .action((name: string, flags: ProviderTestFlags) =>
      run(async (context) => (await import('../commands/provider.js')).providerTest(context, name, flags)),
    );
}

const providerLines = `
Examples:
  sidecar provider list
  sidecar provider test local
  sidecar provider test containers --image my/image --boot-timeout 2m
  sidecar provider test vms --json | jq -r '.checks[] | select(.result == "failed") | .reason'

Exit codes: 0 all that was tried is as promised · 1 something is not, or is left behind · 2 wrong usage, or no such provider ·
130 interrupted, and cleaned up but for what is named as left behind`;
