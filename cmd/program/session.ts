import type { Command } from 'commander';
import type { ForwardFlags } from '../commands/forward.js';
import { connectTimeoutOption, repeated } from './options.js';
import type { RunCommand } from './run-command.js';

/** Sessions: their ports, and the daemon that keeps them. */
export function addSessionCommands(program: Command, run: RunCommand): void {
  program
    .command('forward')
    .summary('forward ports to the sidecar, and back')
    .description(
      'Forward ports to the sidecar, and with -R from there to this machine, until Ctrl-C. A session that is lost is opened ' +
        'again, and whoever connects meanwhile waits for it.',
    )
    .argument(
      '[specs...]',
      '[bind:]port[:host:port]: where to listen here, and where to connect to from there (default: `forwards` of the settings)',
    )
    .option(
      '-R, --remote <spec>',
      'where to listen there, and where to connect to from here; may be repeated',
      repeated,
    )
    .addOption(connectTimeoutOption())
    .addHelpText('after', forwardLines)
    .action((specs: string[], flags: ForwardFlags) =>
      run(async (context) => (await import('../commands/forward.js')).forward(context, specs, flags)),
    );

  const daemon = program
    .command('daemon')
    .summary('show or stop the session daemon')
    .description(
      'The background process that keeps sessions open between commands. The first command that opens a session starts ' +
        'it, and it ends by itself when nobody has needed it for a while.',
    )
    .helpCommand(false)
    .addHelpText('afterAll', daemonLines);
  daemon
    .command('status')
    .summary('show the daemon and its sessions')
    .description('Show the daemon and its sessions. There may be none: it is started when it is needed.')
    .action(() => run(async (context) => (await import('../commands/daemon.js')).daemonStatus(context)));
  daemon
    .command('stop')
    .summary('end the daemon and its sessions')
    .description(
      'End the daemon and its sessions, and wait until it is gone. A command that it is working for goes on by itself.',
    )
    .action(() => run(async (context) => (await import('../commands/daemon.js')).daemonStop(context)));
}

const forwardLines = `
Examples:
  sidecar forward 8080                     # 127.0.0.1:8080 here leads to localhost:8080 there
  sidecar forward 8080:3000 5432:db:5432   # several at once; db is a name over there
  sidecar forward 0.0.0.0:8080:localhost:80
  sidecar forward 0:3000 --json            # any free port; the document says which
  sidecar forward -R 9000:localhost:3000   # 127.0.0.1:9000 there leads to localhost:3000 here

Port 0 listens on any that is free, \`*\` on every interface; IPv6 addresses are put in brackets. What is listened on is
printed, one a line, once all of it is.

Exit codes: 1 where a port cannot be listened on, at once · 255 no session, or none again within the time for connecting ·
130 after Ctrl-C`;

const daemonLines = `
Examples:
  sidecar daemon status
  sidecar daemon status --json | jq '.sessions[].state'
  sidecar daemon stop

Exit codes: 0 done, also where none runs · 1 it does not answer`;
