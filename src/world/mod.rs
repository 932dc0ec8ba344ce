//! What the operating system gives: files on disk, their events, other programs, Ctrl-C.
//!
//! This room must not know projects, templates or commands.

pub(crate) mod disk;
pub(crate) mod git;
pub(crate) mod interrupt;
pub(crate) mod release_source;
pub(crate) mod stamp;
pub(crate) mod watcher;
