//! Shared by the tests of this room: a view of a project from a fixture, with a cursor in one of its files.

use camino::Utf8PathBuf;

use super::{Preview, View};
use crate::lint::fixture;

pub(crate) use crate::lint::fixture::CONFIG;

/// Calls `ask` with a view of the fixture's project, and the file and offset of the cursor.
pub(crate) fn with_cursor<T>(fixture: &str, ask: impl FnOnce(&View<'_>, &Utf8PathBuf, usize) -> T) -> T {
    fixture::with_cursor(fixture, |usage, path, offset| {
        ask(&View::new(usage.project, usage.planned, Preview::default()), path, offset)
    })
}
