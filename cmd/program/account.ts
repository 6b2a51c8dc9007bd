import { Option, type Command } from 'commander';
import type { LoginFlags } from '../commands/login.js';
import type { ServerFlag } from '../control-plane.js';
import type { RunCommand } from './run-command.js';

/** Who is known at the control plane. */
export function addAccountCommands(program: Command, run: RunCommand): void {
  program
    .command('login')
    .summary('log in to a control plane')
    .description(
      'Log in to a control plane in your browser, here or on another device: open the address that is shown, and confirm ' +
        'the code. Then the key of this machine is registered there. Where you are logged in already, only that is done.',
    )
    .addOption(serverOption())
    .option('--no-browser', 'open no browser, only show the address and the code')
    .addHelpText('after', loginLines)
    .action((flags: LoginFlags) =>
      run(async (context) => (await import('../commands/login.js')).login(context, flags)),
    );

  program
    .command('logout')
    .summary('log out of a control plane')
    .description(
      'End the session with a control plane, there and here. One that cannot be asked is only forgotten here.',
    )
    .addOption(serverOption())
    .addHelpText('after', logoutLines)
    .action((flags: ServerFlag) =>
      run(async (context) => (await import('../commands/logout.js')).logout(context, flags)),
    );

  program
    .command('whoami')
    .summary('print who is logged in to a control plane')
    .description('Print who is logged in, to which control plane, and where that is kept.')
    .addOption(serverOption())
    .addHelpText('after', whoamiLines)
    .action((flags: ServerFlag) =>
      run(async (context) => (await import('../commands/whoami.js')).whoami(context, flags)),
    );
}

function serverOption(): Option {
  return new Option('--server <url>', 'the control plane (default: SIDECAR_SERVER, or `server` of your config.json)');
}

const loginLines = `
Examples:
  sidecar login --server https://sidecars.example.com
  sidecar login --no-browser       # over ssh: open the address anywhere else
  SIDECAR_TOKEN_STORAGE=file sidecar login    # on a machine without a keyring to unlock

Exit codes: 0 logged in, and the key is registered · 1 denied, not confirmed in time, or failed · 2 wrong usage ·
130 interrupted`;

const logoutLines = `
Examples:
  sidecar logout
  sidecar logout --json | jq .revoked

Exit codes: 0 logged out, also where nobody was logged in, and where the server could only be forgotten · 1 failed ·
2 wrong usage`;

const whoamiLines = `
Examples:
  sidecar whoami
  sidecar whoami --json | jq -r .account.email

Exit codes: 0 printed · 1 nobody is logged in, or failed · 2 wrong usage`;
