//! The documents: every command that a tour shows does what it shows, and generated pages are fresh.

use std::path::Path;
use std::process::Command;

use super::BINARY;

/// Commands in a `console` block start with this.
const PROMPT: &str = "$ ";

#[test]
fn the_readme_shows_what_happens() {
    check_tour("README.md");
}

#[test]
fn the_first_command_writes_what_the_readme_shows() {
    const CARGO: &str = "cargo run --no-default-features --";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, from_command) = text.split_once(CARGO).unwrap();
    let (arguments, rest) = from_command.split_once('\n').unwrap();
    let (_, from_output) = rest.split_once("```text\n").unwrap();
    let (expected, _) = from_output.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seen = run(&format!("cargo tgen{arguments}"), folder.path());
    assert_eq!(without_times(&seen), without_times(expected));
}

#[cfg(feature = "store")]
#[test]
fn the_page_of_the_template_database_shows_what_happens() {
    check_tour("docs/database.md");
}

/// Runs the commands that a page shows, one after the other in one folder.
#[track_caller]
fn check_tour(page: &str) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for block in console_blocks(&text) {
        for (command, expected) in sessions(&block) {
            let seen = run(&command, folder.path());
            assert_eq!(without_times(&seen), without_times(&expected), "`{command}` in {page} shows something else");
            commands += 1;
        }
    }
    assert!(commands >= 5, "the tour of {page} has only {commands} commands");
}

fn console_blocks(text: &str) -> Vec<String> {
    text.split("```console\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

/// The commands of a block, each with the output below it.
fn sessions(block: &str) -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix(PROMPT), sessions.last_mut()) {
            (Some(command), _) => sessions.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => output.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    sessions
}

/// Runs a command line as a shell would; `cargo tgen` is the binary under test.
fn run(command: &str, folder: &Path) -> String {
    let line = command.replace("cargo tgen", &format!("{BINARY} tgen"));
    let output = Command::new("bash")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .current_dir(folder)
        .env("NO_COLOR", "1")
        // Nothing of a test should stay in the user's cache.
        .env("CI", "true")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Times differ from run to run, and blank lines at the ends do not matter.
fn without_times(text: &str) -> String {
    let words = text.trim().lines().map(|line| match line.rsplit_once(" (") {
        Some((before, time)) if time.ends_with(" s)") => before.to_owned(),
        _ => line.trim_end().to_owned(),
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_problem_has_its_paragraph() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md")).unwrap();
    for code in tgen_core::base::problem::Code::ALL {
        assert!(page.contains(&format!("`{}`", code.name())), "docs/problems.md does not explain `{}`", code.name());
    }
}

#[test]
fn every_placeholder_and_filter_is_documented() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md")).unwrap();
    let placeholders = tgen_core::template::vocabulary::VOCABULARY.iter().map(|entry| entry.name);
    for name in placeholders.chain(tgen_core::template::filters::FILTERS.iter().map(|filter| filter.name)) {
        assert!(page.contains(&format!("`{name}`")), "docs/templates.md does not explain `{name}`");
    }
}

#[test]
fn the_readme_lists_every_command() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let help = Command::new(BINARY).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A description that goes on in the next line is indented further.
    let commands =
        listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()));
    for command in commands.filter(|word| *word != "help") {
        assert!(readme.contains(&format!("`cargo tgen {command}")), "the README does not list `{command}`");
    }
}
