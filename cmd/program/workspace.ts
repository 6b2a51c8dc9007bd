import type { Command } from 'commander';
import type { DiffFlags } from '../commands/diff.js';
import type { RunCommand } from './run-command.js';

/** What stands in the workspace, and what a sync sends. */
export function addWorkspaceCommands(program: Command, run: RunCommand): void {
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
    .action(() => run(async (context) => (await import('../commands/status.js')).status(context)));

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
    .action((flags: DiffFlags) => run(async (context) => (await import('../commands/diff.js')).diff(context, flags)));

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
    .action(() => run(async (context) => (await import('../commands/verify.js')).verify(context)));

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
    .action(() => run(async (context) => (await import('../commands/undo.js')).undo(context)));

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
      run(async (context) => (await import('../commands/explain.js')).explainPath(context, path)),
    );
}
