//! The time, and who writes it down.

use std::time::SystemTime;

/// Who writes.
pub(super) const GENERATOR: &str = concat!("cargo-tgen ", env!("CARGO_PKG_VERSION"));

/// How times are written where they leave the database: in UTC, sortable, and nothing lost.
pub(super) const FORMAT: &str = "%Y-%m-%dT%H:%M:%S.%fZ";

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
