import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
});
afterEach(async () => user[Symbol.asyncDispose]());

const here = (name: string): string => path.join(user.project.root, name);
const read = (name: string): string => readFileSync(here(name), 'utf8');

interface Task {
  readonly label: string;
  readonly problemMatcher: {
    readonly pattern: { readonly regexp: string };
    readonly background?: { readonly beginsPattern: string; readonly endsPattern: string };
  };
}

/** The patterns of a task, as Visual Studio Code would compile them. */
async function patterns(label: string): Promise<{ problem: RegExp; begins: RegExp; ends: RegExp }> {
  await user.type('init', 'vscode');
  const { tasks } = JSON.parse(read('.vscode/tasks.json')) as { tasks: Task[] };
  const { pattern, background } = tasks.find((task) => task.label === label)?.problemMatcher ?? {};
  return {
    problem: new RegExp(pattern?.regexp ?? ''),
    begins: new RegExp(background?.beginsPattern ?? ''),
    ends: new RegExp(background?.endsPattern ?? ''),
  };
}

/** A file that nobody can read, root neither: git would wait at it for a writer. */
function makeUnreadable(name: string): void {
  execFileSync('mkfifo', [here(name)]);
}

describe('init', () => {
  it('writes what is not there, and the second time nothing', async () => {
    user.project.write('Makefile', 'test:\n\ttrue\n');
    expect(await user.type('init', 'vscode')).toEqual({
      code: 0,
      stdout: '✓ added to .vscode/tasks.json: sidecar: sync, sidecar: watch, sidecar: run tests\n',
      stderr: '',
    });
    const written = read('.vscode/tasks.json');
    expect(written).toContain('"make"');
    const { ino } = statSync(here('.vscode/tasks.json'));
    expect(await user.type('init', 'vscode')).toMatchObject({
      code: 0,
      stdout: 'already in .vscode/tasks.json: sidecar: sync, sidecar: watch, sidecar: run tests\n',
    });
    expect(statSync(here('.vscode/tasks.json')).ino).toBe(ino);
  });

  it('writes into the root of the working tree from wherever it is run', async () => {
    mkdirSync(here('deep/deeper'), { recursive: true });
    const { code, stderr } = await user.type('-C', 'deep/deeper', 'init', 'zed');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'sidecar: nothing here says how the tests are run, so there is no task for them\n',
    });
    expect(existsSync(here('.zed/tasks.json'))).toBe(true);
  });

  it('leaves alone what differs, says so, and ends with 3', async () => {
    const theirs = '{\n  "tasks": [\n    { "label": "sidecar: sync", "command": "mine" }\n  ]\n}\n';
    user.project.write('.vscode/tasks.json', theirs, 0o600);
    const { code, stdout, stderr } = await user.type('init', 'vscode', '--json');
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    const at = (entry: string): unknown => ({ path: '.vscode/tasks.json', entry });
    expect(JSON.parse(stdout)).toMatchObject({
      written: [at('sidecar: watch'), at('sidecar: run tests'), at('sidecarCommand')],
      unchanged: [],
      leftAlone: [at('sidecar: sync')],
    });
    expect(read('.vscode/tasks.json')).toContain('"command": "mine"');
    expect(statSync(here('.vscode/tasks.json')).mode & 0o777).toBe(0o600);
    const again = await user.type('init', 'vscode');
    expect(again).toMatchObject({ code: 3 });
    expect(again.stderr).toContain('left alone in .vscode/tasks.json, because it differs: sidecar: sync; --force');
    expect((await user.type('init', 'vscode', '--force')).code).toBe(0);
    expect(read('.vscode/tasks.json')).not.toContain('mine');
  });

  it('with --dry-run prints a patch that git applies, and writes nothing', async () => {
    user.project.write('.zed/tasks.json', '[\n  { "label": "build", "command": "make" }\n]\n');
    const { code, stdout } = await user.type('init', 'zed', '--dry-run');
    expect(code).toBe(0);
    expect(read('.zed/tasks.json')).not.toContain('sidecar');
    execFileSync('git', ['apply', '-'], { cwd: user.project.root, input: stdout });
    expect((await user.type('init', 'zed')).stdout).toContain('already in .zed/tasks.json');
  });

  it('prints what could be taken over where the user has a file of Lua', async () => {
    user.project.write('.nvim.lua', 'vim.o.number = true\n');
    const { code, stdout } = await user.type('init', 'nvim');
    expect(code).toBe(3);
    expect(stdout).toContain("nvim_create_user_command('SidecarSync'");
    expect(read('.nvim.lua')).toBe('vim.o.number = true\n');
  });

  it.each([
    ['a link to a directory elsewhere', '.vscode', 'is a link'],
    ['a link to a file elsewhere', '.vscode/tasks.json', 'is a link'],
  ])('writes through no link: %s', async (_, name, reason) => {
    const elsewhere = user.directory('elsewhere');
    writeFileSync(path.join(elsewhere, 'tasks.json'), '{}');
    mkdirSync(path.dirname(here(name)), { recursive: true });
    symlinkSync(name === '.vscode' ? elsewhere : path.join(elsewhere, 'tasks.json'), here(name));
    const { code, stderr } = await user.type('init', 'vscode', '--force');
    expect(code).toBe(3);
    expect(stderr).toContain(`${name} ${reason} [init.refused]`);
    expect(readFileSync(path.join(elsewhere, 'tasks.json'), 'utf8')).toBe('{}');
    expect(lstatSync(here(name)).isSymbolicLink()).toBe(true);
  });

  it('refuses a file that is no JSON, with the place of what is wrong, and one that is no file', async () => {
    user.project.write('.vscode/tasks.json', '{\n  "tasks": [,]\n}\n');
    const refused = await user.type('init', 'vscode');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain(
      `${here('.vscode/tasks.json')}:2:13: error: cannot add to this file: it is not JSON`,
    );
    mkdirSync(here('.zed/tasks.json'), { recursive: true });
    expect((await user.type('init', 'zed')).stderr).toContain('it is no file [init.refused]');
  });

  it('refuses what stands where a directory is needed', async () => {
    user.project.write('.run', 'x');
    expect((await user.type('init', 'jetbrains')).stderr).toContain('.run is no directory [init.refused]');
  });
});

describe('the patterns that init writes', () => {
  it('find a mistake in a settings file, and what cannot be read', async () => {
    const { problem } = await patterns('sidecar: sync');
    user.project.write('.sidecar.json', '{ "drfit": "save" }\n');
    const broken = await user.type('sync');
    expect(broken.code).toBe(2);
    expect(problem.exec(broken.stderr.split('\n')[0] ?? '')).toMatchObject({
      1: here('.sidecar.json'),
      4: 'error',
      6: 'settings.invalid',
    });
    user.project.write('.sidecar.json', '{}\n');
    await user.type('create', 'web');
    makeUnreadable('.gitignore');
    const unreadable = await user.type('sync');
    const lines = unreadable.stderr.split('\n').flatMap((line) => problem.exec(line)?.slice(1) ?? []);
    expect(lines).toEqual([
      ...[here('.gitignore'), '1', '1', 'error'],
      ...['cannot read a file of the working tree: it is a named pipe', 'sync.unreadable'],
    ]);
  });

  it('find what does not travel', async () => {
    const { problem } = await patterns('sidecar: sync');
    await user.type('create', 'web');
    makeUnreadable('pipe');
    const { code, stderr } = await user.type('sync');
    expect(code).toBe(0);
    const [warning] = stderr.split('\n').flatMap((line) => problem.exec(line) ?? []);
    expect(warning).toBe(`${here('pipe')}:1:1: warning: not sent: it is a named pipe [snapshot.skipped]`);
  });

  it('find the begin and the end of each landing of a watch, and the problems between the two', async () => {
    const { problem, begins, ends } = await patterns('sidecar: watch');
    await user.type('create', 'web');
    const watching = user.start('watch');
    await watching.said('sidecar: landed');
    makeUnreadable('.gitattributes');
    const pipe = here('.gitattributes');
    // The git of a landing that goes on waits at the pipe until somebody has written.
    const writer = setInterval(() => closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)), 1_000);
    await watching.said('sidecar: not landed');
    clearInterval(writer);
    watching.child.kill('SIGINT');
    const { stderr } = await watching.ended;
    const lines = stderr.split('\n');
    // It may have tried again by then.
    const first = lines.findIndex((line) => line.startsWith('sidecar: not landed'));
    const seen = lines.slice(0, first + 1).flatMap((line) => {
      if (begins.test(line)) return ['begin'];
      if (ends.test(line)) return ['end'];
      return problem.test(line) ? ['problem'] : [];
    });
    expect(seen.join(' ')).toMatch(/^(begin end )+begin problem end$/);
  });
});
