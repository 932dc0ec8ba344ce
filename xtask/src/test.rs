//! The test command: all tests, the build without the store, and the rendered tests; and separately, the lints.

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
    // The tests of `run` need a Python with pytest.
    let python = generated::python()?;
    step("tests", with_library("test")?.env("TGEN_TEST_PYTHON", python).arg("--workspace").args(passed_on))?;
    foreign_reader::run()?;
    step("build without the store", cargo().args(["build", "--no-default-features"]))?;
    generated::run()?;
    say(&format!("all passed in {}", seconds(start)));
    Ok(())
}

/// Runs the static checks. They compile every dependency again with other settings, so they are not part of the tests.
pub(crate) fn lint() -> Result<()> {
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("lints", cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let without_store = ["clippy", "--no-default-features", "--all-targets", "--", "-D", "warnings"];
    step("lints without the store", cargo().args(without_store))?;
    step("fuzz targets", cargo().args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]))?;
    // Only checks the content of the packages; the release's dry run builds them.
    step(
        "packages",
        cargo().args(["package", "--workspace", "--exclude", "xtask", "--no-verify", "--allow-dirty", "--quiet"]),
    )?;
    generated::lint()?;
    workflows::run()
}

/// The running cargo, at the workspace's root.
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

/// The tool, run from source.
pub(crate) fn tgen() -> Command {
    let mut tgen = cargo();
    tgen.args(["run", "--quiet", "--no-default-features", "--"]);
    tgen
}

/// The workspace's root: that of the running cargo, because another checkout may have built this program into a shared
/// target folder.
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
