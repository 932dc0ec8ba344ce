//! The test command: tests, the build without the store, and the tests that it renders; and, apart from it, the lints.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::foreign_reader;
use crate::generated;
use crate::libduckdb;
use crate::say;
use crate::workflows;

/// Runs every test that a change must pass; `passed_on` are arguments of `cargo test`.
pub(crate) fn run(passed_on: &[&str]) -> Result<()> {
    let start = Instant::now();
    // The tests of `run` need a Python that has pytest.
    let python = generated::python()?;
    step("tests", with_library("test")?.env("TGEN_TEST_PYTHON", python).arg("--workspace").args(passed_on))?;
    foreign_reader::run()?;
    step("build without the store", cargo().args(["build", "--no-default-features"]))?;
    generated::run()?;
    say(&format!("all passed in {}", seconds(start)));
    Ok(())
}

/// Runs what reads the code without running it. It compiles every dependency once more, in its own way, so that people
/// who only want to see the tests pass need not wait for it.
pub(crate) fn lint() -> Result<()> {
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("lints", cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("fuzz targets", cargo().args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]))?;
    // Only what the packages hold and say; building them is the release's dry run.
    step(
        "packages",
        cargo().args(["package", "--workspace", "--exclude", "xtask", "--no-verify", "--allow-dirty", "--quiet"]),
    )?;
    workflows::run()
}

/// The cargo that runs this chore, at the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// A cargo command whose programs find DuckDB's library.
pub(crate) fn with_library(command: &str) -> Result<Command> {
    let mut cargo = cargo();
    cargo.arg(command).env("DUCKDB_LIB_DIR", libduckdb::folder()?);
    Ok(cargo)
}

/// The tool itself, from source.
pub(crate) fn tgen() -> Command {
    let mut tgen = cargo();
    tgen.args(["run", "--quiet", "--no-default-features", "--"]);
    tgen
}

/// The workspace's root. A program that another checkout built into the same folder must not work there.
pub(crate) fn root() -> PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.join("..")
}

pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    let start = Instant::now();
    say(name);
    let status = command.status().with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    say(&format!("{name}: {}", seconds(start)));
    Ok(())
}

fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}
