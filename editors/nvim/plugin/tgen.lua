-- The commands, and the server for every buffer that belongs to a project. `require('tgen').setup{}` changes options.
if vim.g.loaded_tgen then
  return
end
vim.g.loaded_tgen = true

local function tgen()
  return require('tgen')
end

local function model_command(name, run, description)
  local complete = function(start) return tgen().complete_model(start) end
  local callback = function(args) run(args.args ~= '' and args.args or nil) end
  vim.api.nvim_create_user_command(name, callback, { nargs = '?', complete = complete, desc = description })
end

local command = vim.api.nvim_create_user_command
model_command('TgenPreview', function(model) tgen().preview(model) end, 'Show what the template renders to')
model_command('TgenModel', function(model) tgen().model(model) end, 'Choose the model that previews are for')
command('TgenOutputs', function() tgen().outputs() end, { desc = 'Show the outputs of the template, and how they are' })
command('TgenAdopt', function() tgen().adopt() end, { desc = 'Move the edit of the output into its template, or discard it' })
command('TgenDifference', function() tgen().difference() end, { desc = 'Show how the output was edited' })
command('TgenGenerate', function() tgen().generate() end, { desc = 'Write the outputs that are missing or stale' })
command('TgenCheck', function() tgen().check() end, { desc = 'Show which outputs differ from their templates' })
command('TgenRestart', function() tgen().restart() end, { desc = 'Start the language server again' })
command('TgenDoctor', function() tgen().doctor() end, { desc = 'Show what the language server sees, and why' })

local group = vim.api.nvim_create_augroup('tgen', {})

if vim.fn.has('nvim-0.11') == 1 then
  vim.lsp.enable('tgen')
  -- Neovim looks at a buffer when it has a filetype; a template can be of a kind that has none.
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
    group = group,
    callback = vim.schedule_wrap(function(event)
      local is_unknown = vim.api.nvim_buf_is_valid(event.buf) and vim.bo[event.buf].filetype == ''
      if is_unknown and require('tgen.project').of(event.buf, vim.api.nvim_buf_get_name(event.buf)) then
        vim.bo[event.buf].filetype = 'text'
      end
    end),
  })
else
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile', 'FileType' }, {
    group = group,
    callback = function(event) require('tgen.client').attach(event.buf) end,
  })
end
