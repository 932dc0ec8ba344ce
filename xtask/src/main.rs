//! The project's own chores, run as `cargo xtask CHORE`. They use cargo and npm; no part of the shipped tool knows of them.

mod coverage;
mod editors;
mod foreign_reader;
mod generated;
mod libduckdb;
mod python;
mod results;
mod slice;
mod test;
mod vscode;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask test [-- ARGUMENTS OF cargo test], cargo xtask lint, cargo xtask editors, \
                     cargo xtask slice [PYTHON], or cargo xtask coverage [PYTHON]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        Some((chore, rest)) if chore == "test" => test::run(passed_on(rest)),
        Some((chore, [])) if chore == "lint" => test::lint(),
        Some((chore, [])) if chore == "editors" => editors::run(),
        Some((chore, rest)) if chore == "slice" && rest.len() <= 1 => slice::run(rest.first().map(String::as_str)),
        Some((chore, rest)) if chore == "coverage" && rest.len() <= 1 => {
            coverage::run(rest.first().map(String::as_str))
        }
        Some((chore, _)) => bail!("there is no chore `{chore}`\n{USAGE}"),
        None => bail!("{USAGE}"),
    }
}

/// What follows `--`, or everything where there is no `--`.
fn passed_on(arguments: &[String]) -> &[String] {
    match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    }
}

/// Tells the person at the terminal, apart from what the programs that run here print.
#[expect(clippy::print_stderr, reason = "a chore is the edge: it has no printer, only a person who waits")]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}

#[cfg(test)]
mod tests {
    use super::passed_on;

    #[test]
    fn arguments_reach_the_chore_with_and_without_a_separator() {
        let arguments = ["--".to_owned(), "filter".to_owned()];
        assert_eq!(passed_on(&arguments), ["filter"]);
        assert_eq!(passed_on(&arguments[1..]), ["filter"]);
        assert!(passed_on(&[]).is_empty());
    }
}
