//! DuckDB's library is a file beside the binary: what happens where it is gone, or is something else.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::BINARY;

/// Adds a mapping to a new template database, with the library in a folder of its own.
fn add_mapping(folder: &Path) -> Output {
    run(folder, &["mapping", "add", "--model", "bert-base-uncased", "--family", "text_embedding"])
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder).env("DUCKDB_LIB_DIR", folder).env("NO_COLOR", "1");
    command.output().unwrap()
}

fn library(folder: &Path) -> std::path::PathBuf {
    folder.join(format!("{}duckdb{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
}

#[track_caller]
fn check_refused(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{said}");
    assert!(said.contains("`DUCKDB_LIB_DIR`"), "the next step is missing: {said}");
}

#[test]
fn without_the_library_the_template_database_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    check_refused(&add_mapping(folder.path()), "which is not installed");
    assert!(!folder.path().join("templates.duckdb").exists());
}

#[test]
fn without_the_library_everything_else_works() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["generate", "--sample"][..], &["hardware"], &["lint"]] {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_file_that_is_no_library_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(library(folder.path()), "not a library").unwrap();
    check_refused(&add_mapping(folder.path()), "cannot load DuckDB's library");
}
