//! Runs what a Markdown page shows, in the order of the page, and compares the output.
//!
//! A `console` block holds commands, each with its output below it. A command that ends with `\` goes on in the next line, and a
//! line `…` stands for any number of lines of output. A block whose info string names a file (` ```toml file=tgen.toml `)
//! is that file's content.

use std::path::Path;
use std::process::Command;

use super::BINARY;

/// Commands in a `console` block start with this.
const PROMPT: &str = "$ ";

/// A line of expected output that stands for any number of lines.
const ELISION: &str = "…";

/// Follows a page in `folder`, and demands that it shows what happens.
#[track_caller]
pub(crate) fn check(page: &str, folder: &Path) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut commands = 0;
    for step in steps(&text) {
        match step {
            Step::Write { path, text } => {
                let path = folder.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Step::Run { command, expected } => {
                let (seen, expected) = (without_times(&run(&command, folder)), without_times(&expected));
                assert!(
                    is_shown(&seen, &expected),
                    "`{command}` in {page} shows something else\n--- the page\n{expected}\n--- the command\n{seen}"
                );
                commands += 1;
            }
        }
    }
    assert!(commands > 0, "{page} shows no command");
}

/// Runs a command line as a shell would; `cargo tgen` is the binary under test.
pub(crate) fn run(command: &str, folder: &Path) -> String {
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
pub(crate) fn without_times(text: &str) -> String {
    let words = text.trim().lines().map(|line| match line.rsplit_once(" (") {
        Some((before, time)) if time.ends_with(" s)") => before.to_owned(),
        _ => line.trim_end().to_owned(),
    });
    words.collect::<Vec<_>>().join("\n")
}

enum Step {
    Write { path: String, text: String },
    Run { command: String, expected: String },
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some((_, path)) = info.split_once(" file=") {
            let text = block.iter().flat_map(|line| [line, "\n"]).collect();
            steps.push(Step::Write { path: path.to_owned(), text });
        } else if info == "console" {
            steps.extend(commands(&block));
        }
    }
    steps
}

/// The commands of a block, each with the output below it.
fn commands(block: &[&str]) -> Vec<Step> {
    let mut commands: Vec<Step> = Vec::new();
    for line in block {
        match (line.strip_prefix(PROMPT), commands.last_mut()) {
            (Some(command), _) => commands.push(Step::Run { command: command.to_owned(), expected: String::new() }),
            (None, Some(Step::Run { command, .. })) if command.ends_with('\\') => command.extend(["\n", line]),
            (None, Some(Step::Run { expected, .. })) => expected.extend([line, "\n"]),
            (None, _) => panic!("`{line}` stands before the first command of its block"),
        }
    }
    commands
}

fn is_shown(seen: &str, expected: &str) -> bool {
    match expected.lines().position(|line| line == ELISION) {
        None => seen == expected,
        Some(elided) => {
            let expected: Vec<&str> = expected.lines().collect();
            let seen: Vec<&str> = seen.lines().collect();
            let Some(rest) = seen.strip_prefix(&expected[..elided]) else { return false };
            (0..=rest.len()).any(|skipped| is_shown(&rest[skipped..].join("\n"), &expected[elided + 1..].join("\n")))
        }
    }
}

#[test]
fn an_elision_stands_for_any_number_of_lines() {
    assert!(is_shown("a\nb\nc", "a\nb\nc"));
    assert!(is_shown("a\nb\nc\nd", "a\n…\nd"));
    assert!(is_shown("a\nb\nc\nd", "…\nc\n…\nd"));
    assert!(is_shown("a\nb\nc\nd", "a\n…"));
    assert!(!is_shown("a\nb\nc", "a\n…\nd"));
    assert!(!is_shown("a\nb\nc", "b\n…\nc"));
    assert!(!is_shown("a\nb", "a\nc"));
}
