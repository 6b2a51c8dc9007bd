import { wholeFile, type EditorFile } from './editor-file.js';

/**
 * Commands of Neovim, in the file that it reads in a project where 'exrc' is set. Nothing is merged into Lua: one that the
 * user has is left alone.
 */
export function nvimFiles({ testCommand }: { readonly testCommand: readonly string[] | undefined }): EditorFile[] {
  return [wholeFile('.nvim.lua', lua(testCommand), { theirs: true })];
}

const lua = (testCommand: readonly string[] | undefined): string => `\
-- :SidecarSync lands the working tree in the workspace on the sidecar.
-- :SidecarWatch lands every change as it happens; :SidecarWatch! ends that.
-- :SidecarRun [line of shell] lands the working tree, and runs it there${testCommand === undefined ? '' : '; the tests where none is given'}.
-- What is wrong with a file fills the quickfix list.
--
-- Neovim reads this file (0.9 or newer) where 'exrc' is set, once you trust it: :help exrc. Else: :luafile .nvim.lua

local root = vim.fn.getcwd()
local tests = ${testCommand === undefined ? 'nil' : `{ ${testCommand.map(luaString).join(', ')} }`}
-- path:line:column: error: message [code]
local problems = [[%f:%l:%c: %t%*[^:]: %m]]
local watching

-- Fills the list with the problems among the lines; with all of them where they are what a command printed.
local function show(title, lines, errorformat, all)
  local items = vim.fn.getqflist({ lines = lines, efm = errorformat }).items
  local found = vim.tbl_filter(function(item)
    return item.valid == 1
  end, items)
  local ours = vim.fn.getqflist({ title = 0 }).title == title
  if ours or #found > 0 or all then
    vim.fn.setqflist({}, ours and 'r' or ' ', { title = title, items = all and items or found })
  end
  if #found > 0 then
    vim.cmd('botright copen | wincmd p')
  elseif ours then
    vim.cmd('cclose')
  end
end

-- A piece of output begins in the middle of a line, and ends in one. An empty one is the end.
local function reader(on_line)
  local rest = ''
  return function(_, data)
    if #data == 1 and data[1] == '' then
      if rest ~= '' then
        on_line(rest)
      end
      rest = ''
      return
    end
    data[1] = rest .. data[1]
    rest = table.remove(data)
    for _, line in ipairs(data) do
      on_line(line)
    end
  end
end

local function start(args, on_line, on_exit)
  local job = vim.fn.jobstart(vim.list_extend({ 'sidecar' }, args), {
    cwd = root,
    on_stdout = reader(on_line),
    on_stderr = reader(on_line),
    on_exit = function(_, code)
      on_exit(code)
    end,
  })
  return job
end

local function run(title, args, errorformat, all)
  local lines = {}
  start(args, function(line)
    table.insert(lines, line)
  end, function(code)
    show(title, lines, errorformat, all)
    vim.api.nvim_echo({ { code == 0 and lines[#lines] or title .. ' ended with ' .. code } }, true, {})
  end)
end

vim.api.nvim_create_user_command('SidecarSync', function()
  run('sidecar sync', { 'sync' }, problems)
end, { desc = 'Land the working tree in the workspace on the sidecar' })

vim.api.nvim_create_user_command('SidecarWatch', function(command)
  if watching then
    vim.fn.jobstop(watching)
  end
  if command.bang then
    return
  end
  local lines = {}
  local job
  job = start({ 'watch' }, function(line)
    table.insert(lines, line)
    if line:find('^sidecar: landing') then
      lines = {}
    elseif line:find('^sidecar: landed') or line:find('^sidecar: not landed') then
      show('sidecar watch', lines, problems)
    end
  end, function(code)
    show('sidecar watch', lines, problems)
    if watching == job then
      watching = nil
      vim.api.nvim_echo({ { 'sidecar watch ended with ' .. code } }, true, {})
    end
  end)
  watching = job
end, { bang = true, desc = 'Land every change as it happens' })

vim.api.nvim_create_user_command('SidecarRun', function(command)
  local words = command.args ~= '' and { 'sh', '-c', command.args } or tests
  if not words then
    vim.api.nvim_err_writeln('SidecarRun: what is to run?')
    return
  end
  -- What the command says of files is found by your own 'errorformat': the paths are those of here.
  run('sidecar run', vim.list_extend({ 'run', '--' }, words), problems .. ',' .. vim.o.errorformat, true)
end, { nargs = '*', complete = 'shellcmd', desc = 'Land the working tree, and run a command on it' })
`;

/** Between quotes, JSON writes what Lua reads, but for escapes of Unicode, which none of these commands holds. */
const luaString = (word: string): string => JSON.stringify(word);
