//! The current time, and the name under which this release writes.

use std::time::SystemTime;

/// The writer that is recorded in rows.
pub(super) const GENERATOR: &str = concat!("cargo-tgen ", env!("CARGO_PKG_VERSION"));

/// The format of times outside the database: UTC, sortable, in full precision.
pub(super) const FORMAT: &str = "%Y-%m-%dT%H:%M:%S.%fZ";

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
