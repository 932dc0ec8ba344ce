-- The commands, and the server for every buffer that belongs to a project. `require('tgen').setup{}` changes options.
if vim.g.loaded_tgen then
  return
end
vim.g.loaded_tgen = true

local function tgen()
  return require('tgen')
end

local command = vim.api.nvim_create_user_command
command('TgenPreview', function(args)
  tgen().preview(args.args ~= '' and args.args or nil)
end, { nargs = '?', complete = function(start) return tgen().complete_model(start) end, desc = 'Show what the template renders to' })
command('TgenModel', function(args)
  tgen().model(args.args ~= '' and args.args or nil)
end, { nargs = '?', complete = function(start) return tgen().complete_model(start) end, desc = 'Choose the model that previews are for' })
command('TgenOutputs', function() tgen().outputs() end, { desc = 'Show the outputs of the template, and how they are' })
command('TgenGenerate', function() tgen().generate() end, { desc = 'Write the outputs that are missing or stale' })
command('TgenRestart', function() tgen().restart() end, { desc = 'Start the language server again' })
command('TgenDoctor', function() tgen().doctor() end, { desc = 'Show what the language server sees, and why' })

vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile', 'FileType' }, {
  group = vim.api.nvim_create_augroup('tgen', {}),
  callback = function(event) tgen().attach(event.buf) end,
})
