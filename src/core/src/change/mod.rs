//! Changes of a project's inputs: what a watcher or an editor tells goes in, the outputs that it affects come out.
//!
//! [`LiveProject`] is the project after any number of changes, and is at every moment what a fresh load would give.
//! [`Ledger`] knows what each output was made from, and so which of them a change affects. This room must not know who
//! watches, how changes are gathered, or what is done about an affected output.

mod fingerprint;
mod ledger;
mod live;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

pub use fingerprint::{Fingerprint, fingerprint};
pub use ledger::{Affected, Ledger};
pub use live::{LiveProject, follow};

/// One change. It carries no content: what is there now is read through [`crate::base::files::Files`], so a change that is told
/// twice, late or in another order does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file or folder came, changed or went. A folder stands for everything below it.
    At(Utf8PathBuf),
    /// Changes were lost: anything may be different.
    Rescan,
}

/// Changes that are applied together, each path once.
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

    /// Whether a file may have changed: it was named, or a folder above it was, or changes were lost.
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
