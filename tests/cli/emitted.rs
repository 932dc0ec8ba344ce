//! What `cargo tgen emit` writes, as files that `cargo xtask lint` holds to the validators of the engines.

use std::path::Path;
use std::process::Command;

use super::BINARY;

#[track_caller]
fn check(file: &str, arguments: &[&str]) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut emit = Command::new(BINARY);
    emit.args(["tgen", "emit"]).args(arguments).current_dir(tests.join("cases/emit.in"));
    let output = emit.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = String::from_utf8(output.stdout).unwrap();
    // A release does not have to renew the file.
    let seen = seen.replace(concat!("cargo-tgen==", env!("CARGO_PKG_VERSION")), "cargo-tgen==VERSION");
    let path = tests.join("emitted").join(file);
    if std::env::var_os("TRYCMD").is_some_and(|value| value == "overwrite") {
        std::fs::write(&path, &seen).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert_eq!(seen, expected, "`TRYCMD=overwrite cargo test --test cli` renews {file}");
}

#[test]
fn a_workflow_of_github_actions() {
    check("workflow.yml", &["github", "--shards", "4", "--include", "data", "--", "-k", "not slow"]);
}

#[test]
fn arrays_of_slurm() {
    let retries = ["--retries", "2", "--retry-on", "crashed,Connection reset"];
    let options = [&["--sbatch=--partition=gpu", "--setup", ". venv/bin/activate"], &retries[..]].concat();
    check("submit.sh", &[&["slurm", "--shards", "4"], &options[..]].concat());
}

#[test]
fn indexed_jobs_of_kubernetes() {
    let options = ["--image", "registry.example/tests:1", "--queue", "team-a", "--setup", "pip install pytest"];
    check("jobs.yaml", &[&["kubernetes", "--shards", "4"], &options[..]].concat());
}
