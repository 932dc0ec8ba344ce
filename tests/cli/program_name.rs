//! Help and messages name the program as it was called.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::BINARY;

/// What a call of the program under a name writes, in an empty folder.
fn said(name: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.arg0(name).args(arguments).current_dir(&folder).env("NO_COLOR", "1").env("CI", "true");
    let output = command.output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[track_caller]
fn check(name: &str, prefix: &[&str], expected: &str) {
    let said = |arguments: &[&str]| said(name, &[prefix, arguments].concat());
    let help = said(&["--help"]);
    assert!(help.contains(&format!("Usage: {expected} [OPTIONS] <COMMAND>")), "{help}");
    assert!(help.contains(&format!("\n  {expected} init  ")), "{help}");
    let help = said(&["run", "--help"]);
    assert!(help.contains(&format!("Usage: {expected} run ")), "{help}");
    assert_eq!(help.contains("cargo tgen"), expected == "cargo tgen", "{help}");
    let error = said(&["check", "--changed-since", "main"]);
    assert!(error.contains(&format!("run `{expected} check` without it")), "{error}");
}

#[test]
fn the_program_names_itself_as_it_was_called() {
    check("/usr/bin/tgen", &[], "tgen");
    check("cargo-tgen", &[], "cargo-tgen");
    check("/usr/bin/cargo-tgen", &["tgen"], "cargo tgen");
    check("renamed", &[], "cargo tgen");
}
