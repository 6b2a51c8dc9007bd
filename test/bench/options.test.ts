import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError, type Options } from './options.js';

function parsed(...argv: string[]): Options {
  const options = parseOptions(argv);
  if (options === 'help') throw new Error('that was a call for help');
  return options;
}

function named(list: readonly { readonly name: string }[]): string[] {
  return list.map((each) => each.name);
}

describe('without a word, the benchmark', () => {
  it('measures everything', () => {
    const { files, rttsMs, rounds, tasks, contenders, budgetMs } = parsed();
    expect({ files, rttsMs, rounds, budgetMs }).toEqual({
      files: [1_000, 14_000, 100_000],
      rttsMs: [0, 20, 50, 150],
      rounds: 5,
      budgetMs: Infinity,
    });
    expect(named(tasks)).toEqual([
      ...['first-clone', 'first-empty', 'no-op', 'switch', 'edit', 'edit-100', 'rename', 'big-file'],
    ]);
    expect(named(contenders)).toEqual(['sidecar', 'sidecar-warm', 'rsync', 'rsync-master', 'unison', 'git-push']);
  });

  it('runs the client on the Node that runs the benchmark', () => {
    expect(parsed().node).toBe(process.execPath);
    expect(parsed('--node', '/opt/node22').node).toBe('/opt/node22');
    expect(parsed('--node', 'other/node').node).toBe(path.resolve('other/node'));
    expect(parsed('--node', 'node22').node).toBe('node22');
  });
});

it('--quick is a small tree, two round trip times and a limit, and what is said outright wins', () => {
  const quick = parsed('--quick');
  expect(quick).toMatchObject({ files: [1_000], rttsMs: [0, 50], rounds: 3 });
  expect(named(quick.tasks)).toEqual(['first-clone', 'first-empty', 'no-op', 'switch', 'edit']);
  expect(quick.budgetMs).toBeLessThan(90_000);
  expect(parsed('--quick', '--files', '14000', '--rtt', '150')).toMatchObject({ files: [14_000], rttsMs: [150] });
});

it('tasks and contenders are chosen by name and keep their order', () => {
  expect(named(parsed('--tasks', 'edit, no-op').tasks)).toEqual(['no-op', 'edit']);
  expect(named(parsed('--contenders=git-push,rsync').contenders)).toEqual(['rsync', 'git-push']);
});

it('samples are written only where it is said where', () => {
  expect(parsed()).not.toHaveProperty('json');
  expect(parsed('--json', 'samples.json').json).toBe('samples.json');
});

it('a call for help is one whatever else is said', () => {
  expect(parseOptions(['--rounds', '0', '-h'])).toBe('help');
});

it.each([
  ['--files', '0'],
  ['--files', '1000,'],
  ['--rtt', '-1'],
  ['--rtt', '0,fast'],
  ['--rounds', '1.5'],
  ['--tasks', 'nap'],
  ['--contenders', ''],
  ['--json'],
  ['--slow'],
  ['word'],
])('%s %s is refused', (...argv) => {
  expect(() => parseOptions(argv)).toThrow(UsageError);
});
