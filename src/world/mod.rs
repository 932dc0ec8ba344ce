//! The operating system: files on disk, their events, other programs, threads, Ctrl-C.
//!
//! This room must not know projects, templates or commands.

pub(crate) mod caches;
pub(crate) mod disk;
pub(crate) mod git;
pub(crate) mod interrupt;
pub(crate) mod process;
pub(crate) mod release_source;
pub(crate) mod stamp;
pub(crate) mod threads;
pub(crate) mod watcher;
