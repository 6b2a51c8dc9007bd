import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine } from '../fakes/command-line.js';

let user: CommandLine;
beforeEach(() => {
  user = new CommandLine();
});
afterEach(() => {
  user[Symbol.dispose]();
});

describe('the program', () => {
  it('prints its version', async () => {
    expect(await user.type('--version')).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it.each([['--help'], ['help'], ['-h']])('prints its help to stdout when asked for it with %s', async (flag) => {
    const { code, stdout, stderr } = await user.type(flag);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: sidecar [options] [command]');
  });

  it('names the global options in the help of every command', async () => {
    const { stdout } = await user.type('help', 'sync');
    expect(stdout).toMatch(/--drift <what>[^]*Global Options:[^]*-s, --sidecar <name>/);
  });

  it.each([
    ['help sync', 'Usage: sidecar sync [options]'],
    ['help drift show', 'Usage: sidecar drift show [options]'],
    ['sync --help', 'Usage: sidecar sync [options]'],
  ])('has done what it was asked for after %s, whatever the process would end with', async (line, words) => {
    const before = process.exitCode;
    process.exitCode = 1;
    try {
      const { code, stdout, stderr } = await user.type(...line.split(' '));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(words);
    } finally {
      process.exitCode = before;
    }
  });

  it('without a command prints its help to stderr, as wrong usage', async () => {
    const { code, stdout, stderr } = await user.type();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: sidecar');
  });
});

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['lst'], "unknown command 'lst'"],
    ['help for an unknown command', ['help', 'drift', 'lst'], "unknown command 'drift lst'"],
    ['an unknown option', ['list', '--bogus'], "unknown option '--bogus'"],
    ['a missing argument', ['use'], "missing required argument 'name'"],
    ['one argument too many', ['list', 'web'], 'too many arguments'],
    ['an option without its value', ['-s'], "option '-s, --sidecar <name>' argument missing"],
    ['a value that is no choice', ['sync', '--drift', 'drop'], 'Allowed choices are save, refuse'],
    ['a directory that does not exist', ['-C', 'nowhere', 'list'], 'no such directory'],
    ['a duration that is none', ['wait', '--timeout', 'soon'], '--timeout must be a duration'],
    ['a provider that does not exist', ['create', '--provider', 'moon'], 'there is no provider named moon'],
    ['a name that nothing may have', ['add', 'Web!', 'host'], 'a sidecar name has'],
  ])('of %s ends with 2 and says what is wrong on stderr', async (_, argv, words) => {
    const { code, stdout, stderr } = await user.type(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('of a mistyped command suggests the right one', async () => {
    expect((await user.type('snyc')).stderr).toBe("sidecar: unknown command 'snyc'\n  hint: did you mean sync?\n");
  });

  it.each([
    ['before', ['--json', 'lst']],
    ['after', ['lst', '--json']],
    ['next to an option without its value', ['--json', '-s']],
    ['where there is no command', ['--json']],
  ])('with --json %s it is one document', async (_, argv) => {
    const { code, stdout, stderr } = await user.type(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const { error } = JSON.parse(stderr) as { error: Record<string, string> };
    expect(error).toMatchObject({ code: 'usage.invalid' });
    expect(error['message']).not.toBe('');
    expect(error['hint']).not.toBe('');
  });
});

describe('global options', () => {
  it.each([
    ['before', ['--json', '-s', 'nobody', 'current']],
    ['after', ['current', '--json', '-s', 'nobody']],
    ['around', ['--json', 'current', '--sidecar', 'nobody']],
  ])('count %s the command', async (_, argv) => {
    const { code, stderr } = await user.type(...argv);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'sidecar.unknown', name: 'nobody' } });
  });

  it('-C changes where the command works, each relative to the one before', async () => {
    await user.type('add', 'web', 'host.example');
    mkdirSync(path.join(user.project.root, 'deep/deeper'), { recursive: true });
    const elsewhere = path.dirname(user.project.root);
    expect((await user.typeIn(elsewhere, 'current')).code).toBe(1);
    expect((await user.typeIn(elsewhere, '-C', 'project', 'current', '-C', 'deep/deeper')).stdout).toBe('web\n');
  });

  it('--verbose adds the stack to an error, and nothing else does', async () => {
    expect((await user.type('current')).stderr).not.toContain('    at ');
    expect((await user.type('current', '-v')).stderr).toContain('    at ');
    expect((await user.type('current', '-v', '--json')).stderr.split('\n')).toHaveLength(2);
  });

  it('--no-daemon is taken', async () => {
    expect((await user.type('list', '--no-daemon', '--json')).stdout).toBe('[]\n');
  });
});
