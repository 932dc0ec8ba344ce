-- What the user can set, with `require('tgen').setup{}`.

return {
  -- The program and its arguments; false looks for `cargo-tgen`, see `tgen.program`.
  cmd = false,
  -- How `:TgenPreview` opens its window.
  preview = { split = 'vertical' },
  -- Called for each buffer that the server serves.
  on_attach = nil,
  -- What the client can do, for a completion plugin.
  capabilities = nil,
  -- Whether the line of lenses above a template is shown.
  lenses = true,
}
