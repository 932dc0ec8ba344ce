//! The documents: every command that a tour shows does what it shows, and generated pages are fresh.

use std::path::Path;
use std::process::Command;

use super::{BINARY, tour};

#[test]
fn the_readme_shows_what_happens() {
    check_tour("README.md");
}

#[test]
fn the_first_command_writes_what_the_readme_shows() {
    const CARGO: &str = "cargo run --";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, from_command) = text.split_once(CARGO).unwrap();
    let (arguments, rest) = from_command.split_once('\n').unwrap();
    let (_, from_output) = rest.split_once("```text\n").unwrap();
    let (expected, _) = from_output.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seen = tour::run(&format!("cargo tgen{arguments}"), folder.path());
    assert_eq!(tour::without_times(&seen), tour::without_times(expected));
}

#[cfg(feature = "store")]
#[test]
fn the_page_of_the_template_database_shows_what_happens() {
    check_tour("docs/database.md");
}

#[test]
fn pages_show_what_happens() {
    for page in ["adopt", "existing-tests", "outputs", "report", "results", "submit", "suites", "templates"] {
        check_tour(&format!("docs/{page}.md"));
    }
}

#[test]
fn the_readme_tells_the_coverage_that_was_measured() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [readme, coverage] =
        ["README.md", "docs/coverage.md"].map(|page| std::fs::read_to_string(root.join(page)).unwrap());
    let headline = coverage.lines().find(|line| line.contains(" run REAL for every task")).unwrap();
    let numbers: Vec<&str> = headline.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let [real, of, _, failed, results] = numbers[..] else { panic!("`{headline}` has other numbers than expected") };
    for claim in [format!("{real} of the {of} types"), format!("{failed} of {results} test results fail")] {
        assert!(readme.contains(&claim), "the README does not say `{claim}`, as docs/coverage.md does");
    }
}

/// Follows a page in a folder of its own.
#[track_caller]
fn check_tour(page: &str) {
    tour::check(page, tempfile::tempdir().unwrap().path());
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
