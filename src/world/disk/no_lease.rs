//! Leases where the system has none.

use std::fs::File;
use std::io;

/// A lease on a system that has none: it is never granted.
#[derive(Debug)]
pub(super) enum Leased {}

impl Leased {
    /// Fails.
    pub(super) fn to_write(_: File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Fails.
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
