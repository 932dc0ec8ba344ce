//! What git knows of a project's files. This module must not know what the files are.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The files that differ from a git revision, and those git does not know, relative to `root`.
pub(crate) fn changed_since(root: &Utf8Path, revision: &str) -> anyhow::Result<Vec<Utf8PathBuf>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision; name a branch, a tag or a commit");
    }
    if !is_true(root, &["rev-parse", "--is-inside-work-tree"])? {
        bail!("`--changed-since` needs git, and `{root}` is in no git work tree; run `cargo tgen check` without it");
    }
    let commit = format!("{revision}^{{commit}}");
    if !run(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?.status.success() {
        bail!("{}", missing_revision(root, revision)?);
    }
    let mut changed = paths(root, &["diff", "--name-only", "--relative", "-z", revision, "--"])?;
    changed.extend(paths(root, &["ls-files", "--others", "--exclude-standard", "-z"])?);
    Ok(changed)
}

/// The newest committed text of a file that holds `needle`, and none where git has no such text.
pub(crate) fn committed_text(file: &Utf8Path, needle: &str) -> Option<Vec<u8>> {
    let (folder, name) = (file.parent()?, file.file_name()?);
    // The commits that added or removed the needle, the newest first: the one that added it has the text.
    let search = format!("-S{needle}");
    let found = run(folder, &["log", "--format=%H", "--max-count=8", &search, "--", name]).ok()?;
    let commits = String::from_utf8(found.stdout).ok()?;
    let text = |commit: &str| {
        let shown = run(folder, &["show", &format!("{commit}:./{name}")]).ok()?;
        let has_needle = String::from_utf8_lossy(&shown.stdout).contains(needle);
        (shown.status.success() && has_needle).then_some(shown.stdout)
    };
    commits.lines().find_map(text)
}

/// The commit that is checked out, where there is one.
pub(crate) fn head(root: &Utf8Path) -> Option<String> {
    let found = run(root, &["rev-parse", "--verify", "--quiet", "HEAD"]).ok().filter(|found| found.status.success())?;
    Some(String::from_utf8_lossy(&found.stdout).trim().to_owned())
}

fn missing_revision(root: &Utf8Path, revision: &str) -> anyhow::Result<String> {
    let next_step = if is_true(root, &["rev-parse", "--is-shallow-repository"])? {
        "this clone is shallow: fetch the revision first; with GitHub's `actions/checkout`, set `fetch-depth: 0`"
    } else {
        "name a branch, a tag or a commit; `git fetch` gets those of a remote"
    };
    Ok(format!("git has no revision `{revision}`; {next_step}"))
}

/// Whether git answers a question with `true`.
fn is_true(root: &Utf8Path, question: &[&str]) -> anyhow::Result<bool> {
    Ok(run(root, question)?.stdout.trim_ascii() == b"true")
}

fn paths(root: &Utf8Path, arguments: &[&str]) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let output = run(root, arguments)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let reason = message.trim().lines().next().unwrap_or("it gives no reason");
        bail!("`git {}` failed: {reason}", arguments.join(" "));
    }
    let paths = String::from_utf8_lossy(&output.stdout);
    Ok(paths.split('\0').filter(|path| !path.is_empty()).map(Utf8PathBuf::from).collect())
}

fn run(folder: &Utf8Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let output = Command::new("git").args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    output.context("cannot run `git`, which `--changed-since` needs; install it or run `cargo tgen check` without it")
}
