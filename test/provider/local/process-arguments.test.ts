import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasArgument } from '../../../src/provider/local/process-arguments.js';

describe.each([
  ['/proc', '/proc'],
  ['ps, where there is no /proc', '/nowhere'],
])('hasArgument, by %s', (_, proc) => {
  let child: ChildProcess;
  beforeEach(async () => {
    const script = 'process.stdin.resume(); console.log("up")';
    const started = spawn(process.execPath, ['-e', script, '/state/local/my web'], { stdio: 'pipe' });
    child = started;
    // Its arguments are there a moment after it was started.
    await once(started.stdout, 'data');
  });
  afterEach(() => child.kill('SIGKILL'));

  it('knows a process by an argument', async () => {
    expect(await hasArgument(child.pid ?? 0, '/state/local/my web', proc)).toBe(true);
  });

  it.each(['/state/local/my', '/state/local/my web/x', '/other'])('is not content with less: %s', async (directory) => {
    expect(await hasArgument(child.pid ?? 0, directory, proc)).toBe(false);
  });

  it('finds no argument in a process that has ended', async () => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await hasArgument(child.pid ?? 0, '/state/local/my web', proc)).toBe(false);
  });
});
