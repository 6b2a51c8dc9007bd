import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith, findPart } from '../fakes/parts.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
  user.project.write('file', 'one\n');
  user.project.commit();
});
afterEach(async () => user[Symbol.asyncDispose]());

interface Trouble {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  /** How long it is tried to reach a sidecar. Default: not for long, for there is none. */
  readonly limit?: string;
}

/** What `sidecar sync --best-effort` says, with nothing but what a container may have left of the environment. */
function syncWith({ env = {}, cwd = user.project.root, uid, limit = '1s' }: Trouble): {
  code: number | null;
  stderr: string;
  answer: unknown;
} {
  const [file = '', ...argv] = user.command('sync', '--best-effort', '--connect-timeout', limit);
  const how = {
    cwd,
    env: { ...user.env, ...env },
    ...(uid !== undefined && { uid, gid: uid }),
    encoding: 'utf8',
  } as const;
  const { status, stderr } = spawnSync(file, argv, how);
  const { stdout } = spawnSync(file, [...argv, '--json'], how);
  return { code: status, stderr, answer: JSON.parse(stdout) };
}

/** The state directory of a test, with a file of ours in it. */
function stateWith(name: string, content: string): NodeJS.ProcessEnv {
  const home = user.directory('damaged');
  chmodSync(home, 0o700);
  writeFileSync(path.join(home, name), content);
  return { SIDECAR_HOME: home };
}

describe('sync --best-effort goes on with a warning', () => {
  it.each([
    ['where there is no sidecar', 'sidecar.none_selected', () => ({})],
    ['outside of any repository', 'sidecar.none_selected', () => ({ cwd: user.directory('elsewhere') })],
    ['where there is no git', 'git.missing', () => ({ env: { PATH: user.directory('empty') } })],
    ['where the registry is damaged', 'state.corrupt', () => ({ env: stateWith('sidecars.json', '{') })],
    ['where the settings of the user are', 'settings.invalid', () => ({ env: stateWith('config.json', '{"x":1}') })],
    ['where a variable is wrong', 'settings.invalid', () => ({ env: { SIDECAR_DRIFT: 'maybe' } })],
    ['where a sidecar is named that is gone', 'sidecar.unknown', () => ({ env: { SIDECAR_NAME: 'gone' } })],
    ['where the state is no directory', 'state.unwritable', () => ({ env: { SIDECAR_HOME: '/dev/null/state' } })],
  ] as [string, string, () => Trouble][])('%s', (_, code, trouble) => {
    const { code: exit, stderr, answer } = syncWith(trouble());
    expect({ exit, answer }).toEqual({
      exit: 0,
      answer: { skipped: true, error: expect.objectContaining({ code }) as unknown },
    });
    expect(stderr).toMatch(/^(?:\S+:\d+:\d+: warning: .*\n)?sidecar: warning: nothing was synced: .+\n$/);
  });

  it('where the settings of the project are no JSON, and says where', () => {
    user.project.write('.sidecar.json', '{');
    const { code, stderr } = syncWith({});
    user.project.write('.sidecar.json', '{}');
    expect(code).toBe(0);
    expect(stderr).toContain(`${path.join(user.project.root, '.sidecar.json')}:1:`);
  });

  it('where no daemon can be started', () => {
    const env = { SIDECAR_HOME: '/dev/null/state', SIDECAR_NO_DAEMON: undefined };
    expect(syncWith({ env })).toMatchObject({ code: 0, answer: { error: { code: 'state.unwritable' } } });
  });

  it('where drift is refused, and leaves it as it is', async () => {
    await user.type('create', 'web');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as { workspace: string };
    writeFileSync(path.join(workspace, 'file'), 'edited over there\n');
    const { code, answer } = syncWith({ env: { SIDECAR_DRIFT: 'refuse' }, limit: '90s' });
    expect({ code, answer }).toMatchObject({ code: 0, answer: { error: { code: 'sync.drifted' } } });
  });

  it('but not with a command line that is wrong', async () => {
    expect((await user.type('sync', '--best-effort', '--connect-timeout', 'soon')).code).toBe(2);
  });
});

describe.skipIf(process.getuid?.() !== 0)('sync --best-effort of a user whom no file knows, without HOME', () => {
  it('goes on with a warning', () => {
    // The user may go to the project and read it, and write nowhere.
    for (const directory of [path.dirname(user.project.root), user.project.root]) chmodSync(directory, 0o755);
    const env = { HOME: undefined, SIDECAR_HOME: undefined };
    expect(syncWith({ uid: 54_321, env })).toMatchObject({ code: 0, answer: { skipped: true } });
  });
});

describeWith(['sh'], 'the line for the host', () => {
  it('starts the container of somebody who does not have the command', () => {
    const bin = user.directory('bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(findPart('sh') ?? '/bin/sh', path.join(bin, 'sh'));
    const { initializeCommand } = JSON.parse(written()) as { initializeCommand: { sidecar: string } };
    const { status, stdout } = spawnSync('sh', ['-c', initializeCommand.sidecar], {
      env: { PATH: bin },
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'not synced to a sidecar\n' });
  });

  function written(): string {
    const [file = '', ...argv] = user.command('init', 'devcontainer', '--dry-run');
    const { stdout } = spawnSync(file, argv, { cwd: user.project.root, env: user.env, encoding: 'utf8' });
    return stdout
      .split('\n')
      .flatMap((line) => (/^\+(?!\+\+)/.test(line) ? line.slice(1) : []))
      .join('\n');
  }
});
