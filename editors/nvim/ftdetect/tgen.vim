" A template of Tera in a project of ours is Python with tags; others' `*.tera` keep what Neovim makes of them.
autocmd BufNewFile,BufRead *.tera if luaeval('require("tgen.project").above(_A) ~= nil', expand('<amatch>:p:h')) | set filetype=tgen | endif
