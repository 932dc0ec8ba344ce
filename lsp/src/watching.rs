//! Asks the client to watch what projects are read from, so that they are read again when it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use tgen_core::project::inputs::{Input, InputKind, Shape};
use tower_lsp::ls_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, OneOf, Registration, RelativePattern,
    Unregistration,
};

use crate::capabilities::Watching;
use crate::server::Server;
use crate::session::Moment;
use crate::uri;

const METHOD: &str = "workspace/didChangeWatchedFiles";
const ID: &str = "tgen-watched-files";
const CONFIGURATIONS: &str = "{tgen,Cargo}.toml";

/// Whether a file of that name may hold a configuration.
pub(crate) fn is_configuration(path: &Utf8Path) -> bool {
    matches!(path.file_name(), Some("tgen.toml" | "Cargo.toml"))
}

/// Has the client watch what the projects are read from now, if that is not what it watches already.
pub(crate) fn renew(server: &Arc<Server>) {
    let moment = server.session().moment();
    if moment.client.watches == Watching::Never {
        return;
    }
    let wanted = globs(server, &moment);
    let before = std::mem::replace(&mut *server.watched(), wanted.clone());
    if before == wanted {
        return;
    }
    let server = Arc::clone(server);
    tokio::spawn(async move {
        if !before.is_empty() {
            let old = Unregistration { id: ID.to_owned(), method: METHOD.to_owned() };
            // A client that never registered has nothing to take back.
            let _ = server.client.unregister_capability(vec![old]).await;
        }
        let watchers = wanted.iter().filter_map(|glob| glob.watcher(moment.client.watches)).collect();
        let options = DidChangeWatchedFilesRegistrationOptions { watchers };
        let registration =
            Registration { id: ID.to_owned(), method: METHOD.to_owned(), register_options: Some(json!(options)) };
        // Without it the server still works; it just reads a project again only when a document of it is saved.
        let _ = server.client.register_capability(vec![registration]).await;
    });
}

/// Files below a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glob {
    folder: Utf8PathBuf,
    pattern: String,
}

impl Glob {
    fn new(folder: impl Into<Utf8PathBuf>, pattern: impl Into<String>) -> Self {
        Self { folder: folder.into(), pattern: pattern.into() }
    }

    fn watcher(&self, watching: Watching) -> Option<FileSystemWatcher> {
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

/// Everything that any project is read from, and configurations that may come.
fn globs(server: &Server, moment: &Moment) -> BTreeSet<Glob> {
    let folders = server.session().folders.clone();
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

/// The outputs of a suite: everything in the folder that it writes to, support files included. Where its path begins with
/// a placeholder, only what fits the path, so that not every file of the project is watched.
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
