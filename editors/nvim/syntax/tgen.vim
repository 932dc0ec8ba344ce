" Python, with the tags of Tera laid over it.
if exists('b:current_syntax')
  finish
endif
runtime! syntax/python.vim
unlet! b:current_syntax

syntax region tgenComment start="{#" end="#}" containedin=ALLBUT,tgenComment,tgenExpression,tgenTag
syntax region tgenExpression matchgroup=tgenDelimiter start="{{-\?" end="-\?}}" contains=@tgenInside containedin=ALLBUT,tgenComment,tgenExpression,tgenTag
syntax region tgenTag matchgroup=tgenDelimiter start="{%-\?" end="-\?%}" contains=@tgenInside,tgenKeyword containedin=ALLBUT,tgenComment,tgenExpression,tgenTag

syntax cluster tgenInside contains=tgenName,tgenOperator,tgenString,tgenNumber,tgenFilter,tgenWord
syntax match tgenName "\<\h\w*\>" contained
syntax match tgenFilter "|\s*\zs\h\w*" contained
syntax match tgenOperator "[-+*/%~|=<>!]" contained
syntax match tgenNumber "\<\d\+\(\.\d\+\)\?\>" contained
syntax region tgenString start=+"+ end=+"+ contained oneline
syntax region tgenString start=+'+ end=+'+ contained oneline
syntax keyword tgenWord and or not in is true false none contained
syntax keyword tgenKeyword extends include block endblock for endfor if elif else endif set set_global endset filter endfilter component endcomponent raw endraw break continue contained

highlight default link tgenComment Comment
highlight default link tgenDelimiter PreProc
highlight default link tgenName Identifier
highlight default link tgenFilter Function
highlight default link tgenOperator Operator
highlight default link tgenNumber Number
highlight default link tgenString String
highlight default link tgenWord Keyword
highlight default link tgenKeyword Statement

let b:current_syntax = 'tgen'
