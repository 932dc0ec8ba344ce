//! Checks that the packages compile for the systems that releases are made for, without having one.
//!
//! zig compiles the few C files. Nothing is linked or run: the release workflow does both on each system.

use std::process::Command;

use anyhow::{Context, Result};

use crate::python;
use crate::test::{cargo, root, step};

/// The systems beside x86-64 Linux, which `lint` and `test` know. Windows' other environment needs Microsoft's headers.
const TARGETS: [&str; 4] =
    ["aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin", "x86_64-pc-windows-gnu"];
const TOOLS: [&str; 2] = ["cargo-zigbuild==0.24.1", "ziglang==0.17.1"];

/// Runs clippy for each target.
pub(crate) fn run() -> Result<()> {
    let programs = python::programs(&TOOLS)?;
    let path = python::path_with(&programs)?;
    step("targets", Command::new("rustup").args(["target", "add"]).args(TARGETS)).context("this needs rustup")?;
    let cargo = cargo();
    for target in TARGETS {
        let mut clippy = Command::new(programs.join("cargo-zigbuild"));
        clippy.args(["clippy", "--locked", "--workspace", "--exclude", "xtask", "--target", target]);
        clippy.args(["--", "-D", "warnings"]).env("PATH", &path).env("CARGO", cargo.get_program());
        step(target, clippy.current_dir(root()))?;
    }
    Ok(())
}
