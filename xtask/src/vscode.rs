//! The extension in a real VS Code: type check, unit tests, and sessions with the packaged extension and the program that was
//! built just now. Node's packages, code-server and a browser come from npm and stay in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::libduckdb::cache_folder;
use crate::test::{root, step};

/// Runs the tests of the extension with a program.
pub(crate) fn run(program: &Path) -> Result<()> {
    let extension = root().join("editors/vscode");
    let npm = |script: &str| {
        let mut npm = Command::new("npm");
        npm.args(["run", "--silent", script]).env("TGEN_PROGRAM", program).current_dir(&extension);
        npm
    };
    provide_modules(&extension)?;
    step("VS Code: types", &mut npm("check"))?;
    step("VS Code: unit tests", &mut npm("test"))?;
    step("VS Code: bundle", &mut npm("build"))?;
    step("VS Code: bundle of the sessions", &mut npm("build-e2e"))?;
    let mut sessions = Command::new("node");
    sessions.arg("dist/e2e/main.js").arg("--tools").arg(tools(&extension)?).arg("--program").arg(program);
    step("VS Code: sessions", sessions.current_dir(&extension))
}

/// Has `node_modules` hold what the lock file says: a link into the cache, unless a developer has installed it.
fn provide_modules(extension: &Path) -> Result<()> {
    let link = extension.join("node_modules");
    if link.is_dir() && !link.is_symlink() {
        return Ok(());
    }
    let folder = cached("vscode-modules", &extension.join("package-lock.json"))?;
    let complete = folder.join("complete");
    if !complete.exists() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            fs::copy(extension.join(file), folder.join(file)).with_context(|| format!("cannot copy `{file}`"))?;
        }
        step("installing the extension's packages", Command::new("npm").arg("ci").current_dir(&folder))?;
        fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    if link.is_symlink() {
        fs::remove_file(&link).with_context(|| format!("cannot remove `{}`", link.display()))?;
    }
    link_folder(&folder.join("node_modules"), &link).with_context(|| format!("cannot make `{}`", link.display()))
}

/// The folder with code-server and a browser.
fn tools(extension: &Path) -> Result<PathBuf> {
    let script = extension.join("test/tools.sh");
    let folder = cached("vscode-tools", &script)?;
    if !folder.join("complete").exists() {
        step("installing VS Code (code-server) and a browser", Command::new("bash").arg(&script).arg(&folder))?;
    }
    Ok(folder)
}

/// A folder of the cache for what a file asks for: another content, another folder.
fn cached(name: &str, file: &Path) -> Result<PathBuf> {
    let text = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let hash: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let cache = cache_folder().context("there is no cache folder for VS Code: HOME is not set")?;
    Ok(cache.join(format!("{name}-{hash}")))
}

#[cfg(unix)]
fn link_folder(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link_folder(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}
