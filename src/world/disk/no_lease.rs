//! Leases where the system has none.

use std::fs::File;
use std::io;
use std::path::Path;

/// Nowhere.
pub(super) fn are_known(_: &Path) -> bool {
    false
}

/// Nothing.
#[derive(Debug)]
pub(super) enum Leased {}

impl Leased {
    /// No file.
    pub(super) fn to_write(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// No file.
    pub(super) fn to_read(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// None.
    pub(super) fn file(&self) -> &File {
        match *self {}
    }

    /// Never asked.
    pub(super) fn is_undisturbed(&self) -> bool {
        match *self {}
    }

    /// None.
    pub(super) fn end(self) -> Option<File> {
        match self {}
    }
}
