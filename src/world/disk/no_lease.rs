//! Leases on systems without them.

use std::fs::File;
use std::io;

/// Whether leases work for the files of an open folder.
#[cfg(unix)]
pub(super) fn are_known(_: std::os::fd::BorrowedFd<'_>) -> bool {
    false
}

/// A lease, which is never granted on this system.
#[derive(Debug)]
pub(super) enum Leased {}

impl Leased {
    /// Always fails.
    pub(super) fn to_write(_: File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Always fails.
    pub(super) fn to_read(_: File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn file(&self) -> &File {
        match *self {}
    }

    pub(super) fn is_undisturbed(&self) -> bool {
        match *self {}
    }

    pub(super) fn end(self) -> Option<File> {
        match self {}
    }
}
