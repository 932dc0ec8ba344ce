//! Environments with Python packages, created once and kept in the cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::libduckdb::cache_folder;
use crate::test::step;

/// The folder with the programs of an environment that has exactly these packages.
pub(crate) fn programs(packages: &[&str]) -> Result<PathBuf> {
    let folder = cache_folder().context("there is no cache folder for the Python environment")?;
    let name = packages.join("-").replace("==", "-");
    let environment = folder.join(format!("venv-{name}"));
    let programs = programs_in(&environment);
    let complete = environment.join("complete");
    if !complete.exists() {
        let host = if cfg!(windows) { "python" } else { "python3" };
        step("making a Python environment", Command::new(host).args(["-m", "venv", "--clear"]).arg(&environment))?;
        step(
            "installing its packages",
            Command::new(programs.join("python")).args(["-m", "pip", "install", "--quiet"]).args(packages),
        )?;
        std::fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    Ok(programs)
}

/// The folder with the programs of an environment.
pub(crate) fn programs_in(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

/// A `PATH` that starts with an environment's programs.
pub(crate) fn path_with(programs: &Path) -> Result<OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).context("the environment's folder cannot be in `PATH`")
}
