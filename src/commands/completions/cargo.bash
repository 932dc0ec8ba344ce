
# `tgen` is another name of the program, and `cargo tgen` completes as `cargo-tgen` does. The rest of cargo completes as before.
complete -F _cargo__tgen -o bashdefault -o default tgen

_cargo_tgen_completion_of_cargo() {
    complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p'
}

_cargo_tgen_in_cargo() {
    if [[ ${COMP_WORDS[1]-} == tgen && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=(cargo-tgen "${COMP_WORDS[@]:2}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _cargo__tgen cargo-tgen "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        return
    fi
    if [[ -z ${_cargo_tgen_before-} ]]; then
        # bash-completion loads cargo's own completion when it is first wanted.
        complete -r cargo
        _comp_load cargo 2>/dev/null || _completion_loader cargo 2>/dev/null
        _cargo_tgen_before=$(_cargo_tgen_completion_of_cargo)
        complete -F _cargo_tgen_in_cargo -o bashdefault -o default cargo
    fi
    if declare -F "${_cargo_tgen_before:-none}" >/dev/null; then
        "$_cargo_tgen_before" "$@"
    fi
}

_cargo_tgen_before=$(_cargo_tgen_completion_of_cargo)
if [[ $_cargo_tgen_before == _cargo_tgen_in_cargo ]]; then
    _cargo_tgen_before=
fi
complete -F _cargo_tgen_in_cargo -o bashdefault -o default cargo
