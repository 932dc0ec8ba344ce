//! Formatters that do not behave.

use std::fs;

use crate::bounded::Project;

#[track_caller]
fn check(script: &str, words: &str) {
    let project = Project::new();
    project.format_with(script);
    project.check_refused(&["generate"], words);
    project.check_refused(&["check"], words);
    let left = fs::read_dir(project.path("out")).unwrap().chain(fs::read_dir(project.path("")).unwrap());
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".tgen-")), "{left:?}");
}

#[test]
fn a_formatter_that_writes_without_end_is_stopped() {
    check("exec yes", "it was stopped because it wrote over 64 MiB of messages");
}

#[test]
fn a_formatter_that_fails_is_quoted_wherever_it_wrote() {
    check("echo on stderr >&2; echo on stdout; exit 3", "exit status: 3: on stderr; on stdout");
}

#[test]
fn a_formatter_that_skips_its_files_is_noticed() {
    check("echo 'warning: No Python files found under the given path(s)' >&2", "skips the outputs");
}

#[test]
fn a_result_that_is_not_text_is_an_error() {
    check("for f; do printf '\\377' > \"$f\"; done", "the formatter left a file that is not UTF-8 text");
}

#[test]
fn a_result_that_is_not_a_file_is_an_error() {
    check("for f; do rm \"$f\"; mkfifo \"$f\"; done", "it is a pipe or a device");
    check("for f; do rm \"$f\"; ln -s /dev/zero \"$f\"; done", "it is a pipe or a device");
}

#[test]
fn a_child_that_keeps_the_formatters_output_open_is_not_waited_for() {
    let project = Project::new();
    project.format_with("sleep 25 & for f; do echo '# formatted' >> \"$f\"; done");
    project.check(&["generate"], &[0], "wrote 2 of 2 outputs");
}

#[test]
fn a_formatter_sees_the_settings_in_the_outputs_folder() {
    let project = Project::new();
    project.write("out/settings", "settings of the folder");
    project.format_with("for f; do echo \"# $(cat \"$(dirname \"$f\")/../settings\")\" >> \"$f\"; done");
    project.check(&["generate"], &[0], "wrote 2 of 2 outputs");
    assert!(fs::read_to_string(project.path("out/test_bert.py")).unwrap().ends_with("# settings of the folder\n"));
}
