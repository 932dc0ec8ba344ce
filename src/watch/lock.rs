//! A lock, so that only one watch at a time writes a project's outputs. The system releases it when the process ends,
//! however it ends; a watch that ends normally also deletes the lock file.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};

use crate::world::caches::ProjectCache;
use crate::world::stamp::Stamp;

/// The lock of a watch that writes.
pub(super) struct Lock {
    held: Option<(Utf8PathBuf, File)>,
}

impl Lock {
    /// Takes the lock of the outputs below `root`.
    pub(super) fn take(root: &Utf8Path) -> anyhow::Result<Self> {
        // Without a folder for lock files nothing is locked. Two watches then write the same bytes, each file whole.
        let Some(cache) = ProjectCache::of(root) else { return Ok(Self { held: None }) };
        let path = cache.file("watch");
        let Ok(mut file) = cache.create().and_then(|()| open(&path)) else { return Ok(Self { held: None }) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!(
                "another `cargo tgen watch`{} writes the outputs of `{root}`; stop it, or run this one with `--check`",
                holder(&mut file)
            ),
            Err(TryLockError::Error(_)) => Ok(Self { held: None }),
            // Another watch may have ended and deleted the file in between; the next watch would not see this lock.
            Ok(()) if !is_at(&file, &path) => Self::take(root),
            Ok(()) => {
                sign(&mut file);
                Ok(Self { held: Some((path, file)) })
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((path, file)) = self.held.take() {
            // Deleted while it is locked, so that no other process can have locked it. A file that stays does no harm.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

/// Whether an open file is the one that is at a path.
fn is_at(file: &File, path: &Utf8Path) -> bool {
    let opened = Stamp::of_file(file).ok().map(Stamp::identity);
    opened.is_some() && opened == Stamp::at(path).map(Stamp::identity)
}

fn open(path: &Utf8Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Writes the process id into the lock file, for the message of another watch.
fn sign(file: &mut File) {
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
}

fn holder(file: &mut File) -> String {
    let mut process = String::new();
    match file.read_to_string(&mut process) {
        Ok(_) if process.parse::<u32>().is_ok() => format!(" (process {process})"),
        _ => String::new(),
    }
}
