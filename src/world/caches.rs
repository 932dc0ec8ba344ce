//! What speeds up the next command for a project: a folder for each project in the user's cache folder.
//!
//! The folder names its project, so that it can be removed some time after the project. This module must not know what is
//! kept.

use std::fs;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use crate::world::disk::read_text;

/// The file that names the project's folder.
const ROOT: &str = "root";
/// The file whose time tells when projects were last looked for.
const SWEPT: &str = "swept";
/// How long nothing must have been written for a project that is not there: its drive may be mounted again.
const LONGEST_ABSENCE: Duration = Duration::from_hours(30 * 24);
/// How often projects are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_hours(24);
/// How many projects are looked for at a time.
const MOST_SWEPT: usize = 256;
/// How the names began of what earlier releases kept beside the folder of projects; 32 hexadecimal digits followed.
const EARLIER_NAMES: [&str; 3] = ["check-", "run-", "watch-"];

/// The cache of one project.
#[derive(Debug, Clone)]
pub(crate) struct ProjectCache {
    folder: Utf8PathBuf,
    /// None where the folder belongs to the project and goes with it.
    shared: Option<Shared>,
}

/// The folder of all caches.
#[derive(Debug, Clone)]
struct Shared {
    caches: Utf8PathBuf,
    root: Utf8PathBuf,
}

impl ProjectCache {
    /// The cache of the project in a folder; none where the user has no cache folder.
    pub(crate) fn of(root: &Utf8Path) -> Option<Self> {
        let caches = Utf8PathBuf::from_path_buf(dirs::cache_dir()?).ok()?.join("cargo-tgen");
        Some(Self::within(&caches, root))
    }

    /// The cache of a project that has a folder for what can be made again.
    pub(crate) fn in_project(folder: Utf8PathBuf) -> Self {
        Self { folder, shared: None }
    }

    fn within(caches: &Utf8Path, root: &Utf8Path) -> Self {
        let root = root.canonicalize_utf8().unwrap_or_else(|_| root.to_owned());
        let name = blake3::hash(root.as_str().as_bytes()).to_hex();
        let folder = caches.join("projects").join(&name[..32]);
        Self { folder, shared: Some(Shared { caches: caches.to_owned(), root }) }
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> Utf8PathBuf {
        self.folder.join(name)
    }

    /// Makes its folder.
    pub(crate) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        match &self.shared {
            Some(Shared { root, .. }) if !self.file(ROOT).is_file() => self.replace(ROOT, root.as_str().as_bytes()),
            _ => Ok(()),
        }
    }

    /// Writes a file, so that nobody reads a part of it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.create()?;
        self.replace(name, content)?;
        if let Some(Shared { caches, .. }) = &self.shared {
            sweep(caches, SystemTime::now());
        }
        Ok(())
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut draft = tempfile::NamedTempFile::new_in(&self.folder)?;
        draft.write_all(content)?;
        draft.persist(self.file(name)).map(drop).map_err(|error| error.error)
    }
}

/// Removes what is kept for projects that have been gone for long. What cannot be removed does no harm.
fn sweep(caches: &Utf8Path, now: SystemTime) {
    let swept = caches.join(SWEPT);
    if unchanged_for(&swept, now).is_some_and(|age| age < SWEEP_INTERVAL) || fs::write(&swept, "").is_err() {
        return;
    }
    let is_old = |path: &Utf8Path| unchanged_for(path, now).is_some_and(|age| age > LONGEST_ABSENCE);
    for project in entries(&caches.join("projects")).filter(|project| is_old(project)).take(MOST_SWEPT) {
        let root = read_text(&project.join(ROOT)).map(Utf8PathBuf::from);
        if !root.is_ok_and(|root| root.exists()) {
            let _ = fs::remove_dir_all(project);
        }
    }
    for file in entries(caches).filter(|file| is_of_earlier_release(file) && is_old(file)).take(MOST_SWEPT) {
        let _ = fs::remove_file(file);
    }
}

fn entries(folder: &Utf8Path) -> impl Iterator<Item = Utf8PathBuf> {
    folder.read_dir_utf8().into_iter().flatten().flatten().map(camino::Utf8DirEntry::into_path)
}

fn is_of_earlier_release(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let hash = EARLIER_NAMES.iter().find_map(|start| name.strip_prefix(start));
    hash.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn unchanged_for(path: &Utf8Path, now: SystemTime) -> Option<Duration> {
    now.duration_since(fs::symlink_metadata(path).ok()?.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef";

    struct Home {
        folder: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self, name: &str) -> Utf8PathBuf {
            Utf8Path::from_path(self.folder.path()).unwrap().join(name)
        }

        /// The cache of a project, which has a folder.
        fn cache(&self, project: &str) -> ProjectCache {
            let root = self.path(project);
            fs::create_dir_all(&root).unwrap();
            let cache = ProjectCache::within(&self.path("caches"), &root);
            cache.write("kept", b"something").unwrap();
            cache
        }

        fn sweep_after(&self, days: u64) {
            sweep(&self.path("caches"), SystemTime::now() + Duration::from_hours(days * 24));
        }
    }

    #[test]
    fn only_what_is_kept_for_projects_that_have_been_gone_for_long_is_removed() {
        let home = Home::new();
        let (here, gone) = (home.cache("here"), home.cache("gone"));
        fs::remove_dir(home.path("gone")).unwrap();
        home.sweep_after(29);
        assert!(gone.file("kept").is_file(), "its drive may be mounted again");
        home.sweep_after(31);
        assert!(!gone.folder.exists());
        assert!(here.file("kept").is_file());
    }

    #[test]
    fn of_the_other_files_only_those_of_earlier_releases_are_removed() {
        let home = Home::new();
        home.cache("here");
        let names = [format!("run-{HASH}"), format!("check-{HASH}"), "run-me".to_owned(), "libduckdb-1.5.6".to_owned()];
        for name in &names {
            fs::write(home.path("caches").join(name), "").unwrap();
        }
        home.sweep_after(31);
        assert_eq!(names.map(|name| home.path("caches").join(name).exists()), [false, false, true, true]);
    }

    #[test]
    fn projects_are_looked_for_once_a_day() {
        let home = Home::new();
        let gone = home.cache("gone");
        fs::remove_dir(home.path("gone")).unwrap();
        let later = SystemTime::now() + Duration::from_hours(31 * 24);
        let swept = fs::File::options().write(true).open(home.path("caches").join(SWEPT)).unwrap();
        swept.set_modified(later - Duration::from_hours(1)).unwrap();
        sweep(&home.path("caches"), later);
        assert!(gone.folder.exists());
    }
}
