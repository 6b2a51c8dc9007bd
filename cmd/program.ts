import { Command, Option } from 'commander';
import type { AddFlags } from './commands/add.js';
import type { ExecFlags } from './commands/exec.js';
import type { CreateFlags } from './commands/create.js';
import type { DiffFlags } from './commands/diff.js';
import type { PullFlags } from './commands/pull.js';
import type { ForwardFlags } from './commands/forward.js';
import type { SyncFlags } from './commands/sync.js';
import type { WaitFlags } from './commands/wait.js';
import type { Context } from './context.js';
import type { RunFlags } from './commands/run.js';
import type { LandingFlags } from './landing.js';
import { packageVersion } from './version.js';

export interface ProgramParts {
  /** Runs one command with what it needs. A number that it gives back is what to exit with. */
  readonly run: (command: (context: Context) => Promise<unknown>) => Promise<void>;
  /** Takes the help or the version that the user asked for. */
  readonly printHelp: (text: string) => void;
  /** Takes the help shown where no command was given. */
  readonly printUsage: (text: string) => void;
}

/**
 * The command line: every verb with its arguments and options, and the words of `--help`. What a verb does stands in its
 * own file of `commands/`, which is imported only when it runs, so that `--help` and `--version` load nothing else.
 */
export function createProgram({ run, printHelp, printUsage }: ProgramParts): Command {
  // Commands inherit what is set before they are added. Nothing is printed of an error here: it is thrown, as a
  // CommanderError, and reported like every other.
  const program = new Command('sidecar')
    .exitOverride()
    .configureOutput({ writeOut: printHelp, writeErr: printUsage, outputError: () => undefined })
    .description('Keeps a remote development machine in step with your working tree, over SSH.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nSee `sidecar help <command>` for the options of one command.');
  addGlobalOptions(program);

  program
    .command('create')
    .summary('make a sidecar and make it current')
    .description('Make a sidecar and make it the current one of this working tree. Waits for nothing: `sync` does.')
    .argument('[name]', 'its name; one is made up when it is left out')
    .option(
      '--provider <kind>',
      'what makes the machine; today: local, a small machine of its own on this computer',
      'local',
    )
    .option('--workdir <path>', 'the workspace on the sidecar (default: ~/<name of the local directory>)')
    .option('--boot-delay <seconds>', 'let it refuse connections for so long, as a machine that boots')
    .option('--no-use', 'do not make it current')
    .action((name: string | undefined, flags: CreateFlags) =>
      run(async (context) => (await import('./commands/create.js')).create(context, name, flags)),
    );

  program
    .command('add')
    .summary('adopt a machine that ssh can reach and make it current')
    .description(
      'Adopt any machine that ssh can reach, ~/.ssh/config included, and make it the current sidecar of this working tree.',
    )
    .argument('<name>', 'what to call it')
    .argument('<destination>', '[user@]host[:port], or an alias of ~/.ssh/config')
    .option('--identity <file>', 'the private key to use, and no other')
    .option('--workdir <path>', 'the workspace on the sidecar (default: ~/<name of the local directory>)')
    .option('--host-key <key>', "the machine's host key, as 'ssh-ed25519 AAAA…'")
    .option('--no-use', 'do not make it current')
    .action((name: string, destination: string, flags: AddFlags) =>
      run(async (context) => (await import('./commands/add.js')).add(context, { name, destination, flags })),
    );

  program
    .command('list')
    .summary('list the sidecars')
    .description('List the sidecars. A star marks the one that commands run here use.')
    .action(() => run(async (context) => (await import('./commands/list.js')).list(context)));

  program
    .command('use')
    .summary('make a sidecar current')
    .description('Make a sidecar the current one of this working tree.')
    .argument('<name>', 'the sidecar')
    .action((name: string) => run(async (context) => (await import('./commands/use.js')).use(context, name)));

  program
    .command('current')
    .summary('print the current sidecar')
    .description('Print the name of the sidecar that commands run here use.')
    .action(() => run(async (context) => (await import('./commands/current.js')).current(context)));

  program
    .command('forget')
    .summary('take a sidecar off the list')
    .description('Take a sidecar off the list. Its machine and its files stay as they are.')
    .argument('[name]', 'the sidecar (default: the current one)')
    .action((name: string | undefined) =>
      run(async (context) => (await import('./commands/forget.js')).forget(context, name)),
    );

  program
    .command('delete')
    .summary('end a sidecar and remove its files')
    .description(
      'End a sidecar, remove its files and take it off the list. A machine that was adopted with `add` is only taken off the list.',
    )
    .argument('[name]', 'the sidecar (default: the current one)')
    .action((name: string | undefined) =>
      run(async (context) => (await import('./commands/delete.js')).deleteSidecar(context, name)),
    );

  program
    .command('wait')
    .summary('wait until a session can be opened')
    .description('Wait until a session to the sidecar can be opened: until it has booted.')
    .option('--timeout <duration>', 'give up after this long, as 90s or 2m (default: 90s)')
    .action((flags: WaitFlags) => run(async (context) => (await import('./commands/wait.js')).wait(context, flags)));

  program
    .command('sync')
    .summary('land the working tree in the workspace')
    .description('Land the exact working tree in the workspace on the sidecar, and prove it.')
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(driftOption())
    .option('--adopt', 'take over a directory that already holds something else')
    .option('--best-effort', 'succeed with a warning when there is no sidecar or it cannot be reached')
    .addOption(connectTimeoutOption())
    .action((flags: SyncFlags) => run(async (context) => (await import('./commands/sync.js')).sync(context, flags)));

  program
    .command('status')
    .summary('is the workspace in step')
    .description(
      'Compare the workspace with the working tree: what a sync would change there, what has drifted, what landed last. ' +
        'Writes nothing there.',
    )
    .addHelpText(
      'after',
      `
Examples:
  sidecar status                          # in step? what would a sync change?
  sidecar status --json | jq .inStep      # for a script

Exit codes: 0 in step or not (--json tells) · 255 no session to the sidecar`,
    )
    .action(() => run(async (context) => (await import('./commands/status.js')).status(context)));

  program
    .command('diff')
    .summary('show what a sync would change in the workspace')
    .description(
      "Show what a sync would change in the workspace, as a patch in git's format: from what stands there to the " +
        'working tree here.',
    )
    .option('--stat', 'show which files, and how many lines of each')
    .addHelpText(
      'after',
      `
Examples:
  sidecar diff | less
  sidecar diff --stat
  sidecar diff > there-to-here.patch   # git apply -R makes of the tree here what stands there

Exit codes: 0 whether there is a difference or not · 255 no session to the sidecar`,
    )
    .action((flags: DiffFlags) => run(async (context) => (await import('./commands/diff.js')).diff(context, flags)));

  program
    .command('verify')
    .summary('read every byte in the workspace again and compare')
    .description(
      'Read every file in the workspace again, whatever its times say, and compare it with the last landing. Writes ' +
        'nothing there.',
    )
    .addHelpText(
      'after',
      `
Examples:
  sidecar verify && echo 'as it landed'
  sidecar verify --json

Exit codes: 0 the workspace is what landed there · 1 it is not, or nothing has landed · 255 no session to the sidecar`,
    )
    .action(() => run(async (context) => (await import('./commands/verify.js')).verify(context)));

  program
    .command('pull')
    .summary('bring back what was changed over there')
    .description(
      'Bring back what was changed in the workspace since the last landing and did not come from here. Without an ' +
        'option it only shows which files, and how many lines of each. Writes nothing over there.',
    )
    .addOption(new Option('--patch', 'print it as a patch, which `git apply` takes').conflicts(['branch', 'apply']))
    .addOption(
      new Option('--branch <name>', 'commit it on a new branch; the working tree stays as it is').conflicts('apply'),
    )
    .option('--apply', 'put it into the working tree, unless that has changed at the same paths')
    .addHelpText('after', pullLines)
    .action((flags: PullFlags) => run(async (context) => (await import('./commands/pull.js')).pull(context, flags)));

  const drift = program
    .command('drift')
    .summary('what was changed over there, and saved')
    .description(
      'What was changed in the workspace and did not come from here: each landing saves it under an id before it is ' +
        'overwritten. An id may be cut short, as long as it is one alone.',
    )
    .addHelpText('after', driftWords);
  drift
    .command('list', { isDefault: true })
    .summary('list what is saved')
    .description('List what earlier landings saved, the latest first.')
    .action(() => run(async (context) => (await import('./commands/drift.js')).driftList(context)));
  drift
    .command('show')
    .summary('show saved drift as a patch')
    .description('Show saved drift as a patch of the landing that it drifted from.')
    .argument('[id]', 'which (default: the latest)')
    .option('--stat', 'show which files, and how many lines of each')
    .action((id: string | undefined, flags: DiffFlags) =>
      run(async (context) => (await import('./commands/drift.js')).driftShow(context, id, flags)),
    );
  drift
    .command('restore')
    .summary('put saved files back into the workspace')
    .description(
      'Put the files of saved drift back into the workspace. What has drifted at their places is saved first. The next ' +
        'sync finds them as drift again; the saved copy stays.',
    )
    .argument('[id]', 'which (default: the latest)')
    .argument('[paths...]', 'only these files and directories of the working tree')
    .action((id: string | undefined, paths: string[]) =>
      run(async (context) => (await import('./commands/drift.js')).driftRestore(context, id, paths)),
    );
  drift
    .command('drop')
    .summary('delete saved drift for good')
    .description('Delete saved drift for good.')
    .argument('[ids...]', 'which')
    .option('--all', 'all of it')
    .action((ids: string[], flags: { all?: boolean }) =>
      run(async (context) => (await import('./commands/drift.js')).driftDrop(context, ids, flags)),
    );

  program
    .command('undo')
    .summary('put back the tree that the last landing replaced')
    .description(
      'Put back the tree that the last landing replaced, as a landing: what has drifted since is saved first, and the ' +
        'tree is proved. Another undo takes it back. The working tree here stays as it is, so the next sync lands it again.',
    )
    .addHelpText(
      'after',
      `
Examples:
  sidecar undo        # as it was before the last landing
  sidecar undo        # and back again

Exit codes: 0 done · 1 there is nothing to put back · 3 the workspace is in use · 255 no session to the sidecar`,
    )
    .action(() => run(async (context) => (await import('./commands/undo.js')).undo(context)));

  program
    .command('explain')
    .summary('why a path is or is not sent')
    .description('Say why a path is or is not part of what a sync sends, and which rule decides. Needs no sidecar.')
    .argument('<path>', 'a file or a directory, there or not')
    .addHelpText(
      'after',
      `
Examples:
  sidecar explain build/app.o
  sidecar explain --json node_modules | jq -r .rule.file

Exit codes: 0 whether it is sent or not (--json tells) · 1 the working tree cannot be read`,
    )
    .action((path: string) =>
      run(async (context) => (await import('./commands/explain.js')).explainPath(context, path)),
    );

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
      run(async (context) => (await import('./commands/watch.js')).watch(context, command, flags)),
    );

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
      .option('--adopt', 'take over a directory that already holds something else'),
  )
    .option('-t, --tty', 'run it on a terminal')
    .option('-T, --no-tty', 'run it without a terminal (default)')
    .addHelpText('after', runLines)
    .action((command: string[], flags: RunFlags) =>
      run(async (context) => (await import('./commands/run.js')).run(context, command, flags)),
    );

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
      run(async (context) => (await import('./commands/exec.js')).exec(context, command, flags)),
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
    .addHelpText('after', sshLines)
    .action((command: string[], flags: ExecFlags) =>
      run(async (context) => (await import('./commands/ssh.js')).ssh(context, command, flags)),
    );

  program
    .command('forward')
    .summary('forward ports to the sidecar, and back')
    .description(
      'Forward ports to the sidecar, and with -R from there to this machine, until Ctrl-C. A session that is lost is opened ' +
        'again, and whoever connects meanwhile waits for it.',
    )
    .argument('[specs...]', '[bind:]port[:host:port]: where to listen here, and where to connect to from there')
    .option(
      '-R, --remote <spec>',
      'where to listen there, and where to connect to from here; may be repeated',
      repeated,
    )
    .addOption(connectTimeoutOption())
    .addHelpText('after', forwardLines)
    .action((specs: string[], flags: ForwardFlags) =>
      run(async (context) => (await import('./commands/forward.js')).forward(context, specs, flags)),
    );

  const daemon = program
    .command('daemon')
    .summary('show or stop the session daemon')
    .description(
      'The background process that keeps sessions open between commands. The first command that opens a session starts ' +
        'it, and it ends by itself when nobody has needed it for a while.',
    );
  daemon
    .command('status')
    .summary('show the daemon and its sessions')
    .description('Show the daemon and its sessions. There may be none: it is started when it is needed.')
    .action(() => run(async (context) => (await import('./commands/daemon.js')).daemonStatus(context)));
  daemon
    .command('stop')
    .summary('end the daemon and its sessions')
    .description('End the daemon and its sessions. A command that it is working for goes on by itself.')
    .action(() => run(async (context) => (await import('./commands/daemon.js')).daemonStop(context)));

  return program;
}

function driftOption(): Option {
  const words = 'changes made over there: save them aside and go on (default), or refuse';
  return new Option('--drift <what>', words).choices(['save', 'refuse']);
}

const pullLines = `
Examples:
  sidecar pull                      # what would come
  sidecar exec -- npm run format && sidecar pull --apply
  sidecar pull --branch from-web && git merge from-web
  sidecar pull --patch > from-web.patch

Where a path has changed on both sides, --apply touches nothing, lists those paths and exits with 3. What a landing has
saved already can be pulled after \`sidecar drift restore\`.

Exit codes: 0 done, also where there is nothing to pull · 1 a file cannot be written, or not be committed · 2 wrong usage
· 3 changed on both sides, the branch exists, the workspace is in use or holds something else · 255 no session`;

const driftWords = `
Examples:
  sidecar drift list
  sidecar drift show 20261122T084653Z-7b8d8e9e
  sidecar drift show | git apply -3         # takes the latest drift over into the working tree here
  sidecar drift restore 7b8d src/main.c
  sidecar drift drop --all

Exit codes: 0 done · 1 there is no such drift · 2 wrong usage · 3 the workspace is in use · 255 no session to the sidecar`;

const watchLines = `
For editors and scripts, each landing is a pair of lines on stderr:
  sidecar: landing…
  sidecar: landed …       or   sidecar: not landed: …
stdout holds what the command prints, or with --json a document for each landing and each end of the command.`;

function addExecutionOptions(command: Command): Command {
  return command
    .option('-e, --env <NAME=VALUE>', 'set a variable for it, or NAME: the one of here; may be repeated', repeated)
    .option('--env-file <file>', 'set those of a file, one a line; may be repeated', repeated)
    .option('-n, --no-stdin', 'give it no input')
    .addOption(connectTimeoutOption());
}

function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function connectTimeoutOption(): Option {
  return new Option('--connect-timeout <duration>', 'how long to try to connect, as 90s or 2m (default: 90s)');
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

A sync that fails is an error with the exit code of \`sidecar sync\`, and the command is not started: 3 where it is refused,
1 where it failed, 255 without a session.
${exitLines}`;

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

At the start of a line, ~. hangs up, ~^Z suspends, ~? lists these, ~~ types a tilde.
${exitLines}`;

/**
 * Declared once, on the program: commander finds a program's options on both sides of the command's name (and leaves
 * what follows `--` alone), and `showGlobalOptions` names them in every command's help.
 */
function addGlobalOptions(program: Command): void {
  program
    .option('-C <dir>', 'work as if started in <dir>', (dir: string, before: string | undefined) =>
      // An absolute path starts afresh, as with git.
      before === undefined || dir.startsWith('/') ? dir : `${before}/${dir}`,
    )
    .option('-s, --sidecar <name>', 'the sidecar to use instead of the current one')
    .option('--json', 'print one JSON document, errors too')
    .option('-q, --quiet', 'print answers and errors only')
    .option('-v, --verbose', 'print every attempt and step; errors with their stack')
    .option('--no-color', 'print without colour, as NO_COLOR does')
    .option('--no-daemon', 'open the session in this process, and keep none');
}
