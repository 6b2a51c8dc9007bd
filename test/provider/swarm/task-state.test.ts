import { describe, expect, it } from 'vitest';
import type { Task } from '../../../src/provider/swarm/answers.js';
import { stateOf } from '../../../src/provider/swarm/task-state.js';

type Status = Task['Status'];

const missing = { State: 'rejected', Err: 'No such image: team/dev:1' };
const withCode = (ExitCode: number) => ({ State: 'failed', Err: 'task: non-zero exit', ContainerStatus: { ExitCode } });

/** A task of an image, as the manager tells of it. */
function task(status: Partial<Status> & { State: string }, image = 'team/dev:1'): Task {
  const Status = { Err: '', Message: '', ...status };
  return { ID: 't', CreatedAt: '', NodeID: '', DesiredState: '', Spec: { ContainerSpec: { Image: image } }, Status };
}

/** The newest first. */
function state(...tasks: readonly [Task, ...Task[]]) {
  return stateOf(tasks[0], tasks);
}

describe('a task of a swarm', () => {
  it('that runs is a machine that runs, whatever became of those before it', () => {
    for (const before of [missing, withCode(71), withCode(72)]) {
      expect(state(task({ State: 'running' }), task(before), task(before), task(before))).toEqual({ state: 'running' });
    }
  });

  it.each([
    [{ State: 'preparing' }, 'its task is preparing'],
    [{ State: 'pending', Message: 'no suitable node' }, 'its task is pending (no suitable node)'],
    [{ State: 'ready', Err: 'starting container failed' }, 'its task is ready: starting container failed'],
  ])('that does not run yet is a machine that starts: %j', (status, reason) => {
    expect(state(task(status))).toEqual({ state: 'starting', reason });
    expect(state(task(status), task({ State: 'shutdown' }), task(withCode(1)))).toEqual({ state: 'starting', reason });
  });

  it.each([
    [71, /needs sh, git and sshd/],
    [72, /no such account/],
  ])('after one that ended with %i is of an image that never runs', (code, reason) => {
    expect(state(task({ State: 'ready' }), task(withCode(code)))).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(reason) as string,
    });
  });

  it('of another image than the one that could not be used starts', () => {
    expect(state(task({ State: 'ready' }, 'team/dev:2'), task(withCode(71)))).toMatchObject({ state: 'starting' });
  });

  it('whose image was missing once or twice may find it on another node; three times in a row is the end', () => {
    const ready = task({ State: 'ready' });
    expect(state(ready, task(missing))).toMatchObject({ state: 'starting' });
    expect(state(ready, task(missing), task(missing), task(withCode(1)))).toMatchObject({ state: 'starting' });
    expect(state(ready, task(missing), task(missing), task(missing))).toEqual({ state: 'failed', reason: missing.Err });
  });
});
