import { Option, type Command } from 'commander';
import type { DiffFlags } from '../commands/diff.js';
import type { PullFlags } from '../commands/pull.js';
import type { RunCommand } from './run-command.js';

/** What was changed over there. */
export function addDriftCommands(program: Command, run: RunCommand): void {
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
    .action((flags: PullFlags) => run(async (context) => (await import('../commands/pull.js')).pull(context, flags)));

  const drift = program
    .command('drift')
    .summary('what was changed over there, and saved')
    .description(
      'What was changed in the workspace and did not come from here: each landing saves it under an id before it is ' +
        'overwritten. An id may be cut short, as long as it is one alone.',
    )
    .helpCommand(false)
    .addHelpText('afterAll', driftWords);
  drift
    .command('list', { isDefault: true })
    .summary('list what is saved')
    .description('List what earlier landings saved, the latest first.')
    .action(() => run(async (context) => (await import('../commands/drift.js')).driftList(context)));
  drift
    .command('show')
    .summary('show saved drift as a patch')
    .description('Show saved drift as a patch of the landing that it drifted from.')
    .argument('[id]', 'which (default: the latest)')
    .option('--stat', 'show which files, and how many lines of each')
    .action((id: string | undefined, flags: DiffFlags) =>
      run(async (context) => (await import('../commands/drift.js')).driftShow(context, id, flags)),
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
      run(async (context) => (await import('../commands/drift.js')).driftRestore(context, id, paths)),
    );
  drift
    .command('drop')
    .summary('delete saved drift for good')
    .description('Delete saved drift for good.')
    .argument('[ids...]', 'which')
    .option('--all', 'all of it')
    .action((ids: string[], flags: { all?: boolean }) =>
      run(async (context) => (await import('../commands/drift.js')).driftDrop(context, ids, flags)),
    );
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
