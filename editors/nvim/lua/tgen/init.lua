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
  -- Whether the line of lenses above a template is shown.
  lenses = true,
}

-- So long after a change the lenses are renewed.
local LENS_PAUSE_MS = 300

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

-- What lenses run, each on the template in the current window.
M.lens_commands = {
  ['tgen.outputs'] = function() M.outputs() end,
  ['tgen.preview'] = function() M.preview() end,
  ['tgen.generate'] = function(command) M.generate((command.arguments or {})[2]) end,
}

-- The server sends only lenses whose command it is told that we have.
local function capabilities()
  local all = vim.deepcopy(M.options.capabilities or vim.lsp.protocol.make_client_capabilities())
  all.experimental = all.experimental or {}
  all.experimental.commands = { commands = vim.tbl_keys(M.lens_commands) }
  return all
end

-- Asks for the lenses of a buffer, now and whenever they may have changed.
local function show_lenses(client, buffer)
  if not M.options.lenses or not client.server_capabilities.codeLensProvider then
    return
  end
  local group = vim.api.nvim_create_augroup('tgen-lenses-' .. buffer, {})
  local waiting = 0
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertLeave', 'TextChanged', 'BufWritePost', 'FocusGained' }, {
    buffer = buffer,
    group = group,
    -- Counting outputs takes longer than a key does, so that what follows at once is asked about once.
    callback = function()
      waiting = waiting + 1
      local number = waiting
      vim.defer_fn(function()
        if number == waiting then
          M.refresh_lenses(buffer)
        end
      end, LENS_PAUSE_MS)
    end,
  })
  M.refresh_lenses(buffer)
end

-- Asks for the lenses of a buffer again. Neovim shows only those of the current one.
function M.refresh_lenses(buffer)
  if M.options.lenses and vim.api.nvim_get_current_buf() == buffer and M.client(buffer) then
    vim.lsp.codelens.refresh(vim.fn.has('nvim-0.10') == 1 and { bufnr = buffer } or nil)
  end
end

local function client_config(root, cmd)
  return {
    name = 'tgen',
    cmd = cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ':t') } },
    capabilities = capabilities(),
    on_attach = function(client, buffer)
      show_lenses(client, buffer)
      if M.options.on_attach then
        M.options.on_attach(client, buffer)
      end
    end,
    commands = M.lens_commands,
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
      M.ask(buffer, 'tgen/setPreview', { model = choice }, function()
        require('tgen.preview').refresh(buffer)
        M.refresh_lenses(buffer)
      end)
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
  run(arguments, function(lines, code)
    vim.notify(table.concat(lines, '\n'), code == 0 and vim.log.levels.INFO or vim.log.levels.WARN)
    vim.cmd('checktime')
    M.refresh_lenses(buffer)
  end)
end

-- Lists the outputs of the template in the current buffer, and opens the chosen one.
function M.outputs()
  M.ask(vim.api.nvim_get_current_buf(), 'tgen/outputs', {}, function(result)
    local function line(output) return ('%-10s %s'):format(output.standing, output.subject) end
    vim.ui.select(result and result.outputs or {}, { prompt = 'Outputs', format_item = line }, function(output)
      if output and output.standing == 'missing' then
        vim.notify('cargo-tgen: it is not there yet; :TgenGenerate writes it', vim.log.levels.WARN)
      elseif output and output.uri then
        vim.cmd('edit ' .. vim.fn.fnameescape(vim.uri_to_fname(output.uri)))
      end
    end)
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
