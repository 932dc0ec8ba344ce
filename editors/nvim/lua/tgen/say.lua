-- What is said to the user.

local M = {}

-- Each message is shown once, not once for each buffer.
local said = {}

function M.say(message, level)
  vim.notify('cargo-tgen: ' .. message, level or vim.log.levels.INFO)
end

function M.once(message)
  if not said[message] then
    said[message] = true
    vim.schedule(function() M.say(message, vim.log.levels.ERROR) end)
  end
end

function M.forget()
  said = {}
end

return M
