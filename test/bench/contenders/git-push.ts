import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Contender } from '../contender.js';
import { run } from '../run.js';
import { sshWords } from './ssh.js';

/** Commits whatever there is to commit; the other side checks out what arrives. */
const commitAndPush = `git add --all &&
{ git diff --cached --quiet || git commit --quiet --message=wip; } &&
git push --quiet --force "$0" HEAD:main`;

/**
 * Commit and push, to a repository with `receive.denyCurrentBranch=updateInstead` that was set up before. So that the
 * others find the project's repository as the developer left it, the commits are made in one of its own, with the same
 * working tree and with the objects of the project's.
 */
export const gitPush: Contender = {
  name: 'git-push',
  comparedWith: 'sidecar',
  needs: ['git', 'ssh'],
  async begin(start) {
    const { bed, project, host, workspace, keep, signal } = start;
    const own = path.join(keep, 'repository');
    const env = {
      ...bed.env,
      GIT_DIR: own,
      GIT_WORK_TREE: project.root,
      GIT_SSH_COMMAND: sshWords(start, 'own').join(' '),
    };
    const git = (...args: string[]) => run('git', args, { cwd: project.root, env, signal });
    await git('init', '--quiet', '--initial-branch=main');
    await git('config', 'gc.auto', '0');
    await writeFile(path.join(own, 'objects/info/alternates'), `${path.join(project.root, '.git/objects')}\n`);

    await mkdir(workspace, { recursive: true });
    const there = (...args: string[]) => run('git', args, { cwd: workspace, env: bed.env, signal });
    await there('init', '--quiet', '--initial-branch=main');
    await there('config', 'receive.denyCurrentBranch', 'updateInstead');
    await there('config', 'receive.autogc', 'false');

    let head: string | undefined;
    return {
      command: {
        program: 'sh',
        args: ['-c', commitAndPush, `${bed.sshd.user}@${host}:${workspace}`],
        env,
      },
      // Follows the developer to another branch.
      async prepare() {
        const now = await project.head();
        if (now !== head) await git('reset', '--quiet', '--mixed', now);
        head = now;
      },
    };
  },
};
