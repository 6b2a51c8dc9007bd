import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { SidecarEvent } from '../../src/events.js';
import { LatestRun } from '../../src/run/latest-run.js';
import { memoryTransport, shell, type MemoryTransport } from '../fakes/memory-transport.js';

let transport: MemoryTransport;
let happened: EventEmitter;
let events: SidecarEvent[];
let printed: string;

beforeEach(() => {
  transport = memoryTransport(shell());
  happened = new EventEmitter();
  events = [];
  printed = '';
});
afterEach(() => transport.close());

function latest(...command: string[]): LatestRun {
  return new LatestRun({
    command,
    passOn: (stream, chunk) => {
      printed += `${stream}: ${chunk.toString()}`;
      happened.emit('something');
      return Promise.resolve();
    },
    clock: systemClock,
    signal: new AbortController().signal,
    emit: (event) => {
      events.push(event);
      happened.emit('something');
    },
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await once(happened, 'something');
}

const said = (kind: SidecarEvent['kind']): boolean => events.some((event) => event.kind === kind);
const start = (run: LatestRun): Promise<boolean> => run.start({ transport, workspace: '/' });

describe('the latest run', () => {
  it('passes on what it prints, and tells its end', async () => {
    const command = ['sh', '-c', 'echo out; exit 3'];
    expect(await start(latest(...command))).toBe(true);
    await until(() => said('run.ended'));
    expect(printed).toBe('stdout: out\n');
    expect(events).toMatchObject([
      { kind: 'run.started', command },
      { kind: 'run.ended', command, code: 3 },
    ]);
  });

  it('takes the place of the one before, which is stopped first', async () => {
    const run = latest('sh', '-c', 'echo begun; sleep 1000');
    await start(run);
    await until(() => printed === 'stdout: begun\n');
    await start(run);
    await until(() => printed === 'stdout: begun\nstdout: begun\n');
    expect(events.filter(({ kind }) => kind !== 'run.started')).toMatchObject([{ kind: 'run.stopped' }]);
    await run.close();
    expect(events).toHaveLength(3);
  });

  it('that cannot be started says why, and is still owed', async () => {
    transport.cut();
    expect(await start(latest('true'))).toBe(false);
    expect(events).toMatchObject([{ kind: 'run.failed', error: { code: 'ssh.connection_lost' } }]);
  });

  it('that was lost with its connection says so, and is not begun again', async () => {
    expect(await start(latest('sh', '-c', 'echo begun; sleep 1000'))).toBe(true);
    await until(() => printed !== '');
    transport.cut();
    await until(() => said('run.failed'));
    expect(events.map(({ kind }) => kind)).toEqual(['run.started', 'run.failed']);
  });
});
