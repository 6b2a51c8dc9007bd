import { emptyFarHome, makeBed, removeTree } from './bed.js';
import { Budget } from './budget.js';
import type { Options } from './options.js';
import { onePass, type Sample } from './pass.js';
import { Project } from './project.js';
import type { Task } from './tasks.js';

export interface Measuring extends Options {
  readonly signal: AbortSignal;
  /** Called as each round begins, and in it each round trip time. */
  readonly onPass: (about: { readonly files: number; readonly round: number; readonly rttMs: number }) => void;
}

/**
 * Does every task, in every round, at every round trip time, with every contender, on the same tree; hands over what
 * was measured on each tree. What a contender leaves behind is compared with the tree each time, and a difference
 * throws. Nothing is left behind, however it ends.
 */
export async function* measure(measuring: Measuring): AsyncGenerator<Sample[]> {
  await using bed = await makeBed();
  const { signal } = measuring;
  for (const files of measuring.files) {
    const root = await bed.directory('project');
    const project = await Project.generate(root, files, { env: bed.env, signal });
    const behind = await bed.directory('behind');
    await project.cloneOneBehind(behind);
    const budget = new Budget(measuring.budgetMs);
    const samples: Sample[] = [];
    for (let round = 0; round < measuring.rounds; round += 1) {
      const measuredBefore = samples.length;
      for (const rttMs of measuring.rttsMs) {
        const goOn = (task: Task): boolean => budget.allows(`${rttMs} ${task.name}`);
        await emptyFarHome(bed);
        measuring.onPass({ files, round, rttMs });
        const pass = { ...measuring, bed, project, behind, rttMs, turn: round, goOn };
        for await (const sample of onePass(pass)) samples.push(sample);
        budget.pause();
      }
      // There is no time for any task any more.
      if (samples.length === measuredBefore) break;
    }
    yield samples;
    await removeTree(root);
    await removeTree(behind);
  }
}
