import { scriptExit } from '../docker/scripts.js';
import type { MachineState } from '../provider.js';
import type { Task } from './answers.js';

export interface TaskState {
  readonly state: MachineState;
  readonly reason?: string;
}

export const starting = (reason: string): TaskState => ({ state: 'starting', reason });

/** How many tasks in a row have to find no image before that counts as lasting: on another node there may be one. */
const lastingMisses = 3;

/**
 * What a task, the one that is wanted, makes of its machine; `tasks` are all that the swarm remembers, the newest first.
 * https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/
 */
export function stateOf(task: Task, tasks: readonly Task[]): TaskState {
  const { State: state, Err: error, Message: message } = task.Status;
  if (state === 'running') return { state: 'running' };
  const failure = hopeless(tasks.filter((each) => imageOf(each) === imageOf(task)));
  if (failure !== undefined) return { state: 'failed', reason: failure };
  const why = error !== '' ? `: ${error}` : state === 'pending' ? ` (${message})` : '';
  return starting(`its task is ${state}${why}`);
}

/** What those that have ended say of an image that cannot be used, however often it is started again. */
function hopeless(tasks: readonly Task[]): string | undefined {
  const ended = tasks.filter(({ Status }) => ['failed', 'rejected', 'complete'].includes(Status.State));
  switch (ended[0]?.Status.ContainerStatus?.ExitCode) {
    case scriptExit.missingPrograms:
      return 'its image has no sshd or no git: the image needs sh, git and sshd';
    case scriptExit.unusableAccount:
      return 'its image has no such account with a login shell';
    case undefined:
    default: {
      const last = ended.slice(0, lastingMisses);
      const isMissing = last.length === lastingMisses && last.every(({ Status }) => /no such image/i.test(Status.Err));
      return isMissing ? last[0]?.Status.Err : undefined;
    }
  }
}

/** A service may have been given another one since. */
const imageOf = ({ Spec }: Task): string | undefined => Spec?.ContainerSpec?.Image;
