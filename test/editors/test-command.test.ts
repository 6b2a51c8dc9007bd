import { expect, it } from 'vitest';
import { testCommand } from '../../src/editors/test-command.js';

it.each([
  ['a package with a test script', { 'package.json': '{"scripts":{"test":"vitest"}}' }, ['npm', 'test']],
  ['one of pnpm', { 'package.json': '{"scripts":{"test":"vitest"}}', 'pnpm-lock.yaml': '' }, ['pnpm', 'test']],
  ['one of yarn', { 'package.json': '{"scripts":{"test":"vitest"}}', 'yarn.lock': '' }, ['yarn', 'test']],
  [
    'what npm init writes',
    { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
    undefined,
  ],
  ['a package that is no JSON', { 'package.json': '{' }, undefined],
  [
    'a package without scripts, and a makefile',
    { 'package.json': '{}', Makefile: 'all:\n\ntest: all\n\t./t\n' },
    ['make', 'test'],
  ],
  ['a makefile that has a variable of that name', { Makefile: 'test := 1\n' }, undefined],
  ['a crate', { 'Cargo.toml': '[package]\nname = "x"\n' }, ['cargo', 'test']],
  ['a module of Go', { 'go.mod': 'module example.com/x\n' }, ['go', 'test', './...']],
  ['a project of pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, ['pytest']],
  ['another one of Python', { 'pyproject.toml': '[project]\n' }, undefined],
  ['nothing', {}, undefined],
])('the tests of %s', async (_, files: Record<string, string>, expected) => {
  expect(await testCommand((name) => Promise.resolve(files[name]))).toEqual(expected);
});
