import { Command } from 'commander';
import { addAccountCommands } from './program/account.js';
import { addDriftCommands } from './program/drift.js';
import { addEditorCommands } from './program/editors.js';
import { addExecutionCommands } from './program/execution.js';
import { addHelpCommands } from './program/help.js';
import { addLandingCommands } from './program/landing.js';
import { addRegistryCommands } from './program/registry.js';
import { addProviderCommands } from './program/providers.js';
import type { RunCommand } from './program/run-command.js';
import { addSessionCommands } from './program/session.js';
import { addSettingsCommands } from './program/settings.js';
import { addWorkspaceCommands } from './program/workspace.js';
import { packageVersion } from './version.js';

export interface ProgramParts {
  readonly run: RunCommand;
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
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nSee `sidecar help <command>` for the options of one command.');
  addGlobalOptions(program);

  const groups = [
    ['Sidecars:', addRegistryCommands],
    ['Providers:', addProviderCommands],
    ['Account:', addAccountCommands],
    ['Landing:', addLandingCommands],
    ['Running:', addExecutionCommands],
    ['The workspace:', addWorkspaceCommands],
    ['Changes made over there:', addDriftCommands],
    ['Sessions:', addSessionCommands],
    ['Settings:', addSettingsCommands],
    ['Editors:', addEditorCommands],
    ['Help:', addHelpCommands],
  ] as const;
  for (const [heading, addCommands] of groups) addCommands(program.commandsGroup(heading), run);
  return program.helpCommand(false);
}

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
