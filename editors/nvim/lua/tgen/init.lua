-- What the plugin offers: its options, and what its commands do. Works from Neovim 0.7.2 on.

local cli = require('tgen.cli')
local client = require('tgen.client')
local options = require('tgen.options')
local M = {}

function M.setup(changed)
  for name, value in pairs(changed or {}) do
    options[name] = name == 'preview' and vim.tbl_extend('force', options.preview, value) or value
  end
  if client.is_enabled_by_neovim then
    vim.lsp.config('tgen', { capabilities = client.capabilities() })
  end
end

M.client = client.of
M.generate = cli.generate
M.check = cli.check
M.run = cli.run
M.run_output = cli.run_output
M.doctor = cli.doctor
M.restart = client.restart

function M.preview(model)
  require('tgen.preview').open(model)
end

-- Chooses what to do about the edit of the output in the current buffer.
function M.adopt()
  require('tgen.edited').adopt()
end

-- Shows how the output in the current buffer was edited.
function M.difference()
  require('tgen.edited').difference()
end

-- The names of the project's models, for completing a command.
function M.complete_model(start)
  local names
  client.ask(vim.api.nvim_get_current_buf(), 'tgen/models', {}, function(result) names = result and result.models or {} end)
  vim.wait(1000, function() return names ~= nil end, 5)
  return vim.tbl_filter(function(name) return vim.startswith(name, start) end, names or {})
end

-- Chooses the model that previews, hints and completion show values for.
function M.model(name)
  local buffer = vim.api.nvim_get_current_buf()
  local function choose(choice)
    if choice then
      client.ask(buffer, 'tgen/setPreview', { model = choice }, function()
        require('tgen.preview').refresh(buffer)
        require('tgen.lenses').refresh(buffer)
      end)
    end
  end
  if name then
    return choose(name)
  end
  client.ask(buffer, 'tgen/models', {}, function(result)
    vim.ui.select(result and result.models or {}, { prompt = 'Preview model' }, choose)
  end)
end

-- Lists the outputs of the template in the current buffer, and opens the chosen one.
function M.outputs()
  local say = require('tgen.say').say
  client.ask(vim.api.nvim_get_current_buf(), 'tgen/outputs', {}, function(result)
    local outputs = result and result.outputs or {}
    if #outputs == 0 then
      return say('this template has no outputs that can be listed; its problems say why, where it has any')
    end
    local function line(output) return ('%-10s %s'):format(output.standing, output.subject) end
    vim.ui.select(outputs, { prompt = 'Outputs', format_item = line }, function(output)
      if output and output.standing == 'missing' then
        say('it is not there yet; :TgenGenerate writes it', vim.log.levels.WARN)
      elseif output and output.uri then
        vim.cmd('edit ' .. vim.fn.fnameescape(vim.uri_to_fname(output.uri)))
      end
    end)
  end)
end

return M
