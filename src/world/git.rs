//! Queries git about a project's files. This module must not know what the files are.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The files that differ from a git revision, and untracked files, relative to `root`.
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

/// The newest committed text of a file that contains `needle`; `None` if there is none.
pub(crate) fn committed_text(file: &Utf8Path, needle: &str) -> Option<Vec<u8>> {
    let (folder, name) = (file.parent()?, file.file_name()?);
    // The commits that added or removed the needle, the newest first; the one that added it contains the text.
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

/// The commit that is checked out, if any.
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

/// Whether a git command prints `true`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Utf8Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
        let status = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap().status;
        assert!(status.success(), "git {arguments:?}");
    }

    /// A repository with two commits.
    fn repository(folder: &Utf8Path) {
        git(folder, &["init", "--quiet", "--initial-branch=main"]);
        for commit in ["first", "second"] {
            git(folder, &["commit", "--quiet", "--allow-empty", "--message", commit]);
        }
    }

    #[track_caller]
    fn check_refusal(make: impl FnOnce(&Utf8Path), revision: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        make(root);
        assert_eq!(changed_since(root, revision).unwrap_err().to_string().replace(root.as_str(), "ROOT"), expected);
    }

    #[test]
    fn a_revision_that_git_does_not_have_is_told_with_the_next_step() {
        check_refusal(
            repository,
            "gone",
            "git has no revision `gone`; name a branch, a tag or a commit; `git fetch` gets those of a remote",
        );
        check_refusal(repository, "--output=x", "`--output=x` is no revision; name a branch, a tag or a commit");
    }

    #[test]
    fn in_a_shallow_clone_the_next_step_is_to_fetch_more() {
        let clone = |root: &Utf8Path| {
            let origin = root.join("origin");
            std::fs::create_dir(&origin).unwrap();
            repository(&origin);
            git(root, &["clone", "--quiet", "--depth=1", &format!("file://{origin}"), "clone"]);
            std::fs::remove_dir_all(origin.join(".git")).unwrap();
            std::fs::rename(root.join("clone/.git"), root.join(".git")).unwrap();
        };
        let expected = "git has no revision `HEAD~1`; this clone is shallow: fetch the revision first; with GitHub's \
                        `actions/checkout`, set `fetch-depth: 0`";
        check_refusal(clone, "HEAD~1", expected);
    }

    #[test]
    fn outside_a_work_tree_the_option_is_refused() {
        let expected =
            "`--changed-since` needs git, and `ROOT` is in no git work tree; run `cargo tgen check` without it";
        check_refusal(|_| (), "main", expected);
    }
}
