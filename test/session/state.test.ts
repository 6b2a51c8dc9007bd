import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import { after, type SessionState, type SessionStep } from '../../src/session/state.js';
import type { Transport } from '../../src/transport/transport.js';

const error = new SidecarError('ssh.connection_lost');
const transport = { name: 'this one' } as unknown as Transport;
const earlier = { name: 'an earlier one' } as unknown as Transport;

const idle: SessionState = { kind: 'idle', sinceMs: 1 };
const open: SessionState = { kind: 'open', transport, users: 1, usedMs: 1, sinceMs: 1 };
const lost: SessionState = { kind: 'lost', error, sinceMs: 1 };

/** The states that follow, from `state`, one step a millisecond from 10 on. */
function walk(state: SessionState, ...steps: SessionStep[]): SessionState {
  return steps.reduce((before, step, index) => after(before, step, 10 + index), state);
}

describe("a session's state", () => {
  it('is connecting from the first attempt on, and waiting between two', () => {
    expect(walk(idle, { kind: 'attempt', attempt: 1 })).toEqual({ kind: 'connecting', attempt: 1, sinceMs: 10 });
    const failed: SessionStep[] = [
      { kind: 'attempt', attempt: 1 },
      { kind: 'failed', attempt: 1, error },
    ];
    expect(walk(idle, ...failed)).toEqual({ kind: 'waiting', attempt: 1, error, sinceMs: 10 });
    expect(walk(idle, ...failed, { kind: 'attempt', attempt: 2 })).toEqual({
      ...{ kind: 'connecting', attempt: 2, sinceMs: 10 },
    });
  });

  it('is open once it was opened, and counts who has it', () => {
    const opened = walk(idle, { kind: 'attempt', attempt: 1 }, { kind: 'opened', transport });
    expect(opened).toEqual({ kind: 'open', transport, users: 0, usedMs: 11, sinceMs: 11 });
    expect(walk(opened, { kind: 'borrowed' }, { kind: 'borrowed' })).toMatchObject({ users: 2, usedMs: 11 });
    expect(walk(opened, { kind: 'borrowed' }, { kind: 'returned', transport })).toMatchObject({ users: 0, usedMs: 11 });
  });

  it('is idle again, with the reason, when nobody tries any more', () => {
    expect(walk(idle, { kind: 'attempt', attempt: 1 }, { kind: 'gave-up', error })).toEqual({
      ...{ kind: 'idle', error, sinceMs: 11 },
    });
  });

  it('is lost with its connection, until it is opened or nobody has needed it for long', () => {
    expect(walk(open, { kind: 'lost', transport, error })).toEqual({ kind: 'lost', error, sinceMs: 10 });
    expect(walk(lost, { kind: 'attempt', attempt: 1 })).toMatchObject({ kind: 'connecting' });
    expect(walk(lost, { kind: 'unused' })).toEqual({ kind: 'idle', sinceMs: 10 });
  });

  it('does not change with what happens to an earlier connection', () => {
    expect(walk(open, { kind: 'lost', transport: earlier, error })).toBe(open);
    expect(walk(open, { kind: 'unused', transport: earlier })).toBe(open);
    expect(walk(open, { kind: 'returned', transport: earlier })).toBe(open);
    expect(walk(open, { kind: 'attempt', attempt: 2 })).toBe(open);
    expect(walk(idle, { kind: 'gave-up', error })).toBe(idle);
  });

  it('is closed for good', () => {
    const closed = walk(open, { kind: 'closed' });
    expect(closed).toEqual({ kind: 'closed', sinceMs: 10 });
    expect(walk(closed, { kind: 'attempt', attempt: 1 }, { kind: 'opened', transport })).toBe(closed);
  });
});
