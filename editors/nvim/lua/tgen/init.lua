-- The language server of cargo-tgen in Neovim: starts it for the buffers of a project, and shows previews.
-- Works from Neovim 0.7.2 on.

local project = require('tgen.project')
local M = {}

M.options = {
  -- The program and its arguments; nil looks for `cargo-tgen` on PATH, then in the project's `target` folder.
  cmd = nil,
  -- How `:TgenPreview` opens its window.
  preview = { split = 'vertical' },
  -- As in |vim.lsp.start_client()|.
  on_attach = nil,
  capabilities = nil,
}

-- What was said once is not said again for each buffer.
local said = {}
local clients = {}

local function say_once(message, level)
  if not said[message] then
    said[message] = true
    vim.schedule(function() vim.notify('cargo-tgen: ' .. message, level or vim.log.levels.ERROR) end)
  end
end

function M.setup(options)
  M.options = vim.tbl_deep_extend('force', M.options, options or {})
end

-- The program, or nil and why not.
function M.command(root)
  if M.options.cmd then
    local program = M.options.cmd[1]
    if vim.fn.executable(program) == 1 then
      return M.options.cmd
    end
    return nil, ('`%s`, which the option `cmd` names, cannot be run'):format(program)
  end
  local places = { 'cargo-tgen' }
  for _, profile in ipairs({ 'release', 'debug' }) do
    table.insert(places, root .. '/target/' .. profile .. '/cargo-tgen')
  end
  for _, program in ipairs(places) do
    if vim.fn.executable(program) == 1 then
      return { program, 'tgen', 'lsp' }
    end
  end
  return nil, 'the program `cargo-tgen` is not on PATH; install it, or name it with the option `cmd` of setup()'
end

-- The server's last words, as Neovim's log has them.
local function last_words(program)
  local ok, lines = pcall(vim.fn.readfile, vim.lsp.get_log_path(), '', -50)
  if not ok then
    return ''
  end
  for at = #lines, 1, -1 do
    local words = lines[at]:find(program, 1, true) and lines[at]:match('"stderr"%s+(.*)$')
    if words then
      return ': ' .. words:gsub('^"', ''):gsub('\\n.*$', ''):gsub('"$', '')
    end
  end
  return ''
end

local function client_config(root, cmd)
  return {
    name = 'tgen',
    cmd = cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ':t') } },
    capabilities = M.options.capabilities or vim.lsp.protocol.make_client_capabilities(),
    on_attach = M.options.on_attach,
    commands = {
      ['tgen.preview'] = function(command) M.preview((command.arguments or {})[2]) end,
      ['tgen.chooseModel'] = function() M.model() end,
      ['tgen.generate'] = function() M.generate() end,
    },
    on_exit = function(code, signal)
      clients[root] = nil
      if code ~= 0 or signal ~= 0 then
        vim.schedule(function()
          say_once(('the language server ended with code %d%s'):format(code, last_words(cmd[1])))
        end)
      end
    end,
  }
end

-- Starts the server of a buffer's project, or joins it. One server serves all buffers of a project.
function M.attach(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  local root = path ~= '' and vim.bo[buffer].buftype == '' and project.of(buffer, path)
  if not root then
    return
  end
  local cmd, why = M.command(root)
  if not cmd then
    return say_once(why)
  end
  if not clients[root] then
    clients[root] = vim.lsp.start_client(client_config(root, cmd))
  end
  if clients[root] then
    vim.lsp.buf_attach_client(buffer, clients[root])
  end
end

-- The server of a buffer.
function M.client(buffer)
  for _, id in pairs(clients) do
    if vim.lsp.buf_is_attached(buffer, id) then
      return vim.lsp.get_client_by_id(id)
    end
  end
end

-- Asks the server of a buffer, and hands its answer on; says so where there is none.
function M.ask(buffer, method, params, handle)
  local client = M.client(buffer)
  if not client then
    return vim.notify('cargo-tgen: this buffer belongs to no project; see :TgenDoctor', vim.log.levels.WARN)
  end
  params.textDocument = { uri = vim.uri_from_bufnr(buffer) }
  local function answer(problem, result)
    if problem then
      return vim.notify('cargo-tgen: ' .. problem.message, vim.log.levels.ERROR)
    end
    handle(result)
  end
  if vim.fn.has('nvim-0.11') == 1 then
    client:request(method, params, answer, buffer)
  else
    client.request(method, params, answer, buffer)
  end
end

function M.preview(model)
  require('tgen.preview').open(model)
end

-- The names of the project's models, for completing a command.
function M.complete_model(start)
  local buffer = vim.api.nvim_get_current_buf()
  local names
  M.ask(buffer, 'tgen/models', {}, function(result) names = result and result.models or {} end)
  vim.wait(1000, function() return names ~= nil end, 5)
  return vim.tbl_filter(function(name) return vim.startswith(name, start) end, names or {})
end

-- Chooses the model that previews, hints and completion show values for.
function M.model(name)
  local buffer = vim.api.nvim_get_current_buf()
  local function choose(choice)
    if choice then
      M.ask(buffer, 'tgen/setPreview', { model = choice }, function() require('tgen.preview').refresh(buffer) end)
    end
  end
  if name then
    return choose(name)
  end
  M.ask(buffer, 'tgen/models', {}, function(result)
    vim.ui.select(result and result.models or {}, { prompt = 'Preview model' }, choose)
  end)
end

-- Runs the program in the project of the current buffer, and hands over what it said.
local function run(arguments, done)
  local path = vim.api.nvim_buf_get_name(0)
  local folder = path ~= '' and vim.fn.fnamemodify(path, ':p:h') or vim.fn.getcwd()
  local cmd, why = M.command(project.above(folder) or folder)
  if not cmd then
    return vim.notify('cargo-tgen: ' .. why, vim.log.levels.ERROR)
  end
  local lines = {}
  local function gather(_, data) vim.list_extend(lines, vim.tbl_filter(function(line) return line ~= '' end, data)) end
  vim.fn.jobstart(vim.list_extend({ cmd[1], 'tgen' }, arguments), {
    cwd = folder,
    stdout_buffered = true,
    stderr_buffered = true,
    on_stdout = gather,
    on_stderr = gather,
    on_exit = function(_, code) done(lines, code) end,
  })
end

function M.generate()
  run({ 'generate' }, function(lines, code)
    vim.notify(table.concat(lines, '\n'), code == 0 and vim.log.levels.INFO or vim.log.levels.WARN)
    vim.cmd('checktime')
  end)
end

function M.doctor()
  local path = vim.api.nvim_buf_get_name(0)
  local arguments = { 'lsp', '--doctor' }
  if path ~= '' then
    table.insert(arguments, path)
  end
  run(arguments, function(lines)
    vim.cmd('botright new')
    vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    vim.bo.buftype, vim.bo.bufhidden, vim.bo.modifiable = 'nofile', 'wipe', false
  end)
end

function M.restart()
  said = {}
  local buffers = {}
  for _, id in pairs(clients) do
    vim.list_extend(buffers, vim.lsp.get_buffers_by_client_id(id))
    vim.lsp.stop_client(id)
  end
  vim.wait(2000, function() return next(clients) == nil end, 10)
  clients = {}
  for _, buffer in ipairs(buffers) do
    M.attach(buffer)
  end
end

return M
