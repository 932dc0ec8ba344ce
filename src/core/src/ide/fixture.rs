//! What tests of this room share: a view of a project out of a fixture, with a cursor in one of its files.

use camino::Utf8PathBuf;

use super::{Preview, View};
use crate::lint::fixture;

pub(crate) use crate::lint::fixture::CONFIG;

/// Runs `ask` on a view of the fixture's project, with the file and the offset of the cursor.
pub(crate) fn with_cursor<T>(fixture: &str, ask: impl FnOnce(&View<'_>, &Utf8PathBuf, usize) -> T) -> T {
    fixture::with_cursor(fixture, |usage, path, offset| {
        ask(&View::new(usage.project, usage.planned, Preview::default()), path, offset)
    })
}
