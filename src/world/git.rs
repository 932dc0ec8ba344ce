//! What git knows of a project's files. This module must not know what the files are.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The files that differ from a git revision, and those git does not know, relative to `root`.
pub(crate) fn changed_since(root: &Utf8Path, revision: &str) -> anyhow::Result<Vec<Utf8PathBuf>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision; name a branch, a tag or a commit");
    }
    let mut changed = git(root, &["diff", "--name-only", "--relative", "-z", revision, "--"])?;
    changed.extend(git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?);
    Ok(changed)
}

fn git(root: &Utf8Path, arguments: &[&str]) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let output = Command::new("git").args(arguments).current_dir(root).stdin(Stdio::null()).output();
    let output = output.context("cannot run `git`, which `--changed-since` asks what has changed")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`git {}` failed: {}", arguments.join(" "), said.trim().lines().next().unwrap_or("it says nothing"));
    }
    let paths = String::from_utf8_lossy(&output.stdout);
    Ok(paths.split('\0').filter(|path| !path.is_empty()).map(Utf8PathBuf::from).collect())
}
