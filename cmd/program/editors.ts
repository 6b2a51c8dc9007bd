import { Argument, type Command } from 'commander';
import type { Editor, InitFlags } from '../commands/init.js';
import type { RunCommand } from './run-command.js';

/** Joining other tools. */
export function addEditorCommands(program: Command, run: RunCommand): void {
  program
    .command('init')
    .summary('write tasks for an editor, or the lines of a dev container')
    .description(
      'Write tasks for an editor into the root of the working tree, or the lines of a dev container. What is there ' +
        'already stays, with its comments; what has the name of ours and differs is left alone.',
    )
    .addArgument(new Argument('<editor>', 'for what').choices(['vscode', 'zed', 'nvim', 'jetbrains', 'devcontainer']))
    .option('--dry-run', 'print what would be written, as a patch, and write nothing')
    .option('--force', 'replace what differs')
    .option('--feature', 'of a dev container: have the sidecar command inside it, too')
    .addHelpText('after', initLines)
    .action((editor: Editor, flags: InitFlags) =>
      run(async (context) => (await import('../commands/init.js')).init(context, editor, flags)),
    );
}

const initLines = `
Examples:
  sidecar init vscode                  # .vscode/tasks.json: sync, watch, run tests, with problem matchers
  sidecar init zed                     # .zed/tasks.json
  sidecar init nvim                    # .nvim.lua: :SidecarSync, :SidecarWatch, :SidecarRun
  sidecar init jetbrains               # .run/*.run.xml
  sidecar init devcontainer            # a sync before each start of the container, which never fails that
  sidecar init vscode --dry-run        # what would be written, as a patch

Exit codes: 0 written, or there already · 1 a file cannot be written · 3 something was left alone (--force replaces it),
or a file is not what it can be added to`;
