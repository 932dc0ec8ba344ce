//! The test command: tests, the build without DuckDB, and the tests that it renders; and, apart from it, the lints.
//!
//! DuckDB's C++ takes longer to compile than all the rest together, so a prebuilt library is linked where there is one.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::foreign_reader;
use crate::generated;
use crate::libduckdb::{self, Libduckdb};
use crate::say;

/// Runs every test that a change must pass; `passed_on` are arguments of `cargo test`.
pub(crate) fn run(passed_on: &[String]) -> Result<()> {
    let start = Instant::now();
    let store = Store::find()?;
    step("tests", store.cargo("test").arg("--workspace").args(passed_on))?;
    foreign_reader::run(&store)?;
    step("build without the store", cargo().args(["build", "--no-default-features"]))?;
    generated::run()?;
    say(&format!("all passed in {}", seconds(start)));
    Ok(())
}

/// Runs what reads the code without running it. It compiles every dependency once more, in its own way, so that people
/// who only want to see the tests pass need not wait for it.
pub(crate) fn lint() -> Result<()> {
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    let store = Store::find()?;
    step("lints", store.cargo("clippy").args(["--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("fuzz targets", cargo().args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]))
}

/// How DuckDB comes into the build.
pub(crate) enum Store {
    Linked(Libduckdb),
    Compiled,
}

impl Store {
    fn find() -> Result<Self> {
        match libduckdb::get()? {
            Ok(library) => {
                say(&format!("linking {library}"));
                Ok(Self::Linked(library))
            }
            Err(none) => {
                say(&format!("{none}; compiling DuckDB instead, which takes 20 minutes or more"));
                Ok(Self::Compiled)
            }
        }
    }

    /// A cargo command with the store.
    pub(crate) fn cargo(&self, command: &str) -> Command {
        let mut cargo = cargo();
        cargo.args([command, "--no-default-features", "--features"]);
        match self {
            Self::Linked(library) => cargo.arg("store").env("DUCKDB_LIB_DIR", library.folder()),
            Self::Compiled => cargo.arg("store,bundled"),
        };
        cargo
    }
}

/// The cargo that runs this chore, at the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
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
