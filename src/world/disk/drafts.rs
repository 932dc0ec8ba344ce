//! Files in the making. They stand below the folder that they are for, under names of their own, until they are moved to
//! where they belong.
//!
//! A system lets only one thread at a time make files in a folder, which can take it longer than everything else. So a
//! thread that makes a second file for a folder gets a folder of its own in it, which holds what it replaced as well.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::{Builder, NamedTempFile, TempDir};

/// The beginning of the names of what is in the making.
const PREFIX: &str = ".tgen-";
/// The end of such names.
const SUFFIX: &str = ".tmp";
/// What is older and nobody holds was left behind by a process that was killed.
const ABANDONED_AFTER: Duration = Duration::from_mins(10);

/// What hides a thread's folder from version control, and is locked as long as the folder is used.
const HELD: &str = ".gitignore";

/// The folders of threads in the folders that files are made for. They are deleted when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Drafts(Mutex<HashMap<(ThreadId, Utf8PathBuf), Option<OwnFolder>>>);

impl Drafts {
    /// A file below `folder`, which is made anew if it is gone.
    pub(super) fn write(&self, folder: &Utf8Path, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = self.new_file(folder)?;
        file.write_all(content)?;
        Ok(file)
    }

    fn new_file(&self, folder: &Utf8Path) -> io::Result<NamedTempFile> {
        let mut builder = in_the_making();
        for_everyone(&mut builder);
        let made = if self.notes_first(folder) {
            builder.tempfile_in(folder)
        } else {
            self.in_own_folder(folder, |own| builder.tempfile_in(own))
        };
        made.or_else(|error| {
            // Whoever deleted the folder since wants it back with what is in it.
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir_all(folder)?;
            builder.tempfile_in(folder)
        })
    }

    /// Does something in this thread's folder in a folder, which is made if need be. Where there can be none, the folder
    /// itself has to do.
    pub(super) fn in_own_folder<T>(&self, folder: &Utf8Path, act: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
        let key = (thread::current().id(), folder.to_owned());
        let own = || {
            let mut folders = self.0.lock().ok()?;
            let own = folders.entry(key.clone()).or_default();
            if own.is_none() {
                *own = OwnFolder::new(folder).ok();
            }
            own.as_ref().map(|own| own.folder.path().to_owned())
        };
        let Some(first) = own() else { return act(folder.as_std_path()) };
        let done = act(&first);
        if done.is_ok() || first.exists() {
            return done;
        }
        // Somebody tidied up.
        self.0.lock().ok().and_then(|mut folders| folders.remove(&key));
        own().map_or(done, |own| act(&own))
    }

    /// Takes note that this thread makes a file for a folder. Whether it is the first.
    fn notes_first(&self, folder: &Utf8Path) -> bool {
        let key = (thread::current().id(), folder.to_owned());
        self.0.lock().is_ok_and(|mut folders| match folders.entry(key) {
            Entry::Vacant(entry) => entry.insert(None).is_none(),
            Entry::Occupied(_) => false,
        })
    }
}

/// A thread's folder in a folder. What holds it is let go before it is deleted.
#[derive(Debug)]
struct OwnFolder {
    _held: File,
    folder: TempDir,
}

impl OwnFolder {
    fn new(folder: &Utf8Path) -> io::Result<Self> {
        let folder = in_the_making().tempdir_in(folder)?;
        let mut held = File::create(folder.path().join(HELD))?;
        held.write_all(b"*\n")?;
        // Shared, so that git may read it everywhere. A file system without locks leaves it to the folder's age.
        let _ = held.lock_shared();
        Ok(Self { _held: held, folder })
    }
}

/// Whether a name is that of something of ours in the making.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Deletes what a killed process left behind in a folder.
pub(super) fn clear_abandoned(folder: &Utf8Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name().to_string_lossy()) && is_abandoned(&entry) {
            // It is in nobody's way; if it cannot be deleted, the next run tries again.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let is_old = |modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age > ABANDONED_AFTER);
    modified.is_ok_and(is_old) && !is_held(&entry.path())
}

fn is_held(folder: &Path) -> bool {
    let held = File::open(folder.join(HELD)).map(|file| file.try_lock());
    matches!(held, Ok(Err(TryLockError::WouldBlock)))
}

/// Makes files and folders with such names.
pub(crate) fn in_the_making() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder
}

/// The mode of a new file is what the user's mask leaves of reading and writing for all.
#[cfg(unix)]
fn for_everyone(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn for_everyone(_: &mut Builder<'_, '_>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    fn names(folder: &Utf8Path) -> Vec<String> {
        let entries = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
        entries.collect()
    }

    #[test]
    fn a_second_file_of_a_thread_stands_in_a_folder_of_its_own_and_nothing_stays() {
        let (_folder, path) = folder();
        let drafts = Drafts::default();
        let first = drafts.write(&path, b"").unwrap();
        let second = drafts.write(&path, b"").unwrap();
        assert_eq!(first.path().parent().unwrap(), path);
        assert_eq!(second.path().parent().and_then(std::path::Path::parent).unwrap(), path);
        assert!(names(&path).iter().all(|name| is_temporary(name)));
        second.persist(path.join("second")).unwrap();
        drop((first, drafts));
        assert_eq!(names(&path), ["second"]);
    }

    #[test]
    fn a_folder_that_was_deleted_meanwhile_comes_back() {
        let (_folder, path) = folder();
        let path = path.join("below");
        fs::create_dir(&path).unwrap();
        let drafts = Drafts::default();
        for _ in 0..3 {
            drafts.write(&path, b"").unwrap().persist(path.join("output")).unwrap();
            fs::remove_dir_all(&path).unwrap();
        }
        drafts.write(&path, b"").unwrap().persist(path.join("output")).unwrap();
        assert_eq!(fs::read_to_string(path.join("output")).unwrap(), "");
    }

    #[test]
    fn only_what_was_left_behind_long_ago_is_deleted() {
        let (_folder, path) = folder();
        let long_ago = SystemTime::now() - 2 * ABANDONED_AFTER;
        fs::create_dir(path.join(".tgen-1.tmp")).unwrap();
        fs::write(path.join(".tgen-1.tmp/.tgen-2.tmp"), "").unwrap();
        for name in [".tgen-3.tmp", ".tgen-4.tmp", "mine.tmp"] {
            fs::write(path.join(name), "").unwrap();
        }
        for name in [".tgen-1.tmp", ".tgen-3.tmp", "mine.tmp"] {
            fs::File::open(path.join(name)).unwrap().set_modified(long_ago).unwrap();
        }
        let used = OwnFolder::new(&path).unwrap();
        fs::File::open(used.folder.path()).unwrap().set_modified(long_ago).unwrap();
        clear_abandoned(&path);
        assert!(used.folder.path().exists());
        drop(used);
        let mut left = names(&path);
        left.sort();
        assert_eq!(left, [".tgen-4.tmp", "mine.tmp"]);
    }
}
