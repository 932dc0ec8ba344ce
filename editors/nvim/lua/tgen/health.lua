-- `:checkhealth tgen`

local M = {}

local health = vim.health or require('health')
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local fail = health.error or health.report_error

-- The project of an open buffer, else that of the current folder.
local function root_from(here)
  local project = require('tgen.project')
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local path = vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) or ''
    local root = path ~= '' and vim.bo[buffer].buftype == '' and project.of(buffer, path)
    if root then
      return root
    end
  end
  return project.above(here)
end

function M.check()
  start('cargo-tgen')
  local here = vim.fn.getcwd()
  local root = root_from(here)
  local cmd, why = require('tgen.program').command(root or here)
  if not cmd then
    return fail(why)
  end
  local version = vim.trim(vim.fn.system({ cmd[1], '--version' }))
  if vim.v.shell_error ~= 0 then
    return fail(('`%s --version` fails: %s'):format(cmd[1], version))
  end
  ok(('`%s` is %s'):format(cmd[1], version))
  vim.fn.system({ cmd[1], 'tgen', 'lsp', '--help' })
  if vim.v.shell_error ~= 0 then
    return fail(('`%s` is too old: it has no language server; install a newer one'):format(cmd[1]))
  end
  if root then
    ok(('the project is `%s`'):format(root))
  else
    warn(('no `tgen.toml` in or above `%s`; run `cargo tgen init` to begin a project'):format(here))
  end
end

return M
