import { performance } from 'node:perf_hooks';
import { emptyFarHome, makeBed, type Bed } from './bed.js';
import { contenders, type Timing } from './contenders.js';
import type { Options } from './options.js';
import { Project } from './project.js';
import { assertSameTree } from './same-tree.js';
import { tasks } from './tasks.js';

/** One task done once by one contender. */
export interface Sample extends Timing {
  readonly contender: string;
  readonly task: string;
  readonly files: number;
}

export interface Measuring extends Options {
  readonly signal: AbortSignal;
  /** Called as each round begins. */
  readonly onRound: (files: number, round: number) => void;
}

/**
 * Does every task, in every round, with every contender, on the same tree. What a contender leaves behind is compared
 * with the tree each time, and a difference throws. Nothing is left behind, however it ends.
 */
export async function measure(measuring: Measuring): Promise<Sample[]> {
  await using bed = await makeBed();
  const samples: Sample[] = [];
  for (const files of measuring.files) {
    const root = await bed.directory('project');
    const project = await Project.generate(root, files, { env: bed.env, signal: measuring.signal });
    let longestMs = 0;
    for (let round = 0; round < measuring.rounds; round += 1) {
      const beganMs = performance.now();
      if (round > 0 && beganMs + longestMs > measuring.budgetMs) break;
      measuring.onRound(files, round + 1);
      samples.push(...(await oneRound(bed, { project, round, signal: measuring.signal })));
      longestMs = Math.max(longestMs, performance.now() - beganMs);
    }
  }
  return samples;
}

interface Round {
  readonly project: Project;
  /** From 0. */
  readonly round: number;
  readonly signal: AbortSignal;
}

async function oneRound(bed: Bed, { project, round, signal }: Round): Promise<Sample[]> {
  const samples: Sample[] = [];
  await emptyFarHome(bed);
  const ready = [];
  for (const contender of contenders) {
    ready.push({ name: contender.name, syncing: await contender.begin(bed, project, signal) });
  }
  for (const [turn, task] of tasks.entries()) {
    await task.prepare(project);
    // Who comes second finds the tree in the page cache: take turns.
    for (const { name, syncing } of rotated(ready, round + turn)) {
      samples.push({ contender: name, task: task.name, files: project.files, ...(await syncing.sync()) });
      assertSameTree(project.root, syncing.workspace);
    }
  }
  return samples;
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
