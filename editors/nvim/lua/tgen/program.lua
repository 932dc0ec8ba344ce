-- Where the program is. It starts nothing.

local options = require('tgen.options')
local M = {}

local is_windows = vim.fn.has('win32') == 1

-- Every place of the program, the one that wins first: the same order as in the other editors.
function M.places(root)
  local home = (vim.uv or vim.loop).os_homedir()
  local cargo = vim.env.CARGO_HOME or (home .. '/.cargo')
  return {
    root .. '/.venv/' .. (is_windows and 'Scripts' or 'bin') .. '/cargo-tgen',
    cargo .. '/bin/cargo-tgen',
    'cargo-tgen',
    home .. '/.local/bin/cargo-tgen',
    root .. '/target/release/cargo-tgen',
    root .. '/target/debug/cargo-tgen',
  }
end

-- The program with the arguments that make it the server, or nil and why not.
function M.command(root)
  if options.cmd then
    if vim.fn.executable(options.cmd[1]) == 1 then
      return options.cmd
    end
    return nil, ('`%s`, which the option `cmd` names, cannot be run'):format(options.cmd[1])
  end
  for _, program in ipairs(M.places(root)) do
    if vim.fn.executable(program) == 1 then
      return { program, 'tgen', 'lsp' }
    end
  end
  return nil, "the program `cargo-tgen` was not found in the project's `.venv`, in `~/.cargo/bin` or on PATH; "
    .. 'install it with `pip install cargo-tgen`, or name it with the option `cmd` of setup()'
end

return M
