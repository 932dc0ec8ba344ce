//! Drafts: files under temporary names in their target folder, until they are renamed.
//!
//! Most systems serialise the creation of files in a folder, which can take longer than all other work. So a thread
//! that creates a second draft for a folder gets a subfolder of its own, which also holds replaced files.
//!
//! Every draft and every such subfolder is locked while its process lives, so that a later run deletes only what a
//! killed process left behind.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::folder::Folder;
use super::here_if_empty;

/// The beginning of temporary names.
const PREFIX: &str = ".tgen-";
/// The end of temporary names.
const SUFFIX: &str = ".tmp";
/// Where locks do not work, a temporary file of this age is considered abandoned.
const ABANDONED_AFTER: Duration = Duration::from_mins(10);
/// A temporary folder without its lock file is considered new, unless it is older than this.
const MADE_WITHIN: Duration = Duration::from_secs(2);
/// How many subfolders of threads are kept open, each with its lock.
const MOST_OWN_FOLDERS: usize = 64;

/// Hides a thread's subfolder from version control, and is locked as long as the subfolder is used.
const LOCK_FILE: &str = ".gitignore";

/// A temporary name in a folder. Dropping it deletes the file of that name.
#[derive(Debug)]
pub(super) struct TemporaryName {
    folder: Arc<Folder>,
    name: String,
    is_taken: bool,
}

impl TemporaryName {
    /// Creates a file, a link or a folder under an unused temporary name.
    pub(super) fn make<T>(
        folder: &Arc<Folder>,
        make: impl Fn(&Folder, &str) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        loop {
            let name = next_name();
            match make(folder, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                done => return Ok((Self { folder: Arc::clone(folder), name, is_taken: false }, done?)),
            }
        }
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Keeps the file; a later run deletes it with its folder.
    pub(super) fn leave(mut self) {
        self.is_taken = true;
    }

    /// Renames the file to `name`, replacing an existing file.
    pub(super) fn place(mut self, folder: &Folder, name: &str) -> Result<(), (io::Error, Self)> {
        match self.folder.rename(&self.name, folder, name) {
            Ok(()) => {
                self.is_taken = true;
                Ok(())
            }
            Err(error) => Err((error, self)),
        }
    }

    /// Renames the file to `name`, which must not exist.
    pub(super) fn place_at_free(mut self, folder: &Folder, name: &str) -> Result<(), (io::Error, Self)> {
        match self.folder.rename_to_free(&self.name, folder, name) {
            Ok(()) => {
                self.is_taken = true;
                Ok(())
            }
            Err(error) => Err((error, self)),
        }
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        if !self.is_taken {
            // If this fails, a later run deletes the file.
            let _ = self.folder.remove_file(&self.name);
        }
    }
}

/// A name that no other running process on this machine uses.
fn next_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{PREFIX}{:x}-{:x}{SUFFIX}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A file under a temporary name.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: TemporaryName,
    pub(super) file: File,
}

/// The subfolders of threads. They are deleted when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Drafts(Mutex<OwnFolders>);

#[derive(Debug, Default)]
struct OwnFolders {
    /// `None` for a thread that has created only one draft for the folder, and so needs no subfolder.
    by_thread: HashMap<Key, Option<Arc<OwnFolder>>>,
    /// The entries with a subfolder, the oldest first.
    order: VecDeque<Key>,
}

type Key = (ThreadId, Utf8PathBuf);

impl Drafts {
    /// Writes a draft in a folder.
    pub(super) fn write(&self, folder: &Arc<Folder>, content: &[u8]) -> io::Result<Draft> {
        let make = |folder: &Arc<Folder>| TemporaryName::make(folder, Folder::make_file);
        let (name, mut file) = if self.is_first(folder) {
            let (name, file) = make(folder)?;
            // The lock is held until the file is closed. Where locks do not work, the file's age decides.
            let _ = file.lock();
            (name, file)
        } else {
            self.in_own_folder(folder, make)?
        };
        file.write_all(content)?;
        Ok(Draft { name, file })
    }

    /// Runs `act` with this thread's subfolder of a folder, which is created if necessary. If that fails, the folder
    /// itself is used.
    pub(super) fn in_own_folder<T>(
        &self,
        folder: &Arc<Folder>,
        act: impl Fn(&Arc<Folder>) -> io::Result<T>,
    ) -> io::Result<T> {
        let Some(own) = self.own_folder(folder) else { return act(folder) };
        match act(&own.folder) {
            // Someone deleted the thread's subfolder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget(folder);
                self.own_folder(folder).map_or(Err(error), |own| act(&own.folder))
            }
            done => done,
        }
    }

    fn own_folder(&self, folder: &Arc<Folder>) -> Option<Arc<OwnFolder>> {
        let key = key(folder);
        let mut folders = self.0.lock().ok()?;
        if let Some(Some(own)) = folders.by_thread.get(&key) {
            return Some(Arc::clone(own));
        }
        let own = Arc::new(OwnFolder::new(folder).ok()?);
        if folders.order.len() >= MOST_OWN_FOLDERS
            && let Some(oldest) = folders.order.pop_front()
        {
            folders.by_thread.insert(oldest, None);
        }
        folders.order.push_back(key.clone());
        folders.by_thread.insert(key, Some(Arc::clone(&own)));
        Some(own)
    }

    fn forget(&self, folder: &Arc<Folder>) {
        let key = key(folder);
        if let Ok(mut folders) = self.0.lock() {
            folders.order.retain(|known| *known != key);
            folders.by_thread.remove(&key);
        }
    }

    /// Records that this thread creates a draft for a folder; returns whether it is the first one.
    fn is_first(&self, folder: &Folder) -> bool {
        self.0.lock().is_ok_and(|mut folders| {
            let mut is_first = false;
            folders.by_thread.entry(key(folder)).or_insert_with(|| {
                is_first = true;
                None
            });
            is_first
        })
    }
}

fn key(folder: &Folder) -> Key {
    (thread::current().id(), folder.path().to_owned())
}

/// A thread's subfolder.
#[derive(Debug)]
struct OwnFolder {
    folder: Arc<Folder>,
    parent: Arc<Folder>,
    name: String,
    _lock: File,
}

impl OwnFolder {
    fn new(parent: &Arc<Folder>) -> io::Result<Self> {
        let (mut name, folder) = TemporaryName::make(parent, Folder::make_folder)?;
        name.is_taken = true;
        let lock = lock_folder(&folder)?;
        Ok(Self { folder: Arc::new(folder), parent: Arc::clone(parent), name: name.name.clone(), _lock: lock })
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        let is_empty = self.folder.names().is_ok_and(|names| names.iter().all(|name| name == LOCK_FILE));
        if is_empty {
            // If this fails, a later run deletes the folder.
            let _ = self.parent.remove_folder(&self.name);
        }
    }
}

fn lock_folder(folder: &Folder) -> io::Result<File> {
    let mut lock = folder.make_file(LOCK_FILE)?;
    lock.write_all(b"*\n")?;
    // A shared lock, so that git can read the file on systems with mandatory locks. Where locks do not work, the
    // folder's age decides.
    let _ = lock.lock_shared();
    Ok(lock)
}

/// A temporary folder for files that only this process needs. Dropping it deletes the folder.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    own: OwnFolder,
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // A folder that stays is deleted by a later run.
        let _ = self.own.parent.remove_folder(&self.own.name);
    }
}

impl ScratchFolder {
    /// Creates one inside a folder, hidden from version control.
    ///
    /// # Errors
    /// If the folder does not exist or is not writable.
    pub(crate) fn new_in(folder: &Utf8Path) -> io::Result<Self> {
        Ok(Self { own: OwnFolder::new(&Arc::new(Folder::open(folder)?))? })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Utf8Path {
        self.own.folder.path()
    }
}

/// Whether a name is a temporary one.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Deletes what killed processes left behind in a folder.
pub(crate) fn clear_abandoned(folder: &Utf8Path) {
    for entry in fs::read_dir(here_if_empty(folder)).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_temporary) && is_abandoned(&entry) {
            // If this fails, the next run tries again.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let Ok(metadata) = entry.metadata() else { return false };
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    let is_older = |limit| age.is_some_and(|age| age > limit);
    let locked = if metadata.is_dir() { entry.path().join(LOCK_FILE) } else { entry.path() };
    match File::open(locked).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock)) => false,
        Ok(Err(TryLockError::Error(_))) => is_older(ABANDONED_AFTER),
        Err(_) => is_older(MADE_WITHIN),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::world::disk::folder::Missing;

    fn folder() -> (TempDir, Arc<Folder>) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(Utf8Path::from_path(temporary.path()).unwrap()).unwrap();
        (temporary, Arc::new(folder))
    }

    fn names(folder: &Folder) -> Vec<String> {
        let mut names = folder.names().unwrap();
        names.sort();
        names
    }

    #[test]
    fn a_second_draft_of_a_thread_stands_in_a_folder_of_its_own_and_nothing_stays() {
        let (_temporary, folder) = folder();
        let drafts = Drafts::default();
        let first = drafts.write(&folder, b"").unwrap();
        let second = drafts.write(&folder, b"").unwrap();
        assert_eq!(first.name.folder().path(), folder.path());
        assert_eq!(second.name.folder().path().parent().unwrap(), folder.path());
        assert!(names(&folder).iter().all(|name| is_temporary(name)));
        second.name.place(&folder, "second").unwrap();
        drop((first, drafts));
        assert_eq!(names(&folder), ["second"]);
    }

    #[test]
    fn a_thread_keeps_few_folders_open() {
        let (_temporary, root) = folder();
        let drafts = Drafts::default();
        let mut folders = Vec::new();
        for number in 0..3 * MOST_OWN_FOLDERS {
            let folder = Arc::new(root.open_below(Utf8Path::new(&number.to_string()), Missing::Create).unwrap());
            for name in ["first", "second"] {
                drafts.write(&folder, b"").unwrap().name.place(&folder, name).unwrap();
            }
            folders.push(folder);
        }
        let kept = folders.iter().filter(|folder| names(folder).len() > 2).count();
        assert_eq!(kept, MOST_OWN_FOLDERS);
        drop(drafts);
        assert!(folders.iter().all(|folder| names(folder) == ["first", "second"]));
    }

    #[test]
    fn only_what_a_dead_process_left_behind_is_deleted() {
        let (_temporary, folder) = folder();
        let path = folder.path();
        let used = (OwnFolder::new(&folder).unwrap(), Drafts::default().write(&folder, b"").unwrap());
        let (used_folder, used_file) = (used.0.name.clone(), used.1.name.name().to_owned());
        fs::create_dir(path.join(".tgen-dead.tmp")).unwrap();
        fs::write(path.join(".tgen-dead.tmp").join(LOCK_FILE), "*\n").unwrap();
        fs::write(path.join(".tgen-dead.tmp/.tgen-2.tmp"), "").unwrap();
        fs::create_dir(path.join(".tgen-new.tmp")).unwrap();
        for name in [".tgen-3.tmp", "mine.tmp"] {
            fs::write(path.join(name), "").unwrap();
        }
        clear_abandoned(path);
        let mut expected = [".tgen-new.tmp".to_owned(), "mine.tmp".to_owned(), used_folder, used_file];
        expected.sort();
        assert_eq!(names(&folder), expected);
    }
}
