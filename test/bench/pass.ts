import type { Contender } from './contender.js';
import { Lane, type Cost, type LaneOptions } from './lane.js';
import type { Task } from './tasks.js';

/** One task done once by one contender. */
export interface Sample extends Cost {
  readonly contender: string;
  readonly task: string;
  readonly files: number;
  readonly rttMs: number;
}

export interface Pass extends LaneOptions {
  readonly contenders: readonly Contender[];
  readonly tasks: readonly Task[];
  /** Who goes first in the first task. */
  readonly turn: number;
  /** Called before each task; when it says false, the pass ends there. */
  readonly goOn: (task: Task) => boolean;
}

/** Does each task with every contender before the next one, and hands over each sample as soon as there is one. */
export async function* onePass(pass: Pass): AsyncGenerator<Sample> {
  const { project, contenders, tasks, rttMs } = pass;
  await project.reset();
  const lanes: Lane[] = [];
  try {
    for (const contender of contenders) lanes.push(await Lane.open(contender, pass));
    let hasSynced = false;
    for (const [index, task] of tasks.entries()) {
      if (!pass.goOn(task)) return;
      if (task.from !== 'synced') {
        for (const lane of lanes) await lane.begin(task.from);
      } else if (!hasSynced) {
        for (const lane of lanes) await beginSynced(lane);
      }
      hasSynced = true;
      if (task.setUp !== undefined) {
        await task.setUp(project);
        for (const lane of lanes) await lane.sync();
      }
      await task.prepare?.(project);
      // Who comes second finds the tree in the page cache: take turns.
      for (const lane of rotated(lanes, pass.turn + index)) {
        yield { contender: lane.name, task: task.name, files: project.files, rttMs, ...(await lane.sync()) };
      }
    }
  } finally {
    for (const lane of lanes) await lane[Symbol.asyncDispose]();
  }
}

async function beginSynced(lane: Lane): Promise<void> {
  await lane.begin('empty');
  await lane.sync();
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
