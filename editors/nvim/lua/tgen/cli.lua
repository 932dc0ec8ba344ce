-- Runs the program's commands in the project of the current buffer, and shows what came out of them.

local program = require('tgen.program')
local project = require('tgen.project')
local say = require('tgen.say')
local M = {}

-- Hands the lines that the program printed and its exit code to `done`.
local function run(arguments, done)
  local path = vim.api.nvim_buf_get_name(0)
  local folder = path ~= '' and vim.fn.fnamemodify(path, ':p:h') or vim.fn.getcwd()
  local cmd, why = program.command(project.above(folder) or folder)
  if not cmd then
    return say.say(why, vim.log.levels.ERROR)
  end
  local streams = { stdout = {}, stderr = {} }
  local function gather(_, data, stream)
    vim.list_extend(streams[stream], vim.tbl_filter(function(line) return line ~= '' end, data))
  end
  vim.fn.jobstart(vim.list_extend({ cmd[1], 'tgen' }, arguments), {
    cwd = folder,
    env = { NO_COLOR = '1' },
    stdout_buffered = true,
    stderr_buffered = true,
    on_stdout = gather,
    on_stderr = gather,
    on_exit = function(_, code) done(streams, code, folder) end,
  })
end

-- What the program found wrong, as entries of a quickfix list: a line with the problem, then one with its place.
function M.problems(lines, folder)
  local entries = {}
  for at, line in ipairs(lines) do
    local severity, code, text = line:match('^(%l+)%[([%w-]+)%]: (.*)$')
    local file, row, column = (lines[at + 1] or ''):match('^%s*%-%-> (.+):(%d+):(%d+)$')
    if severity and file then
      table.insert(entries, {
        filename = file:match('^[/%a]:?[/\\]') and file or (folder .. '/' .. file),
        lnum = tonumber(row),
        col = tonumber(column),
        type = severity == 'warning' and 'W' or 'E',
        text = ('%s [%s]'):format(text, code),
      })
    end
  end
  return entries
end

-- The problems in the quickfix list, and one line that says how it ended: more would have to be confirmed with a key.
local function report(command, streams, code, folder)
  local entries = M.problems(vim.list_extend(vim.list_slice(streams.stderr), streams.stdout), folder)
  vim.fn.setqflist({}, ' ', { title = 'cargo tgen ' .. command, items = entries })
  if #entries > 0 then
    vim.cmd('botright copen | wincmd p')
  end
  local closing = streams.stdout[#streams.stdout] or streams.stderr[1] or ('ended with code ' .. code)
  say.say(closing, code == 0 and vim.log.levels.INFO or vim.log.levels.WARN)
end

-- Generates everything, or the suites that a lens names, from the template as it is shown.
function M.generate(suites)
  local buffer = vim.api.nvim_get_current_buf()
  local arguments = { 'generate' }
  for _, suite in ipairs(suites or {}) do
    vim.list_extend(arguments, { '--suite', suite })
  end
  if suites then
    vim.cmd('silent update')
  end
  run(arguments, function(streams, code, folder)
    report('generate', streams, code, folder)
    vim.cmd('checktime')
    require('tgen.lenses').refresh(buffer)
  end)
end

local function run_tests(arguments)
  run(arguments, function(streams, code, folder)
    report('run', streams, code, folder)
    vim.cmd('checktime')
  end)
end

-- Runs the tests of everything, or of the suites and the model that a lens names, from the template as it is shown.
-- Failures are listed at the template lines that wrote them.
function M.run(suites, model)
  local arguments = { 'run', '--generate' }
  for _, suite in ipairs(suites or {}) do
    vim.list_extend(arguments, { '--suite', suite })
  end
  if model then
    vim.list_extend(arguments, { '--model', model })
  end
  if suites then
    vim.cmd('silent update')
  end
  run_tests(arguments)
end

-- Runs the tests of the output in the current buffer as it is, with the suite, the model and the axes that a lens names.
function M.run_output(suite, model, hardware, batch_size)
  local arguments = { 'run' }
  local named = { { '--suite', suite }, { '--model', model }, { '--hardware', hardware }, { '--batch-sizes', batch_size } }
  for _, option in ipairs(named) do
    if option[2] ~= nil and option[2] ~= vim.NIL then
      vim.list_extend(arguments, { option[1], tostring(option[2]) })
    end
  end
  vim.cmd('silent update')
  run_tests(arguments)
end

function M.check()
  run({ 'check', '--no-diff' }, function(streams, code, folder) report('check', streams, code, folder) end)
end

-- What the server sees of the current file, in a window.
function M.doctor()
  local path = vim.api.nvim_buf_get_name(0)
  run({ 'lsp', '--doctor', path ~= '' and path or nil }, function(streams)
    vim.cmd('botright new')
    vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.list_extend(streams.stdout, streams.stderr))
    vim.bo.buftype, vim.bo.bufhidden, vim.bo.modifiable = 'nofile', 'wipe', false
  end)
end

return M
