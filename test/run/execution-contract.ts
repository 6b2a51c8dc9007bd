import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { startExecution, type Execution, type ExecutionRequest } from '../../src/run/execution.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { gone, isAlive } from './groups.js';
import type { FarRuns } from './contract.js';

/** What a command with the caller's input promises, whatever server and login shell run it. To be called within a `describe`. */
export function executionContract(open: () => Promise<FarRuns>): void {
  let far: FarRuns;
  let place: Scratch;
  const terminal = { term: 'xterm', columns: 100, rows: 30 };

  beforeEach(async () => {
    place = scratch("it's a place $HOME é ");
    far = await open();
  });
  afterEach(async () => {
    await far.transport.close();
    place.remove();
  });

  const start = (command: readonly string[], more: Partial<ExecutionRequest> = {}): Promise<Execution> =>
    startExecution(
      far.transport,
      { workspace: place.path, command, variables: {}, terminal: undefined, ...more },
      { clock: systemClock, signal: new AbortController().signal },
    );

  async function outcome(
    command: readonly string[],
    input: string | Buffer = '',
    more: Partial<ExecutionRequest> = {},
  ) {
    const execution = await start(command, more);
    execution.stdin.end(input);
    const [stdout, stderr, code] = await Promise.all([text(execution.stdout), text(execution.stderr), execution.ended]);
    return { stdout, stderr, code };
  }

  /** A command that tells the number of its process group, leaves a child in it, and does not end by itself. */
  async function endless(before = ''): Promise<{ execution: Execution; group: number }> {
    const execution = await start(['sh', '-c', `${before} sleep 1000 & echo $$; wait; sleep 1000`]);
    const group = await new Promise<number>((resolve) =>
      execution.stdout.once('data', (said) => resolve(Number(said))),
    );
    execution.stdout.on('error', () => undefined).resume();
    execution.stderr.on('error', () => undefined).resume();
    expect(isAlive(group)).toBe(true);
    return { execution, group };
  }

  it('runs in the workspace, and gives its output and its exit code untouched', async () => {
    expect(await outcome(['sh', '-c', 'pwd; echo oops >&2; exit 7'])).toEqual({
      stdout: `${place.path}\n`,
      stderr: 'oops\n',
      code: 7,
    });
  });

  it('tells where it runs, without links', async () => {
    const link = `${place.path}/a link`;
    symlinkSync(place.path, link);
    for (const on of [undefined, terminal]) {
      const execution = await start(['sh', '-c', 'pwd'], { workspace: link, terminal: on });
      execution.stderr.resume();
      expect((await text(execution.stdout)).trim()).toBe(link);
      expect(execution.workspace).toBe(realpathSync(place.path));
    }
  });

  it('gets its words as they are', async () => {
    const words = ['a b', "it's", '$HOME', '`date`', '!x', '\\n', '\\', 'é\n\tü', '*', '', '-n', 'end'];
    expect((await outcome(['printf', '%s|', ...words])).stdout).toBe(`${words.join('|')}|`);
  });

  it('gets its input as it is, to its end, and gives bytes as they are', async () => {
    const sent = randomBytes(3_000_000);
    const execution = await start(['cat']);
    execution.stdin.end(sent);
    const [received, code] = await Promise.all([buffer(execution.stdout), execution.ended]);
    expect(received.equals(sent)).toBe(true);
    expect(code).toBe(0);
    expect((await outcome(['sh', '-c', 'wc -c; echo after'], 'five5')).stdout.replace(/ /g, '')).toBe('5\nafter\n');
  });

  it('gets variables as they are, before its input, and they are in no list of processes', async () => {
    const variables = {
      PLAIN: 'x',
      ODD: ` it's "$HOME" \\n \`date\`\t `,
      LINES: 'one\ntwo\n\nthree\n',
      EMPTY: '',
      sidecar: 'é',
    };
    const line = 'printf "%s|" "$PLAIN" "$ODD" "$LINES" "$EMPTY" "$sidecar"; cat; ps axww -o args >&2';
    const { stdout, stderr } = await outcome(['sh', '-c', line], 'input', {
      variables: { ...variables, T: 's3cret-0' },
    });
    expect(stdout).toBe([...Object.values(variables), 'input'].join('|'));
    expect(stderr).toContain('ps axww');
    expect(stderr).not.toContain('s3cret-0');
  });

  it('may change its own PATH by them', async () => {
    const { stdout } = await outcome(['/bin/sh', '-c', 'echo "$PATH"'], '', { variables: { PATH: '/nowhere' } });
    expect(stdout).toBe('/nowhere\n');
  });

  it('that does not exist has the exit code that a shell has for it', async () => {
    expect(await outcome(['no-such-command'])).toMatchObject({ code: 127, stdout: '' });
  });

  it('that was killed has the exit code that a shell has for it', async () => {
    expect((await outcome(['sh', '-c', 'kill -KILL $$'])).code).toBe(137);
    expect((await outcome(['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
  });

  it('that ends while its input is open ends, whatever is still sent', async () => {
    const execution = await start(['sh', '-c', 'exit 4']);
    execution.stdin.write('more');
    execution.stdout.resume();
    execution.stderr.resume();
    expect(await execution.ended).toBe(4);
  });

  it('can be interrupted, and end by itself then', async () => {
    const execution = await start(['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo up; sleep 1000 & wait']);
    let said = '';
    execution.stderr.resume();
    execution.stdout.on('data', (chunk: Buffer) => {
      if (said === '') execution.stop();
      said += chunk.toString();
    });
    expect({ code: await execution.ended, said }).toEqual({ code: 5, said: 'up\ninterrupted\n' });
  });

  it('is ended with all that it started when it is stopped', async () => {
    const { execution, group } = await endless();
    execution.stop();
    await execution.ended.catch(() => undefined);
    expect(await gone(group)).toBe(true);
  });

  it('is ended even when it does not want to', async () => {
    const { execution, group } = await endless('trap "" INT TERM HUP;');
    execution.stop();
    expect(await gone(group)).toBe(true);
  });

  it('is ended when its connection is lost, even when its input has ended and it is silent', async () => {
    const { execution, group } = await endless('trap "" HUP;');
    execution.stdin.end();
    far.cut();
    await expect(execution.ended).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    expect(await gone(group)).toBe(true);
  });

  it('leaves running what it put into the background when it ends by itself', async () => {
    const line = 'nohup sleep 1000 >/dev/null 2>&1 & echo $!';
    const { stdout, code } = await outcome(['sh', '-c', line]);
    expect(code).toBe(0);
    process.kill(Number(stdout), 'SIGKILL');
  });

  it('leaves no file behind', async () => {
    const places = [process.env['XDG_RUNTIME_DIR'], '/dev/shm', process.env['TMPDIR'] ?? '/tmp'];
    const files = (): string[] =>
      places
        .filter((each): each is string => each !== undefined && existsSync(each))
        .flatMap((each) => readdirSync(each).filter((name) => name.startsWith('.sidecar-exec-')));
    const before = new Set(files());
    await outcome(['true']);
    const { execution, group } = await endless();
    execution.stop();
    expect(await gone(group)).toBe(true);
    while (files().some((name) => !before.has(name))) await systemClock.sleep(10);
  });

  it('is not started where there is no workspace, on a terminal or not', async () => {
    const workspace = `${place.path}/nowhere`;
    for (const on of [undefined, terminal]) {
      await expect(start(['echo', 'no'], { workspace, terminal: on })).rejects.toMatchObject({
        code: 'run.no_workspace',
        facts: { workspace },
      });
    }
  });

  describe('on a terminal', () => {
    const modes = { VERASE: 8, IXON: 0, ECHO: 1 };

    it('has its size, its type, its modes, its words and variables, and the workspace', async () => {
      const line = 'pwd; stty size; echo "$TERM $V $1"; stty -a; exit 3';
      const { stdout, code } = await outcome(['sh', '-c', line, 'sh', "it's"], '', {
        variables: { V: 's3cret\nlines' },
        terminal: { ...terminal, modes },
      });
      expect(stdout).toContain(`${place.path}\r\n30 100\r\nxterm s3cret\r\nlines it's\r\n`);
      for (const mode of ['erase = ^H', ' -ixon ', ' echo ', ' icanon ']) expect(stdout).toContain(mode);
      expect(code).toBe(3);
    });

    it('is interrupted by what is typed', async () => {
      // Reading: a shell that starts a program misses what is typed between its fork and its exec.
      const execution = await start(['sh', '-c', 'echo up; read -r line'], { terminal });
      let said = '';
      execution.stdout.on('data', (chunk: Buffer) => {
        // Once: what is typed is shown, and would be answered again.
        if (!said.includes('up') && `${said}${chunk.toString()}`.includes('up')) execution.stdin.write('\x03');
        said += chunk.toString();
      });
      // csh, between the two, has a code of its own for that.
      expect([130, 1]).toContain(await execution.ended);
    });

    it('is a login shell where no command is given', async () => {
      const execution = await startExecution(
        far.transport,
        { workspace: place.path, command: undefined, variables: {}, terminal },
        { clock: systemClock, signal: new AbortController().signal },
      );
      execution.stdin.write('pwd; exit 6\r');
      expect(await text(execution.stdout)).toContain(`${place.path}\r\n`);
      expect(await execution.ended).toBe(6);
    });
  });
}
