//! Translates file system events to core's changes.
//!
//! Folders are watched instead of files: an editor may save by renaming, and a file may be created later. If the
//! system's watcher fails, the caller polls with [`Poll`]. This module must not know what a changed file means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tgen_core::change::Change;

use crate::world::disk::{Disk, is_temporary};
use crate::world::stamp::{Identity, Stamp};

/// The most links in a path; the same limit as in Linux.
const MOST_LINKS: usize = 40;

/// The depth below a folder to which changes are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// For entries of the folder itself.
    Folder,
    /// For everything below it.
    Tree,
}

/// The folders and files of one project to be watched, by the project's paths. They need not exist: their parents are
/// watched too, and report their creation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WatchRequest {
    folders: BTreeMap<Utf8PathBuf, Depth>,
    files: BTreeSet<Utf8PathBuf>,
}

impl WatchRequest {
    /// Adds a folder, and its ancestors inside the project.
    pub(crate) fn add_folder(&mut self, folder: &Utf8Path, depth: Depth) {
        self.insert(folder, depth);
        let is_own = |folder: &Utf8Path| folder.is_relative() && !folder.starts_with("..");
        let above = folder.ancestors().skip(1);
        // For a folder outside the project, only its parent.
        let count = if is_own(folder) { usize::MAX } else { 1 };
        above.take(count).for_each(|folder| self.insert(folder, Depth::Folder));
    }

    /// Adds a file: its folder and, if it is a link, its target.
    pub(crate) fn add_file(&mut self, file: &Utf8Path) {
        self.add_folder(file.parent().unwrap_or(Utf8Path::new("")), Depth::Folder);
        self.files.insert(file.to_owned());
    }

    fn insert(&mut self, folder: &Utf8Path, depth: Depth) {
        let known = self.folders.entry(folder.to_owned()).or_insert(depth);
        *known = depth.max(*known);
    }
}

/// The real folders that are watched for a project.
#[derive(Debug, Default)]
pub(crate) struct WatchedFolders(Vec<WatchedFolder>);

#[derive(Debug)]
struct WatchedFolder {
    /// The path that events use for it.
    real: PathBuf,
    depth: Depth,
    meaning: Meaning,
}

/// What an event in a folder means to the project.
#[derive(Debug)]
enum Meaning {
    /// The folder has this path in the project, and its entries have paths below it.
    Named(Utf8PathBuf),
    /// Any event is a change at this path, which leads here through links: events do not say by which path.
    LinkedFrom(Utf8PathBuf),
    /// An event for the entry of this name is a change at this path.
    Entry(OsString, Utf8PathBuf),
}

impl WatchedFolders {
    /// Finds the existing folders of a request, and the targets of links.
    pub(crate) fn find(root: &Utf8Path, request: &WatchRequest) -> Self {
        let mut folders = Vec::new();
        for (named, depth) in &request.folders {
            add_folder(root, named, *depth, &mut folders);
        }
        for file in &request.files {
            add_links(root, file, &mut folders);
        }
        Self(folders)
    }

    /// The changes that an event means, with the project's paths.
    pub(crate) fn changes(&self, event: &Event) -> Vec<Change> {
        if event.need_rescan() {
            return vec![Change::Rescan];
        }
        let paths = event.paths.iter().map(PathBuf::as_path);
        paths.flat_map(|path| self.0.iter().filter_map(|folder| folder.project_path(path))).map(Change::At).collect()
    }
}

impl WatchedFolder {
    /// The project's path for an event's path, if the event is in this folder.
    fn project_path(&self, path: &Path) -> Option<Utf8PathBuf> {
        let below = Utf8Path::from_path(path.strip_prefix(&self.real).ok()?)?;
        let is_reported = self.depth == Depth::Tree || below.components().count() <= 1;
        match &self.meaning {
            Meaning::Named(folder) if below.as_str().is_empty() => Some(folder.clone()),
            Meaning::Named(folder) => is_reported.then(|| with_slashes(folder.join(below))),
            Meaning::LinkedFrom(folder) => is_reported.then(|| folder.clone()),
            Meaning::Entry(name, file) => (below.as_os_str() == name.as_os_str()).then(|| file.clone()),
        }
    }
}

fn add_folder(root: &Utf8Path, named: &Utf8Path, depth: Depth, folders: &mut Vec<WatchedFolder>) {
    add_links(root, named, folders);
    let path = root.join(named);
    let Some(real) = path.canonicalize().ok().filter(|real| real.is_dir()) else { return };
    let links = if depth == Depth::Tree { Disk::new(root.to_owned()).link_targets(named) } else { Vec::new() };
    let meaning = if links.is_empty() { Meaning::Named } else { Meaning::LinkedFrom };
    folders.push(WatchedFolder { real, depth, meaning: meaning(named.to_owned()) });
    for target in links {
        if target.is_dir() {
            let meaning = Meaning::LinkedFrom(named.to_owned());
            folders.push(WatchedFolder { real: target, depth: Depth::Tree, meaning });
        } else {
            folders.extend(entry(&target, named));
        }
    }
}

/// Adds the folders of all links in a path, and the folder of the final target.
fn add_links(root: &Utf8Path, named: &Utf8Path, folders: &mut Vec<WatchedFolder>) {
    let links = links_of(root.join(named).as_std_path());
    let file = links.last().and_then(|_| root.join(named).canonicalize().ok()).filter(|file| file.is_file());
    folders.extend(links.iter().chain(&file).filter_map(|path| entry(path, named)));
}

fn entry(path: &Path, named: &Utf8Path) -> Option<WatchedFolder> {
    let real = path.parent()?.canonicalize().ok()?;
    let meaning = Meaning::Entry(path.file_name()?.to_owned(), named.to_owned());
    Some(WatchedFolder { real, depth: Depth::Folder, meaning })
}

/// The links that the last components of a path lead through, except the first one, whose folder the project names itself.
fn links_of(path: &Path) -> Vec<PathBuf> {
    let mut links = Vec::new();
    let mut path = path.to_owned();
    while links.len() < MOST_LINKS {
        let Ok(target) = path.read_link() else { break };
        links.push(path.clone());
        path = without_dots(&path.parent().unwrap_or(Path::new("/")).join(target));
    }
    links.drain(..1.min(links.len()));
    links
}

/// Resolves the `..` of a path by the folders that really exist.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain = plain.canonicalize().unwrap_or(plain);
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// The project's paths use `/` as separator on every system.
fn with_slashes(path: Utf8PathBuf) -> Utf8PathBuf {
    if cfg!(windows) { path.as_str().replace('\\', "/").into() } else { path }
}

/// The system's watcher.
pub(crate) struct Watcher {
    system: RecommendedWatcher,
    watched: HashMap<PathBuf, (Depth, Option<Identity>)>,
}

impl Watcher {
    /// Starts the watcher; `send` is called from another thread with every event that may mean a change.
    ///
    /// # Errors
    /// The reason why the system's watcher fails.
    pub(crate) fn start(send: impl Fn(notify::Result<Event>) + Send + 'static) -> Result<Self, String> {
        let send_changes = move |event: notify::Result<Event>| {
            if event.as_ref().map_or(true, may_change) {
                send(event);
            }
        };
        let system = notify::recommended_watcher(send_changes).map_err(|error| reason(&error))?;
        Ok(Self { system, watched: HashMap::new() })
    }

    /// Watches the folders of all projects. Returns whether one of them is newly watched, so that earlier changes in it
    /// were missed.
    ///
    /// # Errors
    /// The reason why the system's watcher fails, such as its limit.
    pub(crate) fn watch<'p>(&mut self, projects: impl Iterator<Item = &'p WatchedFolders>) -> Result<bool, String> {
        let mut wanted: BTreeMap<&Path, Depth> = BTreeMap::new();
        for folder in projects.flat_map(|folders| &folders.0) {
            let depth = wanted.entry(&folder.real).or_insert(folder.depth);
            *depth = folder.depth.max(*depth);
        }
        let mut is_any_new = false;
        for (folder, depth) in wanted {
            is_any_new |= self.watch_folder(folder, depth)?;
        }
        Ok(is_any_new)
    }

    /// Stops watching all folders, so that the next call of [`Watcher::watch`] starts from scratch.
    pub(crate) fn reset(&mut self) {
        for folder in std::mem::take(&mut self.watched).into_keys() {
            // The watch of a deleted folder has ended already.
            let _ = self.system.unwatch(&folder);
        }
    }

    /// Updates the watched folders after an event that ends a watch: another folder may appear at the path.
    pub(crate) fn forget(&mut self, event: &Event) {
        if event.need_rescan() {
            self.watched.clear();
        }
        let ends = matches!(
            event.kind,
            EventKind::Remove(RemoveKind::Folder | RemoveKind::Any | RemoveKind::Other)
                | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any | RenameMode::Both))
        );
        if ends {
            self.watched.retain(|folder, _| !event.paths.iter().any(|path| folder.starts_with(path)));
        }
    }

    fn watch_folder(&mut self, folder: &Path, depth: Depth) -> Result<bool, String> {
        let identity = Utf8Path::from_path(folder).and_then(Stamp::at).map(Stamp::identity);
        let is_watched = |known: &(Depth, Option<Identity>)| known.0 >= depth && known.1 == identity;
        if self.watched.get(folder).is_some_and(is_watched) {
            return Ok(false);
        }
        // An old watch for an earlier folder at this path would prevent the new one; it is no error if there is none.
        let _ = self.system.unwatch(folder);
        self.watched.retain(|watched, _| !watched.starts_with(folder));
        let mode = if depth == Depth::Tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        match self.system.watch(folder, mode) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), (depth, identity));
                Ok(true)
            }
            // It has disappeared, which its parent reports.
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// Whether an event may mean a change. Reading a file does not, and neither does one of our temporary files.
fn may_change(event: &Event) -> bool {
    let is_read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
    let is_ours = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(is_temporary);
    !is_read && (event.paths.is_empty() || !event.paths.iter().all(is_ours))
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// The reason why the system's watcher fails, and the next step.
pub(crate) fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached (`fs.inotify.max_user_watches` raises it)".to_owned()
        }
        ErrorKind::Io(error) => tgen_core::base::files::reason(error),
        _ => error.to_string(),
    }
}

/// Finds changes by comparing the stamps of all files, for use without events.
#[derive(Debug, Default)]
pub(crate) struct Poll(HashMap<Utf8PathBuf, Option<Stamp>>);

impl Poll {
    /// The changes since the last call. `files` are the current paths; a path that is no longer among them is a change too.
    pub(crate) fn changes(&mut self, root: &Utf8Path, files: impl IntoIterator<Item = Utf8PathBuf>) -> Vec<Change> {
        let now: HashMap<_, _> = files.into_iter().map(|path| (path.clone(), Stamp::at(&root.join(path)))).collect();
        let differs = |path: &&Utf8PathBuf| self.0.get(*path) != now.get(*path);
        let gone = self.0.keys().filter(|path| !now.contains_key(*path));
        let changes = now.keys().filter(differs).chain(gone).map(|path| Change::At(path.clone())).collect();
        self.0 = now;
        changes
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[track_caller]
    fn check(request: &WatchRequest, root: &Utf8Path, event: &Utf8Path, expected: &[&str]) {
        let event = Event { paths: vec![event.as_std_path().to_owned()], ..Event::default() };
        let changes = WatchedFolders::find(root, request).changes(&event);
        let expected: Vec<_> = expected.iter().map(|path| Change::At((*path).into())).collect();
        assert_eq!(changes, expected);
    }

    #[test]
    fn links_report_changes_of_what_they_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let root = Utf8Path::from_path(&real).unwrap().join("project");
        for path in ["templates", "shared/v1"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("shared/v1/a.tera"), "").unwrap();
        fs::write(root.join("shared/real.toml"), "").unwrap();
        symlink("v1", root.join("shared/current")).unwrap();
        symlink("real.toml", root.join("shared/link.toml")).unwrap();
        symlink("shared/link.toml", root.join("tgen.toml")).unwrap();
        symlink("../shared/v1/a.tera", root.join("templates/a.tera")).unwrap();
        symlink("shared/current", root.join("linked")).unwrap();
        let mut request = WatchRequest::default();
        request.add_file("tgen.toml".into());
        check(&request, &root, &root.join("tgen.toml"), &["tgen.toml"]);
        check(&request, &root, &root.join("shared/link.toml"), &["tgen.toml"]);
        check(&request, &root, &root.join("shared/real.toml"), &["tgen.toml"]);
        check(&request, &root, &root.join("shared/v1/a.tera"), &[]);
        let mut request = WatchRequest::default();
        request.add_folder("templates".into(), Depth::Tree);
        check(&request, &root, &root.join("shared/v1/a.tera"), &["templates"]);
        let mut request = WatchRequest::default();
        request.add_folder("linked".into(), Depth::Tree);
        check(&request, &root, &root.join("shared/current"), &["linked"]);
        check(&request, &root, &root.join("shared/v1/a.tera"), &["linked/a.tera"]);
        check(&request, &root, &root.join("linked"), &["linked"]);
    }
}
