//! Translates paths between the project's root, which core's paths are relative to, and the user's current folder,
//! which the paths of editors, terminals and CI services are relative to.
//!
//! This module must not know what the files are.

use std::borrow::Cow;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::{Problem, Related};
use tgen_core::base::text_path::TextPath;

/// The user's current folder relative to a project's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standpoint {
    here: Utf8PathBuf,
    /// The path from the current folder to the root; empty if they are the same.
    way: Utf8PathBuf,
}

impl Standpoint {
    /// For the current folder `here` and the project root `root`; both are absolute.
    pub(crate) fn new(here: &Utf8Path, root: &Utf8Path) -> Self {
        let up = |depth: usize| std::iter::repeat_n("..", depth).collect();
        let way = match (root.strip_prefix(here), here.strip_prefix(root)) {
            (Ok(below), _) => below.to_owned(),
            (_, Ok(above)) => up(above.components().count()),
            _ => root.to_owned(),
        };
        Self { here: here.to_owned(), way }
    }

    /// Translates a path of the project to the user's.
    pub(crate) fn seen(&self, path: &Utf8Path) -> Utf8PathBuf {
        if path.is_absolute() {
            return path.strip_prefix(&self.here).unwrap_or(path).to_owned();
        }
        let is_in_no_file = TextPath::of(path).file().is_none();
        if is_in_no_file || self.way.as_str().is_empty() { path.to_owned() } else { self.way.join(path) }
    }

    /// Translates a path of the user to the project's.
    pub(crate) fn inside<'p>(&self, seen: &'p Utf8Path) -> &'p Utf8Path {
        seen.strip_prefix(&self.way).unwrap_or(seen)
    }

    /// The problems with the user's paths.
    pub(crate) fn problems<'p>(&self, problems: &'p [Problem]) -> Cow<'p, [Problem]> {
        if self.way.as_str().is_empty() {
            return Cow::Borrowed(problems);
        }
        problems.iter().map(|problem| self.problem(problem)).collect()
    }

    fn problem(&self, problem: &Problem) -> Problem {
        let related = |related: &Related| Related { path: self.seen(&related.path), ..related.clone() };
        Problem {
            path: problem.path.as_deref().map(|path| self.seen(path)),
            related: problem.related.iter().map(related).collect(),
            ..problem.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_where_the_user_stands() {
        let seen = |here: &str, root: &str, path: &str| {
            let standpoint = Standpoint::new(here.into(), root.into());
            let seen = standpoint.seen(path.into());
            assert!(path.starts_with('/') || standpoint.inside(&seen) == path);
            seen.into_string()
        };
        assert_eq!(seen("/repo", "/repo", "out/t.py"), "out/t.py");
        assert_eq!(seen("/repo", "/repo/a", "out/t.py"), "a/out/t.py");
        assert_eq!(seen("/repo/a/templates", "/repo/a", "out/t.py"), "../out/t.py");
        assert_eq!(seen("/repo/b", "/repo/a", "out/t.py"), "/repo/a/out/t.py");
        assert_eq!(seen("/repo", "/repo/a", "/repo/out/t.py"), "out/t.py");
        assert_eq!(seen("/repo", "/repo/a", "/elsewhere/t.py"), "/elsewhere/t.py");
        assert_eq!(seen("/repo", "/repo/a", "built-in:t.py.tera"), "built-in:t.py.tera");
    }
}
