//! The shell scripts of the GitHub action, as a runner calls them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::BINARY;

fn script(name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/action").join(name);
    let mut command = Command::new("bash");
    command.arg(path).env("NO_COLOR", "1");
    command
}

/// The folder of the binary under test in front of everything else.
fn path_with_binary() -> std::ffi::OsString {
    let own = PathBuf::from(BINARY).parent().unwrap().to_owned();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&rest))).unwrap()
}

fn run_check(folder: &Path, arguments: &str) -> (Output, String) {
    let summary = folder.join("summary.md");
    let mut command = script("check.sh");
    command.current_dir(folder).env("PATH", path_with_binary());
    command.env("ARGUMENTS", arguments).env("GITHUB_STEP_SUMMARY", &summary);
    command.env("XDG_CACHE_HOME", folder.join(".cache"));
    let output = command.output().unwrap();
    let text = fs::read_to_string(&summary).unwrap();
    fs::remove_file(&summary).unwrap();
    (output, text)
}

#[test]
fn the_action_ends_as_the_check_does_and_shows_it_in_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let generated = Command::new(BINARY).args(["generate", "--sample"]).current_dir(folder.path()).output().unwrap();
    assert!(generated.status.success());
    let (output, summary) = run_check(folder.path(), "--sample");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(summary.starts_with("### cargo-tgen check\n") && summary.contains(" outputs are fresh"), "{summary}");

    let edited = folder.path().join("test/skills/test_hf_bert.py");
    fs::write(&edited, fs::read_to_string(&edited).unwrap() + "# by hand\n").unwrap();
    let (output, summary) = run_check(folder.path(), "--sample");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("::error file=test/skills/test_hf_bert.py"));
    assert!(summary.contains("**edited**"), "{summary}");
}

#[test]
fn the_action_installs_its_own_version_where_none_is_asked_for() {
    let said = |version: &str| {
        let output = script("version.sh").env("VERSION", version).env("RUNNER_TOOL_CACHE", "/tools").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(said(""), (Some(0), format!("version={own}\nfolder=/tools/cargo-tgen/{own}\n")));
    assert_eq!(said("1.2.3").1, "version=1.2.3\nfolder=/tools/cargo-tgen/1.2.3\n");
    assert_eq!(said("1; rm -rf x"), (Some(2), String::new()));
}
