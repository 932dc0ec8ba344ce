//! End-to-end tests of the binary: what a user types, and what they see.
//!
//! A case is a file `cases/NAME.trycmd` with commands and their output, run in a copy of `cases/NAME.in/`; where there is
//! a `cases/NAME.out/`, the folder must look like that afterwards. `TRYCMD=overwrite cargo test --test cli` renews them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod action;
#[cfg(unix)]
mod completions;
mod emitted;
mod examples;
mod hostile;
#[cfg(all(feature = "store", not(feature = "bundled")))]
mod library;
mod links;
mod lsp;
#[cfg(unix)]
mod program_name;
mod readme;
mod robustness;
mod tour;

/// The binary under test, which answers to `cargo tgen` as well as to `cargo-tgen`.
const BINARY: &str = env!("CARGO_BIN_EXE_cargo-tgen");

#[test]
fn commands_say_and_do_what_their_cases_tell() {
    check("tests/cli/cases/*.trycmd");
}

#[cfg(feature = "store")]
#[test]
fn the_template_database_says_and_does_what_its_cases_tell() {
    check("tests/cli/cases/store/*.trycmd");
}

fn check(cases: &str) {
    trycmd::TestCases::new()
        .register_bin("cargo", std::path::Path::new(BINARY))
        .env("NO_COLOR", "1")
        .env("CI", "true")
        .case(cases);
}
