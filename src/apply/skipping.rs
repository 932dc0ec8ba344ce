//! Finds the files that a formatter of Python skips silently, as `ruff format --quiet` does with what it excludes.
//!
//! An unchanged file proves nothing: it may have been formatted already. So the formatter runs on such a file's name once
//! more, with a text that no formatter of Python leaves unchanged.

use std::fs;
use std::io;

use blake3::Hash;
use camino::{Utf8Path, Utf8PathBuf};

/// A text that every formatter of Python changes.
const PROBE: &str = "x = {  'a':1 }\n";
/// What is added to a file's name while the probe replaces it.
const KEPT: &str = ".kept";

/// Whether a command runs a formatter that changes the probe in every file that it does not skip. Others may only sort
/// imports or add a header.
pub(super) fn is_probed(command: &[String]) -> bool {
    let names: Vec<_> = command.iter().filter_map(|word| Utf8Path::new(word).file_stem()).collect();
    let ruff = names.iter().position(|name| *name == "ruff");
    names.contains(&"black") || ruff.is_some_and(|at| names[at..].contains(&"format"))
}

/// What files held before a formatter ran.
pub(super) struct Before(Vec<(Utf8PathBuf, Hash)>);

impl Before {
    /// Reads the Python files among some.
    pub(super) fn of(files: &[Utf8PathBuf]) -> io::Result<Self> {
        let python = files.iter().filter(|file| file.extension() == Some("py"));
        python.map(|file| Ok((file.clone(), hash(file)?))).collect::<io::Result<_>>().map(Self)
    }

    /// The files that `format` skips. It is run again only if it left a file unchanged.
    pub(super) fn skipped<E: From<io::Error>>(
        self,
        format: impl Fn(&[Utf8PathBuf]) -> Result<(), E>,
    ) -> Result<Vec<Utf8PathBuf>, E> {
        let unchanged = self.0.into_iter().filter(|(file, before)| hash(file).is_ok_and(|now| now == *before));
        let unchanged: Vec<_> = unchanged.map(|(file, _)| file).collect();
        if unchanged.is_empty() {
            return Ok(unchanged);
        }
        for file in &unchanged {
            fs::rename(file, kept(file))?;
            fs::write(file, PROBE)?;
        }
        format(&unchanged)?;
        let is_probe = |file: &&Utf8PathBuf| fs::read(file).is_ok_and(|text| text == PROBE.as_bytes());
        let skipped = unchanged.iter().filter(is_probe).cloned().collect();
        for file in &unchanged {
            fs::rename(kept(file), file)?;
        }
        Ok(skipped)
    }
}

fn hash(file: &Utf8Path) -> io::Result<Hash> {
    Ok(blake3::hash(&fs::read(file)?))
}

fn kept(file: &Utf8Path) -> Utf8PathBuf {
    format!("{file}{KEPT}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: bool) {
        let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
        assert_eq!(is_probed(&words), expected, "{command}");
    }

    #[test]
    fn only_formatters_that_format_whatever_they_do_not_skip_are_probed() {
        check("ruff format --quiet", true);
        check("uv run ruff format", true);
        check(".venv/bin/python -m black -q", true);
        check(".venv/Scripts/ruff.exe format", true);
        check("ruff check --select I --fix", false);
        check("isort", false);
        check("./format", false);
    }
}
