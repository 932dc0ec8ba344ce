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

/// Formats what is not in a file with `bert` in its name, without a word, as ruff does with what it excludes.
const FORMATS_BUT_BERT: &str =
    "shift; for f; do case $f in *bert*) ;; *) sed 's/  */ /g; s/{ /{/g' \"$f\" > t; mv t \"$f\" ;; esac; done";

#[test]
fn a_formatter_of_python_that_skips_one_file_in_silence_is_noticed() {
    let project = Project::new();
    project.format_by(&["sh", "-c", FORMATS_BUT_BERT, "ruff", "format", "--quiet"]);
    let words = "skips 1 output, such as `out/test_bert.py`";
    project.check_refused(&["generate"], words);
    project.check(&["check"], &[1], words);
    project.check(&["check"], &[1], "2 outputs: 1 fresh, 1 held back by errors; 1 error");
}

#[test]
fn a_formatter_that_has_nothing_to_do_skips_nothing() {
    let project = Project::new();
    project.format_by(&["sh", "-c", &FORMATS_BUT_BERT.replace("bert", "nosuch"), "ruff", "format"]);
    project.check(&["check"], &[0], "2 outputs are fresh");
}

#[test]
fn outputs_whose_formatter_fails_are_counted() {
    let project = Project::new();
    project.format_with("exit 1");
    project.check_refused(&["generate"], "wrote 0 of 2 outputs, 0 fresh, 2 held back by errors");
    project.check_refused(&["check"], "2 outputs: 2 held back by errors; 1 error");
}

#[test]
fn a_formatter_that_ran_over_the_outputs_is_told_from_an_edit() {
    let project = Project::new();
    let file = project.path("out/test_vit.py");
    let generated = fs::read_to_string(&file).unwrap();
    fs::write(&file, generated.replace("X = \"vit\"", "X   =  ('vit')")).unwrap();
    project.check_refused(&["check"], "edited, in formatting only");
    project.check_refused(&["generate"], "differs in formatting only");
    fs::write(&file, generated.replace("X = \"vit\"", "X = 'Vit'")).unwrap();
    project.check_refused(&["check"], "edited, changed by hand");
}
