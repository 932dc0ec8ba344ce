//! Prepares a release: sets the version and the owner in every file that contains them, and extracts the changelog's
//! notes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::say;
use crate::test::{cargo, root, step};

const CHANGELOG: &str = "CHANGELOG.md";
const UNRELEASED: &str = "## [Unreleased]";

/// Sets the version everywhere, and moves the changelog's unreleased entries to it.
pub(crate) fn bump(version: &str) -> Result<()> {
    ensure!(is_version(version), "`{version}` is no version; give one like `1.2.3` or `1.2.3-rc.1`");
    let old = current_version()?;
    ensure!(old != version, "the version is {version} already");
    let date = text_of(Command::new("git").args(["log", "-1", "--format=%cs"]))?;
    let changelog = release_unreleased(&read(CHANGELOG)?, version, date.trim())?;
    for (file, key) in [
        ("Cargo.toml", "version = "),
        ("Cargo.toml", "tgen-core = { path = \"src/core\", version = "),
        ("Cargo.toml", "tgen-lsp = { path = \"lsp\", version = "),
        ("editors/vscode/package.json", "\"version\": "),
    ] {
        set_version(file, key, &old, version)?;
    }
    write(CHANGELOG, &changelog)?;
    for page in tracked_files()?.iter().filter(|file| {
        file.starts_with("docs/") && Path::new(file).extension().is_some_and(|extension| extension == "md")
    }) {
        let text = read(page)?;
        let renewed = with_version(&text, &old, version);
        if renewed != text {
            write(page, &renewed)?;
        }
    }
    step("lock file", cargo().args(["update", "--workspace", "--offline"]))?;
    step(
        "lock file of the fuzz targets",
        cargo().args(["update", "--workspace", "--offline", "--manifest-path", "fuzz/Cargo.toml"]),
    )?;
    say(&format!("{old} became {version}; look at `git diff`, commit, and push the tag `v{version}`"));
    Ok(())
}

/// A page with another version in its commands: `cargo-tgen==1.2.3` for pip, `v1.2.3` for actions and hooks, and what `--version` prints.
fn with_version(page: &str, old: &str, new: &str) -> String {
    let forms = |version: &str| {
        ["cargo-tgen==", "cargo-tgen@v", "rev: v", "`v", "cargo-tgen "].map(|form| format!("{form}{version}"))
    };
    forms(old).iter().zip(forms(new)).fold(page.to_owned(), |page, (old, new)| page.replace(old, &new))
}

/// Prints the changelog's entries for a release, which must be the current version.
#[expect(clippy::print_stdout, reason = "the notes are the result of this chore")]
pub(crate) fn notes(tag: &str) -> Result<()> {
    let version = current_version()?;
    ensure!(tag == format!("v{version}"), "the tag is `{tag}`, but the sources are version {version}");
    println!("{}", notes_of(&read(CHANGELOG)?, &version)?);
    Ok(())
}

/// Sets the GitHub account that owns the repository everywhere.
pub(crate) fn set_owner(new: &str) -> Result<()> {
    let is_name = !new.is_empty() && new.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    ensure!(is_name, "`{new}` is no name of a GitHub account");
    let old = owner()?;
    let (from, to) = (format!("{old}/cargo-tgen"), format!("{new}/cargo-tgen"));
    for file in tracked_files()? {
        let path = root().join(&file);
        // A file that is not text contains no addresses.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if text.contains(&from) {
            write(&file, &text.replace(&from, &to))?;
            say(&format!("wrote `{file}`"));
        }
    }
    Ok(())
}

/// Fails if a tracked file names another owner of the repository than Cargo.toml does.
pub(crate) fn check_owner() -> Result<()> {
    let owner = owner()?;
    for file in tracked_files()? {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        if let Some(other) = owners_in(&text).find(|other| *other != owner) {
            bail!(
                "`{file}` says that `{other}` owns the repository, Cargo.toml says `{owner}`; run `cargo xtask owner NAME`"
            );
        }
    }
    Ok(())
}

/// The owner in Cargo.toml.
fn owner() -> Result<String> {
    let manifest = read("Cargo.toml")?;
    let owner = owners_in(&manifest).next().context("Cargo.toml names no repository")?;
    Ok(owner.to_owned())
}

fn owners_in(text: &str) -> impl Iterator<Item = &str> {
    // Addresses, and the action's name in a workflow.
    let places = ["github.com/", "uses: "].into_iter().flat_map(|before| text.split(before).skip(1));
    places.filter_map(|rest| {
        let (owner, repository) = rest.split_once('/')?;
        let is_ours = repository
            .strip_prefix("cargo-tgen")
            .is_some_and(|end| !end.starts_with(|c: char| c.is_alphanumeric() || c == '-'));
        let is_name = owner.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (is_ours && is_name).then_some(owner)
    })
}

fn tracked_files() -> Result<Vec<String>> {
    let files = text_of(Command::new("git").args(["ls-files"]))?;
    Ok(files.lines().map(str::to_owned).collect())
}

fn text_of(command: &mut Command) -> Result<String> {
    let output = command.current_dir(root()).output().context("cannot run `git`")?;
    ensure!(output.status.success(), "`git` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// The version in Cargo.toml, which all packages share.
pub(crate) fn current_version() -> Result<String> {
    let manifest = read("Cargo.toml")?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.context("Cargo.toml has no version")?.to_owned())
}

fn set_version(file: &str, key: &str, old: &str, new: &str) -> Result<()> {
    let text = read(file)?;
    let (from, to) = (format!("{key}\"{old}\""), format!("{key}\"{new}\""));
    ensure!(text.contains(&from), "`{file}` does not have `{from}`");
    write(file, &text.replacen(&from, &to, 1))
}

fn is_version(text: &str) -> bool {
    let (numbers, suffix) = text.split_once('-').map_or((text, None), |(numbers, suffix)| (numbers, Some(suffix)));
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let is_suffix =
        |suffix: &str| !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && suffix.is_none_or(is_suffix)
}

/// The changelog with the unreleased entries moved under a version.
fn release_unreleased(changelog: &str, version: &str, date: &str) -> Result<String> {
    section(changelog, UNRELEASED).context("the changelog has nothing unreleased")?;
    Ok(changelog.replacen(UNRELEASED, &format!("{UNRELEASED}\n\n## [{version}] - {date}"), 1))
}

fn notes_of<'t>(changelog: &'t str, version: &str) -> Result<&'t str> {
    let heading = format!("## [{version}]");
    section(changelog, &heading)
        .with_context(|| format!("the changelog says nothing of {version}; run `cargo xtask bump`"))
}

/// The text under a heading; `None` if it is empty.
fn section<'t>(changelog: &'t str, heading: &str) -> Option<&'t str> {
    let (_, rest) = changelog.split_once(heading)?;
    let (_, rest) = rest.split_once('\n')?;
    let section = rest.split("\n## ").next().unwrap_or(rest).trim();
    (!section.is_empty() && !section.starts_with("## ")).then_some(section)
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| format!("cannot read `{file}`"))
}

fn write(file: &str, text: &str) -> Result<()> {
    fs::write(root().join(Path::new(file)), text).with_context(|| format!("cannot write `{file}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str =
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- a thing\n\n## [0.1.0] - 2026-01-01\n\n- all\n";

    #[test]
    fn a_release_takes_what_is_unreleased() {
        let released = release_unreleased(CHANGELOG, "0.2.0", "2026-02-02").unwrap();
        assert_eq!(notes_of(&released, "0.2.0").unwrap(), "### Added\n\n- a thing");
        assert_eq!(notes_of(&released, "0.1.0").unwrap(), "- all");
        assert!(released.contains("## [0.2.0] - 2026-02-02\n"));
    }

    #[test]
    fn nothing_is_released_without_notes() {
        assert!(notes_of(CHANGELOG, "0.2.0").is_err());
        let released = release_unreleased(CHANGELOG, "0.2.0", "2026-02-02").unwrap();
        assert!(release_unreleased(&released, "0.3.0", "2026-03-03").is_err());
    }

    #[test]
    fn pages_name_the_version_that_is_released() {
        // Put together here, so that the check of this file finds no other owner in it.
        let ours = "cargo-tgen";
        let page = |version| format!("pip install {ours}=={version}; uses: a/{ours}@v{version}; rev: v{version}");
        assert_eq!(with_version(&page("0.1.0"), "0.1.0", "0.2.0"), page("0.2.0"));
    }

    #[test]
    fn versions_are_told_from_other_words() {
        assert!(["0.1.0", "1.2.3-rc.1", "10.20.30"].into_iter().all(is_version));
        assert!(!["", "1.2", "v1.2.3", "1.2.3-", "1..3", "1.2.3 4"].into_iter().any(is_version));
    }

    #[test]
    fn the_owner_is_found_in_addresses_of_this_repository_only() {
        // Concatenated here, so that the check of this file finds no other owner in it.
        let ours = "cargo-tgen";
        let text = format!(
            "https://github.com/a-b/{ours}.git github.com/c/{ours}-vim github.com/d/other x/{ours}\n- uses: e/{ours}@v1"
        );
        assert_eq!(owners_in(&text).collect::<Vec<_>>(), ["a-b", "e"]);
    }
}
