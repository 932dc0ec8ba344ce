-- What the template renders to, in a window beside it, renewed as one types.

local client = require('tgen.client')
local options = require('tgen.options')
local say = require('tgen.say')
local M = {}

-- So long after the last key the preview is renewed.
local PAUSE_MS = 80

-- By template buffer: the preview's buffer, the model it was asked for, and the number of the newest request.
local previews = {}

-- What Neovim makes of a file of that name; 0.7 cannot be asked without a buffer.
local function filetype_of(name)
  if name:match('%.py$') then
    return 'python'
  end
  local asked, filetype = pcall(vim.filetype.match, { filename = name })
  return asked and filetype or nil
end

local function set_lines(buffer, text)
  local lines = vim.split(text, '\n')
  if lines[#lines] == '' then
    table.remove(lines)
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
end

local function set_filetype(buffer, name)
  local filetype = filetype_of(name)
  if filetype and vim.bo[buffer].filetype ~= filetype then
    vim.bo[buffer].filetype = filetype
  end
end

-- Shows the text; of a template that cannot be rendered the last one stays, and the line below says why.
local function show(preview, result)
  local status
  if result.text then
    local name = result.output and vim.fn.fnamemodify(vim.uri_to_fname(result.output), ':t') or ''
    set_lines(preview.buffer, result.text)
    set_filetype(preview.buffer, name)
    preview.has_text = true
    status = (' preview for %s: %s'):format(result.model or '?', name):gsub('%%', '%%%%')
  else
    local problem = 'cannot be rendered: ' .. (result.problem or 'unknown')
    if not preview.has_text then
      set_lines(preview.buffer, problem)
    end
    status = '%#ErrorMsg# ' .. problem:gsub('%%', '%%%%')
  end
  for _, window in ipairs(vim.fn.win_findbuf(preview.buffer)) do
    -- What does not fit is cut at the end.
    vim.wo[window].statusline = status .. '%<'
  end
end

-- Renders the template again; only the newest answer is shown.
function M.refresh(template)
  local preview = previews[template]
  if not preview or not vim.api.nvim_buf_is_valid(preview.buffer) then
    previews[template] = nil
    return
  end
  preview.newest = preview.newest + 1
  local number = preview.newest
  client.ask(template, 'tgen/preview', { model = preview.model }, function(result)
    if result and number == preview.newest and vim.api.nvim_buf_is_valid(preview.buffer) then
      show(preview, result)
    end
  end)
end

local function follow(template)
  local waiting = 0
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, {
    buffer = template,
    group = vim.api.nvim_create_augroup('tgen-preview-' .. template, {}),
    callback = function()
      waiting = waiting + 1
      local number = waiting
      vim.defer_fn(function()
        if number == waiting then
          M.refresh(template)
        end
      end, PAUSE_MS)
      return previews[template] == nil
    end,
  })
end

-- Opens the preview of the current buffer, or renews it, for a model or the chosen one.
function M.open(model)
  local template = vim.api.nvim_get_current_buf()
  if not client.await(template) then
    return say.say('this buffer is no template of a project; see :TgenDoctor', vim.log.levels.WARN)
  end
  local preview = previews[template]
  if not preview or not vim.api.nvim_buf_is_valid(preview.buffer) then
    local window = vim.api.nvim_get_current_win()
    vim.cmd(options.preview.split == 'horizontal' and 'belowright new' or 'belowright vnew')
    preview = { buffer = vim.api.nvim_get_current_buf(), newest = 0 }
    vim.bo[preview.buffer].buftype, vim.bo[preview.buffer].bufhidden = 'nofile', 'wipe'
    vim.bo[preview.buffer].swapfile = false
    vim.api.nvim_buf_set_name(preview.buffer, ('tgen://%d/%s'):format(template, vim.fn.fnamemodify(vim.api.nvim_buf_get_name(template), ':t')))
    vim.api.nvim_set_current_win(window)
    previews[template] = preview
    follow(template)
  end
  preview.model = model
  M.refresh(template)
end

return M
