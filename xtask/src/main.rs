//! The project's own commands, run as `cargo xtask COMMAND`. They use cargo and npm; the shipped tool does not depend
//! on them.

mod archive;
mod coverage;
mod cross;
mod editors;
mod fingerprints;
mod foreign_reader;
mod generated;
mod hooks;
mod libduckdb;
mod python;
mod ray;
mod regressions;
mod release;
mod releases;
mod report;
mod results;
mod slice;
mod test;
mod verified;
mod vscode;
mod wheel;
mod workflows;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::libduckdb::Destination;
use crate::results::Platform;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [-- ARGUMENTS OF cargo test]  everything that a change must pass, but the steps below
  lint                               format, clippy, workflows, spelling
  editors                            the language server in real editors
  report [SCREENSHOTS]               reports of runs in a browser, and by the schema of JUnit
  slice [PYTHON]                     real models for every task, also on a simulated GPU
  coverage [--platform cuda | --results FILE] [PYTHON]
                                     all tests of all model types, as pages of the documentation
  regressions [TYPE...]              tests that fail with releases of transformers that were broken
  fingerprints RELEASE...            what all model types give with releases of transformers
  ray                                a run on a real head of Ray, with a worker and the client killed
  libduckdb [--into-wheel]           gets DuckDB's library
  cross                              lints for the other systems of a release, with zig and rustup
  wheel                              builds and tries the Python package
  archive                            packs what `wheel` built
  vsix                               packs the VS Code extension with the programs of `archive`
  hooks                              the hooks of pre-commit
  bump VERSION                       sets the version
  notes TAG                          prints the changelog of a release
  owner NAME                         sets the repository's owner";

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
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test", rest @ ..] => test::run(passed_on(rest)),
        ["lint"] => test::lint(),
        ["editors"] => editors::run(),
        ["report", rest @ ..] if rest.len() <= 1 => report::run(rest.first().copied()),
        ["slice", rest @ ..] if rest.len() <= 1 => slice::run(rest.first().copied()),
        ["coverage", "--platform", "cuda", rest @ ..] if rest.len() <= 1 => {
            coverage::run(rest.first().copied(), Platform::Cuda)
        }
        ["coverage", "--results", file, rest @ ..] if rest.len() <= 1 => {
            coverage::of_results(file, rest.first().copied())
        }
        ["coverage", rest @ ..] if rest.len() <= 1 => coverage::run(rest.first().copied(), Platform::Cpu),
        ["regressions", types @ ..] => regressions::run(types),
        ["fingerprints", versions @ ..] => fingerprints::run(versions),
        ["cross"] => cross::run(),
        ["ray"] => ray::run(),
        ["libduckdb"] => libduckdb::run(&Destination::Cache),
        ["libduckdb", "--into-wheel"] => libduckdb::run(&Destination::Wheel),
        ["wheel"] => wheel::run(),
        ["archive"] => archive::run(),
        ["vsix"] => vscode::package(),
        ["hooks"] => hooks::run(),
        ["bump", version] => release::bump(version),
        ["notes", tag] => release::notes(tag),
        ["owner", name] => release::set_owner(name),
        [] => bail!("{USAGE}"),
        other => bail!("there is no command `{}`\n{USAGE}", other.join(" ")),
    }
}

/// The arguments after `--`, or all of them if there is no `--`.
fn passed_on<'a>(arguments: &'a [&'a str]) -> &'a [&'a str] {
    match arguments {
        ["--", rest @ ..] => rest,
        _ => arguments,
    }
}

/// Prints a line to the user, distinguishable from the output of the programs that run here.
#[expect(clippy::print_stderr, reason = "a chore is the edge: it writes its progress straight to the terminal")]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}

#[cfg(test)]
mod tests {
    use super::passed_on;

    #[test]
    fn arguments_reach_the_chore_with_and_without_a_separator() {
        assert_eq!(passed_on(&["--", "filter"]), ["filter"]);
        assert_eq!(passed_on(&["filter"]), ["filter"]);
        assert!(passed_on(&[]).is_empty());
    }
}
