//! Files that were replaced, kept open until all outputs are there.
//!
//! To free what a file held takes the system longer than to put another in its place (on some disks several times as
//! long), and it does so when the file's last user closes it. Whoever waits for outputs should not wait for that. It must
//! not know what the files are.

use std::fs::File;
use std::sync::Mutex;

use camino::Utf8Path;

/// Files without a name. They are let go when this is dropped.
#[derive(Debug)]
pub(super) struct Replaced {
    files: Mutex<Vec<File>>,
    room: usize,
}

impl Default for Replaced {
    fn default() -> Self {
        Self { files: Mutex::default(), room: room() }
    }
}

impl Replaced {
    /// Runs what replaces the file at a path, which stays open unless there are too many already.
    pub(super) fn keeping<T>(&self, path: &Utf8Path, replace: impl FnOnce() -> T) -> T {
        let has_room = self.files.lock().is_ok_and(|files| files.len() < self.room);
        let before = has_room.then(|| File::open(path).ok()).flatten();
        let done = replace();
        if let (Some(before), Ok(mut files)) = (before, self.files.lock()) {
            files.push(before);
        }
        done
    }
}

/// How many files may stay open: half of what the process may have.
#[cfg(unix)]
fn room() -> usize {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 2).unwrap_or(usize::MAX)
}

/// An open file cannot be replaced everywhere.
#[cfg(not(unix))]
const fn room() -> usize {
    0
}
