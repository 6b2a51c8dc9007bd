import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { startExecution } from '../../src/run/execution.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { memoryTransport, shell, type Handler } from '../fakes/memory-transport.js';

let place: Scratch;
beforeEach(() => {
  place = scratch();
});
afterEach(() => place.remove());

describe('what ends a command with its connection', () => {
  it('is there before the command begins, however slow its login shell is', async () => {
    const run = shell({ env: { ...process.env, XDG_RUNTIME_DIR: place.path } });
    let admit = (): void => undefined;
    const admitted = new Promise<void>((resolve) => (admit = resolve));
    let opened = 0;
    const slowLifeline: Handler = async (command, io) => {
      if (++opened === 2) await admitted;
      return run(command, io);
    };
    const transport = memoryTransport(slowLifeline);
    const request = { workspace: place.path, command: ['touch', 'begun'], variables: {}, terminal: undefined };
    const starting = startExecution(transport, request, { clock: systemClock, signal: new AbortController().signal });
    while (!readdirSync(place.path).some((name) => name.endsWith('.waits'))) await systemClock.sleep(5);
    expect(existsSync(path.join(place.path, 'begun'))).toBe(false);

    admit();
    const execution = await starting;
    const [, , code] = await Promise.all([text(execution.stdout), text(execution.stderr), execution.ended]);
    expect(code).toBe(0);
    expect(existsSync(path.join(place.path, 'begun'))).toBe(true);
    await transport.close();
  });
});
