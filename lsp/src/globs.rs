//! The globs of files that a client should watch. This module must not know how the client is asked.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::project::inputs::{Input, InputKind, Shape};
use tower_lsp::ls_types::{FileSystemWatcher, GlobPattern, OneOf, RelativePattern};

use crate::abilities::Watching;
use crate::state::Moment;
use crate::uri;

const CONFIGURATIONS: &str = "{tgen,Cargo}.toml";

/// A glob for files below a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glob {
    folder: Utf8PathBuf,
    pattern: String,
}

impl Glob {
    fn new(folder: impl Into<Utf8PathBuf>, pattern: impl Into<String>) -> Self {
        Self { folder: folder.into(), pattern: pattern.into() }
    }

    /// The protocol's watcher for the glob; `None` for a client that does not watch.
    pub(crate) fn watcher(&self, watching: Watching) -> Option<FileSystemWatcher> {
        let glob_pattern = match watching {
            Watching::Never => return None,
            Watching::Globs => GlobPattern::String(format!("{}/{}", self.folder, self.pattern)),
            Watching::RelativeGlobs => GlobPattern::Relative(RelativePattern {
                base_uri: OneOf::Right(uri::of_path(&self.folder)?),
                pattern: self.pattern.clone(),
            }),
        };
        Some(FileSystemWatcher { glob_pattern, kind: None })
    }
}

/// The inputs and outputs of all projects, and configurations that may appear in the client's folders.
pub(crate) fn of_projects(folders: impl IntoIterator<Item = Utf8PathBuf>, moment: &Moment) -> BTreeSet<Glob> {
    let mut globs: BTreeSet<_> = folders.into_iter().map(|folder| Glob::new(folder, "**/{tgen,Cargo}.toml")).collect();
    for (root, loaded) in &*moment.projects {
        globs.insert(Glob::new(root, CONFIGURATIONS));
        let Some(snapshot) = &loaded.snapshot else { continue };
        let project = snapshot.project();
        globs.extend(project.inputs.iter().map(|input| of_input(root, input)));
        globs.extend(project.config.suites.iter().map(|suite| outputs(root, &suite.output.value)));
    }
    globs
}

/// An input: the file, or everything in the folder.
fn of_input(root: &Utf8Path, input: &Input) -> Glob {
    let path = root.join(&input.path);
    match (input.kind, input.kind.shape()) {
        (InputKind::Configuration, _) => Glob::new(root, CONFIGURATIONS),
        (_, Shape::Folder) => Glob::new(path, "**/*"),
        (_, Shape::File) => {
            let name = path.file_name().unwrap_or_default().to_owned();
            Glob::new(path.parent().map_or_else(|| root.to_owned(), Utf8Path::to_owned), name)
        }
    }
}

/// The outputs of a suite: everything in its output folder, including support files. If its path begins with a
/// placeholder, only files that match the path, so that not every file of the project is watched.
fn outputs(root: &Utf8Path, pattern: &str) -> Glob {
    let constant = &pattern[..pattern.find('{').unwrap_or(pattern.len())];
    match constant.rsplit_once('/') {
        Some((folder, _)) => Glob::new(root.join(folder), "**/*"),
        None => Glob::new(root, with_stars(pattern)),
    }
}

/// `{{ name }}_test.py` as `*_test.py`.
fn with_stars(pattern: &str) -> String {
    let mut parts = pattern.split('{');
    let mut glob = parts.next().unwrap_or_default().to_owned();
    for part in parts.filter(|part| !part.is_empty()) {
        glob.push('*');
        glob.push_str(part.rsplit('}').next().unwrap_or_default());
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_watched_where_they_are_written() {
        let glob = |pattern| outputs("/p".into(), pattern);
        assert_eq!(glob("out/a/test_{{ x }}.py"), Glob::new("/p/out/a", "**/*"));
        assert_eq!(glob("{{ x }}/test_{{ y | lower }}.py"), Glob::new("/p", "*/test_*.py"));
        assert_eq!(glob("{% if x %}a{% else %}b{% endif %}.py"), Glob::new("/p", "*a*b*.py"));
    }
}
