import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { startRun, type Run } from '../../src/run/start.js';
import type { Transport } from '../../src/transport/transport.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { gone, isAlive } from './groups.js';

/** A far side that runs real commands on this machine. */
export interface FarRuns {
  readonly transport: Transport;
  /** Breaks the connection. */
  readonly cut: () => void;
}

/** What a command in the workspace promises, whatever server and login shell run it. To be called within a `describe`. */
export function runContract(open: () => Promise<FarRuns>): void {
  let far: FarRuns;
  let place: Scratch;
  const { signal } = new AbortController();

  beforeEach(async () => {
    place = scratch("it's a place $HOME é ");
    far = await open();
  });
  afterEach(async () => {
    await far.transport.close();
    place.remove();
  });

  const start = (...command: string[]): Promise<Run> => startWith({}, command);
  const startWith = (variables: Record<string, string>, command: readonly string[]): Promise<Run> =>
    startRun(
      { transport: far.transport, workspace: place.path },
      { command, variables },
      { clock: systemClock, signal },
    );

  async function outcome(...command: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
    const run = await start(...command);
    const [stdout, stderr, code] = await Promise.all([text(run.stdout), text(run.stderr), run.ended]);
    return { stdout, stderr, code };
  }

  /** A command that tells the number of its process group, leaves a child in it, and does not end by itself. */
  async function endless(before = ''): Promise<{ run: Run; group: number }> {
    const run = await start('sh', '-c', `${before} sleep 1000 & echo $$; wait; sleep 1000`);
    const group = await new Promise<number>((resolve) => run.stdout.once('data', (said) => resolve(Number(said))));
    run.stderr.resume();
    run.stdout.on('error', () => undefined).resume();
    run.stderr.on('error', () => undefined);
    expect(isAlive(group)).toBe(true);
    return { run, group };
  }

  it('runs in the workspace, and gives its output and its exit code untouched', async () => {
    expect(await outcome('sh', '-c', 'pwd; echo oops >&2; exit 7')).toEqual({
      stdout: `${place.path}\n`,
      stderr: 'oops\n',
      code: 7,
    });
  });

  it('gets its words as they are, and an empty input', async () => {
    const words = ['a b', "it's", '$HOME', '`date`', '!x', '\\n', '\\', 'é\n\tü', '*', '', '-n', 'end'];
    const { stdout } = await outcome('printf', '%s|', ...words);
    expect(stdout).toBe(`${words.join('|')}|`);
    expect(await outcome('cat')).toMatchObject({ stdout: '', code: 0 });
  });

  it('gets variables, also of names that the script has for its own', async () => {
    const variables = { leader: '1', group: '2', code: '3', lead: '4', QUOTED: "it's\n$HOME" };
    const words = 'echo $leader $group $code $lead "$QUOTED" $sidecar_variables';
    const run = await startWith(variables, ['sh', '-c', words]);
    run.stderr.resume();
    expect(await text(run.stdout)).toBe("1 2 3 4 it's\n$HOME\n");
  });

  it('that does not exist has the exit code that a shell has for it', async () => {
    expect(await outcome('no-such-command')).toMatchObject({ code: 127, stdout: '' });
  });

  it('that was killed has the exit code that a shell has for it', async () => {
    expect(await outcome('sh', '-c', 'kill -KILL $$')).toEqual({ stdout: '', stderr: '', code: 137 });
  });

  it('is ended with all that it started when it is stopped', async () => {
    const { run, group } = await endless();
    await run.stop();
    expect(await gone(group)).toBe(true);
    await run.stop();
  });

  it('is ended even when it does not want to', async () => {
    const { run, group } = await endless('trap "" TERM HUP;');
    await run.stop();
    expect(await gone(group)).toBe(true);
  });

  it('leaves nothing running that it started and did not wait for', async () => {
    const run = await start('sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $$');
    const [said] = await Promise.all([text(run.stdout), text(run.stderr), run.ended]);
    expect(await gone(Number(said))).toBe(true);
  });

  it('is ended with the connection that it runs on', async () => {
    const { group } = await endless('trap "" HUP;');
    await far.transport.close();
    expect(await gone(group)).toBe(true);
  });

  it('is ended when that connection is lost', async () => {
    const { run, group } = await endless('trap "" HUP;');
    far.cut();
    await expect(run.ended).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    expect(await gone(group)).toBe(true);
  });
}
