-- For `vim.lsp.enable('tgen')`, Neovim 0.11 and newer; the plugin enables it. `vim.lsp.config('tgen', {...})` changes it.
return require('tgen.client').config()
