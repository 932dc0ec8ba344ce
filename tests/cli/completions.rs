//! The completion scripts, in the shells that they are for.

use std::process::Command;

use super::BINARY;

fn script(shell: &str) -> String {
    let output = Command::new(BINARY).args(["completions", shell]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers for a command line whose last word is incomplete, in a shell that completes cargo as rustup sets it up.
fn offered_by_bash(words: &[&str]) -> Vec<String> {
    let complete = r#"
        _cargo() { COMPREPLY=(build); }
        complete -F _cargo cargo
        source /dev/stdin
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        function=$(complete -p "$1" | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
        "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-c", complete, "bash"]).args(words);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut bash = command.spawn().unwrap();
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script("bash").as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_every_name_of_the_program() {
    for program in [&["cargo-tgen"][..], &["tgen"], &["cargo", "tgen"]] {
        assert_eq!(offered_by_bash(&[program, &["che"]].concat()), ["check"], "{program:?}");
        assert_eq!(offered_by_bash(&[program, &["check", "--changed"]].concat()), ["--changed-since"], "{program:?}");
    }
}

#[test]
fn bash_completes_the_rest_of_cargo_as_before() {
    assert_eq!(offered_by_bash(&["cargo", "bui"]), ["build"]);
}

#[test]
fn zsh_and_fish_know_every_name_of_the_program() {
    assert!(script("zsh").starts_with("#compdef cargo-tgen tgen\n"));
    let fish = script("fish");
    for line in ["complete -c cargo-tgen", "complete -c cargo ", "complete -c tgen -w cargo-tgen"] {
        assert!(fish.contains(line), "no line has `{line}`");
    }
}
