-- The line of lenses above a template or an edited output, and what each of them runs.

local options = require('tgen.options')
local M = {}

-- So long after a change the lenses are renewed.
local PAUSE_MS = 300

-- What lenses run, each on the file in the current window.
M.commands = {
  ['tgen.outputs'] = function() require('tgen').outputs() end,
  ['tgen.preview'] = function() require('tgen').preview() end,
  ['tgen.run'] = function(command) require('tgen').run(unpack(command.arguments or {}, 2)) end,
  ['tgen.runOutput'] = function(command) require('tgen').run_output(unpack(command.arguments or {}, 2, 5)) end,
  ['tgen.generate'] = function(command) require('tgen').generate((command.arguments or {})[2]) end,
  ['tgen.adopt'] = function() require('tgen').adopt() end,
  ['tgen.difference'] = function() require('tgen').difference() end,
}

-- Asks for the lenses of a buffer again. Neovim shows only those of the current one.
function M.refresh(buffer)
  local is_shown = options.lenses and vim.api.nvim_get_current_buf() == buffer and require('tgen.client').of(buffer)
  -- From 0.12 on Neovim renews them itself.
  if is_shown and not vim.lsp.codelens.enable then
    vim.lsp.codelens.refresh(vim.fn.has('nvim-0.10') == 1 and { bufnr = buffer } or nil)
  end
end

-- Asks for the lenses of a buffer, now and whenever they may have changed.
function M.show(client, buffer)
  if not options.lenses or not client.server_capabilities.codeLensProvider then
    return
  end
  if vim.lsp.codelens.enable then
    return vim.lsp.codelens.enable(true, { bufnr = buffer })
  end
  local waiting = 0
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertLeave', 'TextChanged', 'BufWritePost', 'FocusGained' }, {
    buffer = buffer,
    group = vim.api.nvim_create_augroup('tgen-lenses-' .. buffer, {}),
    -- Counting outputs takes longer than a key does, so that what follows at once is asked about once.
    callback = function()
      waiting = waiting + 1
      local number = waiting
      vim.defer_fn(function()
        if number == waiting then
          M.refresh(buffer)
        end
      end, PAUSE_MS)
    end,
  })
  M.refresh(buffer)
end

return M
