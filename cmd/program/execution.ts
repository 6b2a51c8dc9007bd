import { Option, type Command } from 'commander';
import type { ExecFlags } from '../commands/exec.js';
import type { RunFlags } from '../commands/run.js';
import { addDetachedCommands } from './detached.js';
import { afterLandingOption, connectTimeoutOption, driftOption, repeated } from './options.js';
import type { RunCommand } from './run-command.js';

/** Running commands in the workspace. */
export function addExecutionCommands(program: Command, run: RunCommand): void {
  addExecutionOptions(
    program
      .command('run')
      .summary('land the working tree, and run a command on it')
      .description(
        'Land the working tree, and only once it is proved to stand in the workspace, run a command there, word for word, ' +
          'with your input, output and exit code. Paths of the workspace in what it prints are shown as those of here.',
      )
      .argument('<command...>', 'after `--`; `sh -c LINE` runs a line of shell')
      .option('--no-sync', 'run it on whatever stands there')
      .option('--no-map-paths', 'show paths as they are over there')
      .addOption(driftOption())
      .option('--adopt', 'take over a directory that already holds something else')
      .addOption(afterLandingOption()),
  )
    .option('-t, --tty', 'run it on a terminal')
    .option('-T, --no-tty', 'run it without a terminal (default)')
    .option('-d, --detach', 'have it live on without a connection, and print its id')
    .addHelpText('after', runLines)
    .action((command: string[], flags: RunFlags) =>
      run(async (context) => (await import('../commands/run.js')).run(context, command, flags)),
    );

  addDetachedCommands(program, run);

  addExecutionOptions(
    program
      .command('exec')
      .summary('run a command in the workspace')
      .description(
        'Run a command in the workspace on the sidecar, word for word, with your input, output and exit code. Nothing is ' +
          'synced before. Interrupted, or with its connection lost, it ends with all that it started.',
      )
      .argument('<command...>', 'after `--`; `sh -c LINE` runs a line of shell'),
  )
    .addOption(workdirOption())
    .option('-t, --tty', 'run it on a terminal')
    .option('-T, --no-tty', 'run it without a terminal (default)')
    .addHelpText('after', execLines)
    .action((command: string[], flags: ExecFlags) =>
      run(async (context) => (await import('../commands/exec.js')).exec(context, command, flags)),
    );

  addExecutionOptions(
    program
      .command('ssh')
      .summary('open a shell in the workspace')
      .description('Open a login shell in the workspace on the sidecar, or run a command there, on a terminal.')
      .argument('[command...]', 'what to run instead of a shell, after `--`, word for word'),
  )
    .addOption(workdirOption())
    .option('-t, --tty', 'on a terminal (default where stdin is one)')
    .option('-T, --no-tty', 'without a terminal')
    .option('-a, --no-forward-agent', 'do not have it use your ssh-agent, whatever ~/.ssh/config says')
    .addHelpText('after', sshLines)
    .action((command: string[], flags: ExecFlags) =>
      run(async (context) => (await import('../commands/ssh.js')).ssh(context, command, flags)),
    );
}

function addExecutionOptions(command: Command): Command {
  return command
    .option('-e, --env <NAME=VALUE>', 'set a variable for it, or NAME: the one of here; may be repeated', repeated)
    .option('--env-file <file>', 'set those of a file, one a line; may be repeated', repeated)
    .option('-n, --no-stdin', 'give it no input')
    .option('-A, --forward-agent', 'have it use your ssh-agent, over a connection of its own')
    .addOption(connectTimeoutOption());
}

function workdirOption(): Option {
  return new Option('--workdir <path>', 'where to start instead of the workspace, from the home directory over there');
}

const exitLines = `
Exits with the code of the command, 128+n when signal n ended it; 130 when interrupted here, 255 without a session or
when its connection is lost, 1 when the workspace does not exist, 2 for wrong usage.`;

const runLines = `
Examples:
  sidecar run -- npm test
  sidecar run -e CI=1 -- make -j8          # errors name files here: an editor finds them
  sidecar run -t -- npm run dev
  sidecar run --no-sync -- cat build.log
  sidecar run --detach -- make -j8         # prints an id: see \`sidecar help attach\`

With --detach, only its beginning is waited for: its input is empty, what it prints is kept over there, and 0 says that it
has begun. It is begun at most once, whatever becomes of the connection. --json prints {id, sidecar, workspace, command,
startedAt}.

A sync that fails is an error with the exit code of \`sidecar sync\`, and the command is not started: 3 where it is refused,
1 where it failed, 255 without a session.
${exitLines}`;

const execLines = `
Examples:
  sidecar exec -- npm test
  sidecar exec -e CI=1 --env-file .env -- make -j8
  tar c data | sidecar exec -- tar x
  sidecar exec -t -- htop
${exitLines}`;

const sshLines = `
Examples:
  sidecar ssh
  sidecar ssh -- vim src/main.c
  sidecar ssh --workdir '~'
  echo 'git status' | sidecar ssh
  sidecar ssh -A                           # git over there asks your ssh-agent; ForwardAgent in ~/.ssh/config counts too

At the start of a line, ~. hangs up, ~^Z suspends, ~? lists these, ~~ types a tilde.
${exitLines}`;
