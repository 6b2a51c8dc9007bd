import type { Project } from './project.js';

/** One thing that is timed. To add one: name it in `tasks`. */
export interface Task {
  readonly name: string;
  /** What the developer did since the last sync. Not timed. */
  prepare(project: Project): Promise<void>;
}

/** In this order in every round, which begins with an empty workspace. */
export const tasks: readonly Task[] = [
  { name: 'first sync, empty workspace', prepare: () => Promise.resolve() },
  { name: 'no-op', prepare: () => Promise.resolve() },
  { name: 'one-line edit', prepare: (project) => project.edit(1) },
  { name: '100-file edit', prepare: (project) => project.edit(100) },
];
