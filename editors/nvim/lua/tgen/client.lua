-- The language client: its configuration, and the buffers that it serves. One server serves all buffers of a project.

local options = require('tgen.options')
local program = require('tgen.program')
local project = require('tgen.project')
local say = require('tgen.say')
local M = {}

-- Neovim 0.11 starts servers itself, by `vim.lsp.enable`; before, it is done here.
M.is_enabled_by_neovim = vim.fn.has('nvim-0.11') == 1

-- So long a command waits for the server of a buffer that was just opened.
local START_MS = 3000

-- Before 0.11: the ids of the clients, by root.
local started = {}

-- The server's last words, as Neovim's log has them.
local function last_words()
  local log = vim.lsp.log and vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  local ok, lines = pcall(vim.fn.readfile, log, '', -50)
  for at = ok and #lines or 0, 1, -1 do
    local words = lines[at]:find('cargo-tgen', 1, true) and lines[at]:match('"stderr"%s+(.*)$')
    if words then
      return ': ' .. words:gsub('^"', ''):gsub('\\n.*$', ''):gsub('"$', '')
    end
  end
  return ''
end

-- The server sends only lenses whose command it is told that we have.
function M.capabilities()
  local all = vim.deepcopy(options.capabilities or vim.lsp.protocol.make_client_capabilities())
  all.experimental = all.experimental or {}
  all.experimental.commands = { commands = vim.tbl_keys(require('tgen.lenses').commands) }
  return all
end

local function on_attach(client, buffer)
  require('tgen.lenses').show(client, buffer)
  if options.on_attach then
    options.on_attach(client, buffer)
  end
end

local function on_exit(code, signal, id)
  for root, other in pairs(started) do
    started[root] = other ~= id and other or nil
  end
  -- A Neovim that ends may kill its servers.
  local is_expected = vim.v.exiting ~= vim.NIL or (code == 0 and signal == 0)
  if not is_expected then
    vim.schedule(function() say.once(('the language server ended with code %d%s'):format(code, last_words())) end)
  end
end

-- The root of a buffer's project, where there is one and a program that can serve it.
local function root_of(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  local root = path ~= '' and vim.bo[buffer].buftype == '' and project.of(buffer, path)
  if not root then
    return
  end
  local cmd, why = program.command(root)
  if not cmd then
    return say.once(why)
  end
  return root, cmd
end

local function common()
  return { name = 'tgen', capabilities = M.capabilities(), commands = require('tgen.lenses').commands, on_attach = on_attach, on_exit = on_exit }
end

-- The configuration for `vim.lsp.enable('tgen')`: without filetypes, since a template can be a file of any kind.
function M.config()
  local config = common()
  config.root_dir = function(buffer, on_dir)
    local root = root_of(buffer)
    if root then
      on_dir(root)
    end
  end
  config.cmd = function(dispatchers, resolved)
    local root = resolved and resolved.root_dir or vim.fn.getcwd()
    return vim.lsp.rpc.start(program.command(root), dispatchers, { cwd = root })
  end
  return config
end

local function start(root, cmd)
  local config = common()
  config.cmd, config.root_dir = cmd, root
  config.workspace_folders = { { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ':t') } }
  return vim.lsp.start_client(config)
end

-- Before 0.11: starts the server of a buffer's project, or joins it.
function M.attach(buffer)
  local root, cmd = root_of(buffer)
  if root then
    started[root] = started[root] or start(root, cmd)
    vim.lsp.buf_attach_client(buffer, started[root])
  end
end

local function all()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return vim.tbl_filter(function(client) return client.name == 'tgen' end, get())
end

-- The server of a buffer.
function M.of(buffer)
  for _, client in ipairs(all()) do
    if vim.lsp.buf_is_attached(buffer, client.id) then
      return client
    end
  end
end

-- The server of a buffer, after waiting for one that is about to serve it.
function M.await(buffer)
  if not M.of(buffer) and root_of(buffer) then
    vim.wait(START_MS, function() return M.of(buffer) ~= nil end, 10)
  end
  return M.of(buffer)
end

-- Asks the server of a buffer, and hands its answer on; says so where there is none.
function M.ask(buffer, method, params, handle)
  local client = M.await(buffer)
  if not client then
    return say.say('this buffer belongs to no project; see :TgenDoctor', vim.log.levels.WARN)
  end
  params.textDocument = { uri = vim.uri_from_bufnr(buffer) }
  local function answer(problem, result)
    if problem then
      return say.say(problem.message, vim.log.levels.ERROR)
    end
    handle(result)
  end
  if M.is_enabled_by_neovim then
    client:request(method, params, answer, buffer)
  else
    client.request(method, params, answer, buffer)
  end
end

local function stop(client)
  if M.is_enabled_by_neovim then
    client:stop()
  else
    client.stop()
  end
end

-- Ends the servers, and starts them again for the buffers that they served.
function M.restart()
  say.forget()
  local is_served = function(buffer) return vim.api.nvim_buf_is_loaded(buffer) and M.of(buffer) ~= nil end
  local buffers = vim.tbl_filter(is_served, vim.api.nvim_list_bufs())
  vim.tbl_map(stop, all())
  vim.wait(2000, function() return #all() == 0 end, 10)
  for _, buffer in ipairs(buffers) do
    if M.is_enabled_by_neovim then
      vim.api.nvim_exec_autocmds('FileType', { buffer = buffer })
    else
      M.attach(buffer)
    end
  end
end

return M
