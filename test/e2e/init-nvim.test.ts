import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';

let user: BuiltProgram;
let bin: string;
beforeEach(async () => {
  user = new BuiltProgram();
  bin = user.directory('bin');
  writeFileSync(path.join(bin, 'sidecar'), `#!/bin/sh\nexec ${user.command().join(' ')} "$@"\n`);
  chmodSync(path.join(bin, 'sidecar'), 0o755);
  user.project.write('Makefile', 'test:\n\t@echo "$$PWD/main.c:7:3: no semicolon" >&2; exit 1\n');
  expect((await user.type('init', 'nvim')).code).toBe(0);
  await user.type('create', 'web');
});
afterEach(async () => user[Symbol.asyncDispose]());

interface Found {
  readonly title: string;
  readonly items: readonly unknown[];
}

/** What is in the quickfix list of a real Neovim that was told to run these lines of Lua. */
async function quickfix(...lua: readonly string[]): Promise<Found> {
  const report = path.join(user.home, 'quickfix.json');
  const script = path.join(user.home, 'script.lua');
  const lines = [
    `vim.cmd('luafile .nvim.lua')`,
    `local function listed(title, items)`,
    `  return vim.wait(50000, function()`,
    `    return vim.fn.getqflist({ title = 0 }).title == title and (not items or #vim.fn.getqflist() == items)`,
    `  end, 20)`,
    `end`,
    ...lua,
    `local items = vim.tbl_map(function(item)`,
    `  return item.valid == 1 and { vim.fn.bufname(item.bufnr), item.lnum, item.col, item.type, item.text } or { item.text }`,
    `end, vim.fn.getqflist())`,
    `vim.fn.writefile({ vim.json.encode({ title = vim.fn.getqflist({ title = 0 }).title, items = items }) }, '${report}')`,
    `vim.cmd('qall!')`,
  ];
  writeFileSync(script, `${lines.join('\n')}\n`);
  const PATH = `${bin}${path.delimiter}${user.env['PATH'] ?? ''}`;
  const ended = await user.startProgram('nvim', ['--headless', '-u', 'NONE', '-i', 'NONE', '-S', script], { PATH })
    .ended;
  expect(ended).toMatchObject({ code: 0 });
  return JSON.parse(execFileSync('cat', [report], { encoding: 'utf8' })) as Found;
}

describeWith(['nvim'], 'the commands of Neovim', () => {
  it(':SidecarSync lists what is wrong with a file, at its place', async () => {
    user.project.write('.sidecar.json', '{ "drfit": "save" }\n');
    const { title, items } = await quickfix(`vim.cmd('SidecarSync')`, `listed('sidecar sync', 1)`);
    user.project.write('.sidecar.json', '{}\n');
    expect({ title, items }).toEqual({
      title: 'sidecar sync',
      items: [
        ['.sidecar.json', expect.any(Number), expect.any(Number), 'e', expect.stringContaining('[settings.invalid]')],
      ],
    });
  });

  it(':SidecarRun runs the tests over there, and lists what they say of files here', async () => {
    const { items } = await quickfix(
      `vim.o.errorformat = '%f:%l:%c: %m'`,
      `vim.cmd('SidecarRun')`,
      `listed('sidecar run')`,
    );
    expect(items).toContainEqual(['main.c', 7, 3, '', 'no semicolon']);
  });

  it(':SidecarWatch lists the problems of each landing, and none once they are gone', async () => {
    const { title, items } = await quickfix(
      `vim.fn.system('mkfifo .gitattributes')`,
      `vim.cmd('SidecarWatch')`,
      `assert(listed('sidecar watch', 1))`,
      `vim.fn.delete('.gitattributes')`,
      `assert(listed('sidecar watch', 0))`,
      `vim.cmd('SidecarWatch!')`,
    );
    expect({ title, items }).toEqual({ title: 'sidecar watch', items: [] });
  });
});
