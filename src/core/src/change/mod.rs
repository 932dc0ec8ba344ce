//! From changes of a project's inputs, as a watcher or an editor reports them, to the affected outputs.
//!
//! [`LiveProject`] applies changes to a project and is always equal to a fresh load. [`Ledger`] finds the outputs that
//! a change affects. This room must not know who watches, how changes are collected, or what is done about an affected
//! output.

mod fingerprint;
mod ledger;
mod live;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

pub use fingerprint::{Fingerprint, fingerprint};
pub use ledger::{Affected, Ledger};
pub use live::{LiveProject, follow};

/// One change. It carries no content: the current content is read through [`crate::base::files::Files`], so duplicate,
/// late or reordered changes do no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file or folder was created, changed or deleted. A folder includes everything below it.
    At(Utf8PathBuf),
    /// Changes were lost: anything may have changed.
    Rescan,
}

/// Changes that are applied together, without duplicate paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    paths: BTreeSet<Utf8PathBuf>,
    rescan: bool,
}

impl Changes {
    /// Adds a change.
    pub fn add(&mut self, change: Change) {
        match change {
            Change::At(path) => drop(self.paths.insert(path)),
            Change::Rescan => self.rescan = true,
        }
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.rescan
    }

    /// Whether changes were lost.
    #[must_use]
    pub fn is_rescan(&self) -> bool {
        self.rescan
    }

    /// The paths, sorted.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Utf8Path> {
        self.paths.iter().map(Utf8PathBuf::as_path)
    }

    /// Whether a file may have changed: the file or a folder above it was reported, or changes were lost.
    #[must_use]
    pub fn touch(&self, path: &Utf8Path) -> bool {
        self.rescan || path.ancestors().any(|above| self.paths.contains(above))
    }
}

impl Extend<Change> for Changes {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        changes.into_iter().for_each(|change| self.add(change));
    }
}

impl FromIterator<Change> for Changes {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut all = Self::default();
        all.extend(changes);
        all
    }
}

#[cfg(test)]
mod tests;
