import type { Project } from './project.js';

/** One thing that is timed. To add one: name it in `tasks`. */
export interface Task {
  /** What `--tasks` calls it. */
  readonly name: string;
  readonly title: string;
  /** What the workspace holds before: nothing, a clone one commit behind, or what was synced last. */
  readonly from: 'empty' | 'clone' | 'synced';
  /** What the developer had done by the last sync, which comes after this. Neither is timed. */
  readonly setUp?: (project: Project) => Promise<void>;
  /** What the developer did since the last sync. Not timed. */
  readonly prepare?: (project: Project) => Promise<void>;
}

/** In this order in every pass, which begins with the tree as it was committed; so a branch is switched before edits. */
export const tasks: readonly Task[] = [
  { name: 'first-clone', title: 'first sync, clone one commit behind', from: 'clone' },
  { name: 'first-empty', title: 'first sync, empty workspace', from: 'empty' },
  { name: 'no-op', title: 'no-op', from: 'synced' },
  { name: 'switch', title: 'branch switch', from: 'synced', prepare: (project) => project.switchBranch() },
  { name: 'edit', title: 'one-line edit', from: 'synced', prepare: (project) => project.edit(1) },
  { name: 'edit-100', title: '100-file edit', from: 'synced', prepare: (project) => project.edit(100) },
  { name: 'rename', title: 'directory rename', from: 'synced', prepare: (project) => project.renameDirectory() },
  {
    name: 'big-file',
    title: 'small change in a 50 MB file',
    from: 'synced',
    setUp: (project) => project.addBigFile(),
    prepare: (project) => project.changeBigFile(),
  },
];
