//! From the file system's events to core's changes.
//!
//! Folders are watched, not files, so that an editor that saves by renaming is seen, and a file that appears later. Where
//! the system's watcher cannot serve, the caller polls with [`Poll`]. This module must not know what a changed file means.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tgen_core::change::Change;

use crate::world::disk::is_temporary;
use crate::world::stamp::{Identity, Stamp};

/// How far below a folder changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// Of what stands in the folder itself.
    Folder,
    /// Of everything below it.
    Tree,
}

/// The folders of one project whose changes are to be told, by the paths that the project has for them. They need not
/// exist: their parents are wanted as well, and tell when they appear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted(BTreeMap<Utf8PathBuf, Depth>);

impl Wanted {
    /// Wants a folder, and those above it as far as they are the project's.
    pub(crate) fn add(&mut self, folder: &Utf8Path, depth: Depth) {
        self.insert(folder, depth);
        let is_own = |folder: &Utf8Path| folder.is_relative() && !folder.starts_with("..");
        let above = folder.ancestors().skip(1);
        // Of a folder elsewhere, only the one that it stands in.
        let count = if is_own(folder) { usize::MAX } else { 1 };
        above.take(count).for_each(|folder| self.insert(folder, Depth::Folder));
    }

    fn insert(&mut self, folder: &Utf8Path, depth: Depth) {
        let known = self.0.entry(folder.to_owned()).or_insert(depth);
        *known = depth.max(*known);
    }
}

/// Where the wanted folders of a project really stand, which is where events say something happened.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    real: PathBuf,
    named: Utf8PathBuf,
    depth: Depth,
    /// A link inside is a second name for what it leads to, which events do not tell.
    has_links: bool,
}

impl Places {
    /// Finds the folders that exist.
    pub(crate) fn find(root: &Utf8Path, wanted: &Wanted) -> Self {
        let place = |(named, depth): (&Utf8PathBuf, &Depth)| {
            let path = root.join(named);
            let real = path.canonicalize().ok().filter(|real| real.is_dir())?;
            let has_links = *depth == Depth::Tree && has_links(&path);
            Some(Place { real, named: named.clone(), depth: *depth, has_links })
        };
        Self(wanted.0.iter().filter_map(place).collect())
    }

    /// What an event means to the project, by the paths that it has for what happened.
    pub(crate) fn changes(&self, event: &Event) -> Vec<Change> {
        if event.need_rescan() {
            return vec![Change::Rescan];
        }
        let paths = event.paths.iter().filter_map(|path| Utf8Path::from_path(path));
        paths.flat_map(|path| self.0.iter().filter_map(|place| place.name(path))).map(Change::At).collect()
    }
}

impl Place {
    /// The project's path for a real one that stands in this folder, or is it.
    fn name(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let below = path.strip_prefix(&self.real).ok()?;
        if below.as_str().is_empty() || self.has_links {
            return Some(self.named.clone());
        }
        let is_told = self.depth == Depth::Tree || below.components().count() == 1;
        is_told.then(|| with_slashes(self.named.join(below)))
    }
}

/// The project's paths have `/` between their parts everywhere.
fn with_slashes(path: Utf8PathBuf) -> Utf8PathBuf {
    if cfg!(windows) { path.as_str().replace('\\', "/").into() } else { path }
}

fn has_links(folder: &Utf8Path) -> bool {
    ignore::WalkBuilder::new(folder)
        .standard_filters(false)
        .build()
        .flatten()
        .any(|entry| entry.depth() > 0 && entry.path_is_symlink())
}

/// The system's watcher.
pub(crate) struct Watcher {
    system: RecommendedWatcher,
    watched: HashMap<PathBuf, (Depth, Option<Identity>)>,
}

impl Watcher {
    /// Begins to listen; `tell` is called from another thread with what can mean a change.
    ///
    /// # Errors
    /// Why the system's watcher cannot serve.
    pub(crate) fn start(tell: impl Fn(notify::Result<Event>) + Send + 'static) -> Result<Self, String> {
        let tell_changes = move |event: notify::Result<Event>| {
            if event.as_ref().map_or(true, may_change) {
                tell(event);
            }
        };
        let system = notify::recommended_watcher(tell_changes).map_err(|error| reason(&error))?;
        Ok(Self { system, watched: HashMap::new() })
    }

    /// Watches the places of all projects. Says whether a folder is watched that was not before: what happened in it until
    /// now was not told.
    ///
    /// # Errors
    /// Why the system's watcher cannot serve, such as its limit.
    pub(crate) fn watch<'p>(&mut self, places: impl Iterator<Item = &'p Places>) -> Result<bool, String> {
        let mut wanted: BTreeMap<&Path, Depth> = BTreeMap::new();
        for place in places.flat_map(|places| &places.0) {
            let depth = wanted.entry(&place.real).or_insert(place.depth);
            *depth = place.depth.max(*depth);
        }
        let mut is_any_new = false;
        for (folder, depth) in wanted {
            is_any_new |= self.watch_folder(folder, depth)?;
        }
        Ok(is_any_new)
    }

    /// Takes note of an event that ends a watch: another folder may stand there later.
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
        // A watch of a folder that stood here before keeps the new one's from being set up; none is no error.
        let _ = self.system.unwatch(folder);
        self.watched.retain(|watched, _| !watched.starts_with(folder));
        let mode = if depth == Depth::Tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        match self.system.watch(folder, mode) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), (depth, identity));
                Ok(true)
            }
            // It went meanwhile, which the folder above it tells.
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// Whether an event can mean a change. A file that was only read does not, and we read many; neither does one of ours in
/// the making.
fn may_change(event: &Event) -> bool {
    let is_read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
    let is_in_the_making = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(is_temporary);
    !is_read && (event.paths.is_empty() || !event.paths.iter().all(is_in_the_making))
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Why the system's watcher cannot serve, and what could be done about it.
pub(crate) fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached (`fs.inotify.max_user_watches` raises it)".to_owned()
        }
        ErrorKind::Io(error) => tgen_core::base::files::reason(error),
        _ => error.to_string(),
    }
}

/// Finds changes by looking at every file now and then, where nobody tells of them.
#[derive(Debug, Default)]
pub(crate) struct Poll(HashMap<Utf8PathBuf, Option<Stamp>>);

impl Poll {
    /// The changes since the last look. `files` are the paths of now; what is gone is a change as well.
    pub(crate) fn look(&mut self, root: &Utf8Path, files: impl IntoIterator<Item = Utf8PathBuf>) -> Vec<Change> {
        let now: HashMap<_, _> = files.into_iter().map(|path| (path.clone(), Stamp::at(&root.join(path)))).collect();
        let differs = |path: &&Utf8PathBuf| self.0.get(*path) != now.get(*path);
        let gone = self.0.keys().filter(|path| !now.contains_key(*path));
        let changes = now.keys().filter(differs).chain(gone).map(|path| Change::At(path.clone())).collect();
        self.0 = now;
        changes
    }
}
