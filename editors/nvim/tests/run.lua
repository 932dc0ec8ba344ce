-- Opens templates in a headless Neovim with the plugin and checks what a user would see.
-- Run: TGEN_PROGRAM=/path/to/cargo-tgen nvim --headless --clean -n -i NONE -u NONE -S editors/nvim/tests/run.lua

local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h:h')
vim.opt.runtimepath:prepend(here)
vim.cmd('runtime plugin/tgen.lua')
-- Once more, now that the plugin's folder is on the path.
vim.cmd('filetype off')
vim.cmd('filetype plugin on')
vim.cmd('syntax on')

local PATIENCE_MS = 15000
local root = vim.fn.resolve(vim.fn.tempname())
local failures = {}
local said = {}
-- A deprecated function goes in a later Neovim; none of ours may be called.
local deprecated = {}
local deprecate = vim.deprecate
vim.deprecate = function(name, ...)
  if debug.traceback():find(here, 1, true) then
    table.insert(deprecated, name)
  end
  return deprecate and deprecate(name, ...)
end
vim.notify = function(message) table.insert(said, message) end

local function write(path, text)
  vim.fn.mkdir(vim.fn.fnamemodify(root .. '/' .. path, ':h'), 'p')
  vim.fn.writefile(vim.split(text, '\n'), root .. '/' .. path)
end

local function expect(what, condition)
  if not vim.wait(PATIENCE_MS, condition, 10) then
    error(what .. '; said: ' .. vim.inspect(said), 2)
  end
end

local function equal(what, seen, wanted)
  if not vim.deep_equal(seen, wanted) then
    error(('%s: saw %s, wanted %s'):format(what, vim.inspect(seen), vim.inspect(wanted)), 2)
  end
end

local function edit(path)
  vim.cmd('edit! ' .. vim.fn.fnameescape(root .. '/' .. path))
  return vim.api.nvim_get_current_buf()
end

local function set_lines(lines)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.cmd('doautocmd TextChanged')
end

local function request(method, line, character)
  local buffer = vim.api.nvim_get_current_buf()
  local client = require('tgen').client(buffer)
  local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = line, character = character } }
  local answer
  local function keep(problem, result) answer = { problem = problem, result = result } end
  if vim.fn.has('nvim-0.11') == 1 then
    client:request(method, params, keep, buffer)
  else
    client.request(method, params, keep, buffer)
  end
  expect(method .. ' is answered', function() return answer ~= nil end)
  equal(method .. ' fails', answer.problem, nil)
  return answer.result
end

write('tgen.toml', table.concat({
  'templates = "templates"',
  '[placeholders]',
  'organisation = "acme"',
  '[[suite]]',
  'name = "s"',
  'template = "t.py.tera"',
  'models = ["bert", "vit"]',
  'output = "out/test_{{ normalized_name }}.py"',
  '[[suite]]',
  'name = "dollar"',
  'template = "dollar.py"',
  'models = ["bert"]',
  'output = "out/dollar_{{ normalized_name }}.py"',
}, '\n'))
write('templates/t.py.tera', '# {{ model_nam }}\nNAME = {{ model_name | py_str }}\n')
write('templates/dollar.py', 'name = "${model_nam}"\n')

local tests = {}

function tests.a_mistyped_placeholder_is_underlined_once_and_whole()
  local buffer = edit('templates/t.py.tera')
  equal('filetype', vim.bo.filetype, 'tgen')
  expect('no diagnostics', function() return #vim.diagnostic.get(buffer) > 0 end)
  -- A second copy would come with the other way of getting diagnostics.
  vim.wait(700)
  local found = vim.diagnostic.get(buffer)
  equal('number of diagnostics', #found, 1)
  equal('place', { found[1].lnum, found[1].col, found[1].end_col }, { 0, 5, 14 })
  equal('code', found[1].code, 'unknown-placeholder')
  set_lines({ '# {{ model_name }}' })
  expect('the diagnostic stays', function() return #vim.diagnostic.get(buffer) == 0 end)
end

function tests.a_file_without_an_ending_of_ours_is_a_template_by_its_folder()
  local buffer = edit('templates/dollar.py')
  equal('filetype', vim.bo.filetype, 'python')
  expect('no diagnostics', function() return #vim.diagnostic.get(buffer) == 1 end)
  write('templates/plain.nobody-knows', 'name = "${model_nam}"\n')
  local plain = edit('templates/plain.nobody-knows')
  expect('an unknown kind of file is not served', function() return require('tgen').client(plain) end)
  vim.fn.delete(root .. '/templates/plain.nobody-knows')
end

function tests.another_python_file_is_left_alone()
  write('src/other.py', 'name = "${x}"')
  local buffer = edit('src/other.py')
  equal('client', require('tgen').client(buffer), nil)
end

function tests.completion_hover_and_definition_are_answered()
  edit('templates/t.py.tera')
  set_lines({ '{{ model_fa', '{{ organisation }}', '{{ model_name }}' })
  local items = request('textDocument/completion', 0, 11)
  local labels = vim.tbl_map(function(item) return item.label end, items.items or items)
  assert(vim.tbl_contains(labels, 'model_family'), vim.inspect(labels))
  local hover = request('textDocument/hover', 2, 5)
  assert(hover.contents.value:find('bert', 1, true), vim.inspect(hover))
  local places = request('textDocument/definition', 1, 5)
  equal('definition', vim.uri_to_fname((places[1] or places).uri), root .. '/tgen.toml')
end

local function lens_titles()
  return vim.tbl_map(function(lens) return lens.command.title end, vim.lsp.codelens.get(vim.api.nvim_get_current_buf()))
end

local function expect_lenses(wanted)
  expect('the lenses are not ' .. vim.inspect(wanted), function() return vim.deep_equal(lens_titles(), wanted) end)
end

-- What Neovim draws beside the text of the buffer.
local function drawn()
  local marks = {}
  for _, namespace in pairs(vim.api.nvim_get_namespaces()) do
    vim.list_extend(marks, vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true }))
  end
  return vim.inspect(marks)
end

function tests.lenses_count_the_outputs_and_do_what_they_say()
  vim.fn.delete(root .. '/out', 'rf')
  edit('templates/t.py.tera')
  set_lines({ 'NAME = {{ model_name | py_str }}' })
  expect_lenses({ '2 outputs · 2 missing', 'preview bert', '▶ run bert', 'generate' })
  expect('the lenses are not drawn', function() return drawn():find('2 outputs · 2 missing', 1, true) end)
  local commands = require('tgen.lenses').commands
  local generate = vim.lsp.codelens.get(vim.api.nvim_get_current_buf())[4].command
  equal('suites', generate.arguments[2], { 's' })
  commands['tgen.generate'](generate)
  expect_lenses({ '2 outputs · all fresh', 'preview bert', '▶ run bert', 'generate' })
  equal('saved', vim.bo.modified, false)
  local offered
  vim.ui.select = function(items, options, choose)
    offered = vim.tbl_map(options.format_item, items)
    choose(items[2])
  end
  commands['tgen.outputs']()
  expect('the output is not open', function() return vim.api.nvim_buf_get_name(0):find('out/test_vit.py', 1, true) end)
  equal('offered', offered, { 'fresh      bert', 'fresh      vit' })
  local hover = request('textDocument/hover', 0, 5)
  assert(hover.contents.value:find('templates/t.py.tera', 1, true), vim.inspect(hover))
  local places = request('textDocument/definition', 1, 1)
  equal('definition', vim.uri_to_fname((places[1] or places).uri), root .. '/templates/t.py.tera')
end

-- Generates the outputs of a template with one line, and edits `bert`'s.
local function edit_an_output()
  vim.fn.delete(root .. '/out', 'rf')
  edit('templates/t.py.tera')
  set_lines({ 'NAME = {{ model_name | py_str }}' })
  vim.cmd('silent write')
  vim.fn.system({ vim.env.TGEN_PROGRAM, 'tgen', '--root', root, 'generate', '--suite', 's' })
  local output = edit('out/test_bert.py')
  vim.api.nvim_buf_set_lines(0, 1, 2, false, { 'TITLE = "bert"' })
  vim.cmd('doautocmd TextChanged')
  expect_lenses({ 'edited: 1 place', 'show the difference', '▶ run' })
  return output
end

-- Chooses the action that begins with some words, out of those that the lens offers.
local function choose_action(wanted)
  local offered
  vim.ui.select = function(items, options, choose)
    offered = vim.tbl_map(options.format_item, items)
    for at, title in ipairs(offered) do
      if title:find(wanted, 1, true) then
        choose(items[at], at)
      end
    end
  end
  require('tgen.lenses').commands['tgen.adopt']()
  expect('no actions are offered', function() return offered ~= nil end)
  return offered
end

function tests.an_edit_of_an_output_moves_into_its_template()
  local output = edit_an_output()
  local offered = choose_action('move the edit into the template')
  assert(vim.inspect(offered):find('which changes 1 other output', 1, true), vim.inspect(offered))
  local template = vim.fn.bufnr(root .. '/templates/t.py.tera')
  local function line(buffer, number) return vim.api.nvim_buf_get_lines(buffer, number, number + 1, false)[1] end
  expect('the template is not changed', function() return line(template, 0) == 'TITLE = {{ model_name | py_str }}' end)
  equal('the edit', line(output, 1), 'TITLE = "bert"')
  vim.cmd('doautocmd TextChanged')
  expect_lenses({ '▶ run' })
  vim.cmd('silent wall')
  vim.fn.system({ vim.env.TGEN_PROGRAM, 'tgen', '--root', root, 'generate', '--suite', 's' })
  equal('the output that nobody edited', vim.fn.readfile(root .. '/out/test_vit.py')[2], 'TITLE = "vit"')
  vim.fn.system({ vim.env.TGEN_PROGRAM, 'tgen', '--root', root, 'check', '--suite', 's' })
  equal('check', vim.v.shell_error, 0)
  vim.cmd('bwipeout! ' .. output)
end

function tests.the_tests_of_an_output_run_as_it_is()
  local output = edit_an_output()
  local start, started = vim.fn.jobstart, nil
  vim.fn.jobstart = function(command) started = command end
  require('tgen.lenses').commands['tgen.runOutput'](vim.lsp.codelens.get(output)[3].command)
  vim.fn.jobstart = start
  equal('arguments', vim.list_slice(started, 2), { 'tgen', 'run', '--suite', 's', '--model', 'bert' })
  equal('saved', vim.bo.modified, false)
  vim.cmd('bwipeout! ' .. output)
end

function tests.an_edit_of_an_output_is_shown_and_discarded()
  local output = edit_an_output()
  require('tgen.lenses').commands['tgen.difference']()
  expect('nothing is compared', function() return vim.wo.diff and #vim.api.nvim_tabpage_list_wins(0) == 2 end)
  local shown = vim.api.nvim_win_get_buf(vim.api.nvim_tabpage_list_wins(0)[1])
  equal('as generated', vim.api.nvim_buf_get_lines(shown, 1, 2, false), { 'NAME = "bert"' })
  vim.cmd('only')
  expect('the file is still compared', function() return not vim.wo.diff end)
  choose_action('discard the edit')
  expect('the edit stays', function() return vim.api.nvim_buf_get_lines(output, 1, 2, false)[1] == 'NAME = "bert"' end)
  vim.cmd('bwipeout! ' .. output)
end

function tests.the_preview_follows_the_text_and_the_model()
  local template = edit('templates/t.py.tera')
  set_lines({ 'NAME = {{ model_name | py_str }}' })
  vim.cmd('TgenPreview')
  local preview
  local function shows(text)
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_get_name(buffer):find('tgen://', 1, true) then
        preview = buffer
      end
    end
    return preview and table.concat(vim.api.nvim_buf_get_lines(preview, 0, -1, false), '\n'):find(text, 1, true) ~= nil
  end
  expect('the preview shows bert', function() return shows('NAME = "bert"') end)
  equal('current buffer', vim.api.nvim_get_current_buf(), template)
  set_lines({ 'NAME = {{ model_name | py_str }}  # edited' })
  expect('the preview shows the edit', function() return shows('NAME = "bert"  # edited') end)
  vim.cmd('TgenModel vit')
  expect('the preview shows vit', function() return shows('NAME = "vit"') end)
  equal('filetype of the preview', vim.bo[preview].filetype, 'python')
  equal('models', require('tgen').complete_model('v'), { 'vit' })
  set_lines({ '{{ nothing }}' })
  local function status() return vim.wo[vim.fn.win_findbuf(preview)[1]].statusline end
  expect('the line below says why', function() return status():find('cannot be rendered.*nothing') end)
  equal('the last text stays', shows('NAME = "vit"'), true)
  set_lines({ 'NAME = {{ model_name | py_str }}  # mended' })
  expect('the preview goes on', function() return shows('# mended') end)
  equal('status', status(), ' preview for vit: test_vit.py%<')
  vim.cmd('only')
end

function tests.generate_says_one_line_and_lists_the_problems()
  edit('templates/t.py.tera')
  set_lines({ 'NAME = {{ model_name | py_str }}' })
  vim.cmd('silent write')
  said = {}
  vim.cmd('TgenGenerate')
  expect('nothing is said', function() return #said > 0 end)
  equal('messages', #said, 1)
  assert(said[1]:find('^cargo%-tgen: wrote %d+ of %d+ outputs') and not said[1]:find('\n'), said[1])
  local listed = vim.fn.getqflist()
  equal('problems', #listed, 1)
  assert(listed[1].text:find('there is no placeholder `model_nam`', 1, true), listed[1].text)
  equal('place', { vim.fn.bufname(listed[1].bufnr):match('[^/]+$'), listed[1].lnum, listed[1].col }, { 'dollar.py', 1, 11 })
  vim.cmd('cclose')
  said = {}
  vim.cmd('TgenCheck')
  expect('nothing is said', function() return #said > 0 end)
  assert(said[1]:find('outputs', 1, true), said[1])
  vim.cmd('cclose')
end

function tests.hover_prints_no_table()
  edit('templates/t.py.tera')
  set_lines({ '{{ model_name }}' })
  vim.api.nvim_win_set_cursor(0, { 1, 5 })
  expect('the server is not there', function() return require('tgen').client(vim.api.nvim_get_current_buf()) end)
  vim.lsp.buf.hover()
  local function floating()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\n'), window
      end
    end
  end
  expect('nothing floats', function() return floating() ~= nil end)
  local text, window = floating()
  assert(text:find('"bert"', 1, true) and not text:find('|--', 1, true), text)
  vim.api.nvim_win_close(window, true)
end

function tests.the_program_is_looked_for_from_the_project_outwards()
  local program = require('tgen.program')
  local saved, path = vim.env.HOME, vim.env.PATH
  vim.env.HOME, vim.env.PATH, vim.env.CARGO_HOME = root .. '/home', root .. '/bin', nil
  require('tgen').setup({ cmd = false })
  local places = { 'project/target/debug', 'project/target/release', 'home/.local/bin', 'bin', 'home/.cargo/bin', 'project/.venv/bin' }
  local found = { program.command(root .. '/project') }
  equal('nothing there', found[1], nil)
  assert(found[2]:find('pip install cargo-tgen', 1, true), found[2])
  for _, place in ipairs(places) do
    write(place .. '/cargo-tgen', '')
    vim.fn.setfperm(root .. '/' .. place .. '/cargo-tgen', 'rwxr-xr-x')
    local cmd = program.command(root .. '/project')
    equal('program', cmd, { place == 'bin' and 'cargo-tgen' or (root .. '/' .. place .. '/cargo-tgen'), 'tgen', 'lsp' })
  end
  vim.env.HOME, vim.env.PATH = saved, path
  require('tgen').setup({ cmd = { vim.env.TGEN_PROGRAM, 'tgen', 'lsp' } })
end

function tests.health_names_the_program_and_the_project_of_an_open_buffer()
  edit('templates/t.py.tera')
  vim.cmd('checkhealth tgen')
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  assert(text:find('is cargo-tgen', 1, true) and text:find('the project is `' .. root, 1, true), text)
  vim.cmd('bwipeout!')
end

function tests.help_has_its_tags()
  vim.cmd('helptags ' .. vim.fn.fnameescape(here .. '/doc'))
  local tags = table.concat(vim.fn.readfile(here .. '/doc/tags'), '\n')
  for _, tag in ipairs({ ':TgenPreview', ':TgenGenerate', ':TgenCheck', 'tgen-setup' }) do
    assert(tags:find(tag, 1, true), tag)
  end
  vim.fn.delete(here .. '/doc/tags')
end

-- The lines for plugin managers, as docs/editors.md has them, load the plugin from the folder of a clone.
function tests.the_documented_lines_load_the_plugin()
  local repository = vim.fn.fnamemodify(here, ':h:h')
  local text = table.concat(vim.fn.readfile(repository .. '/docs/editors.md'), '\n')
  local blocks = {}
  for block in text:gmatch('```lua\n(.-)\n```') do
    table.insert(blocks, block)
  end
  equal('blocks of Lua', #blocks, 3)
  -- In the place of the plugin manager, with the folder that it would have cloned.
  local managers = {
    -- lazy.nvim loads plugins instead of Neovim, which it has do without.
    { block = blocks[1], arguments = { '--noplugin' }, manager = 'local function add(spec) spec.config({ dir = folder }) end add(%s)' },
    { block = blocks[2], arguments = {}, manager = 'vim.pack = { add = function(_, options) options.load({ path = folder }) end } %s' },
  }
  for at, found in ipairs(managers) do
    write('manager' .. at .. '.lua', table.concat({
      ('local folder = %q'):format(repository),
      (found.manager:gsub('%%s', function() return (found.block:gsub(',%s*$', '')) end)),
      'vim.api.nvim_create_autocmd("VimEnter", { callback = function()',
      '  assert(vim.fn.exists(":TgenPreview") == 2)',
      '  assert(vim.bo.filetype == "tgen", vim.bo.filetype)',
      'end })',
    }, '\n'))
    local command = { vim.v.progpath, '--headless', '--clean', '-n', '-i', 'NONE', '-u', root .. '/manager' .. at .. '.lua', '-c', 'qall!' }
    local path = vim.env.PATH
    vim.env.PATH = vim.fn.fnamemodify(vim.env.TGEN_PROGRAM, ':p:h') .. ':' .. path
    local output = vim.fn.system(vim.list_extend(vim.list_extend(command, found.arguments), { root .. '/templates/t.py.tera' }))
    vim.env.PATH = path
    equal('the lines of block ' .. at, output, '')
  end
end

function tests.a_missing_program_is_said_once()
  require('tgen').setup({ cmd = { '/nowhere/cargo-tgen', 'tgen', 'lsp' } })
  require('tgen.say').forget()
  said = {}
  write('b/tgen.toml', 'templates = "t"')
  write('b/t/one.tera', '')
  write('b/t/two.tera', '')
  edit('b/t/one.tera')
  edit('b/t/two.tera')
  vim.wait(100)
  equal('messages', #said, 1)
  assert(said[1]:find('/nowhere/cargo-tgen', 1, true), said[1])
  require('tgen').setup({ cmd = { vim.env.TGEN_PROGRAM, 'tgen', 'lsp' } })
end

function tests.the_server_ends_when_it_is_told_to()
  edit('templates/t.py.tera')
  local client = require('tgen.client').await(vim.api.nvim_get_current_buf())
  if vim.fn.has('nvim-0.11') == 1 then
    client:stop()
  else
    client.stop()
  end
  expect('the server is still running', function() return vim.lsp.get_client_by_id(client.id) == nil end)
end

require('tgen').setup({ cmd = { vim.env.TGEN_PROGRAM, 'tgen', 'lsp' } })
local names = vim.tbl_keys(tests)
-- The last one ends the server.
table.sort(names)
for _, name in ipairs(names) do
  local passed, problem = pcall(tests[name])
  if passed and #deprecated > 0 then
    passed, problem = false, 'deprecated: ' .. table.concat(deprecated, ', ')
    deprecated = {}
  end
  io.stdout:write((passed and 'ok   ' or 'FAIL ') .. name:gsub('_', ' ') .. '\n')
  if not passed then
    io.stdout:write('     ' .. problem .. '\n')
    table.insert(failures, name)
  end
end
vim.fn.delete(root, 'rf')
io.stdout:write(('%d of %d passed\n'):format(#names - #failures, #names))
io.stdout:flush()
vim.cmd('cquit ' .. (#failures == 0 and 0 or 1))
