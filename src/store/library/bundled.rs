//! DuckDB compiled into the binary, so that every function is linked.

use std::convert::Infallible;

use duckdb::ffi::duckdb_ext_api_v1;

use super::table;

/// Loading cannot fail.
pub(crate) type LibraryError = Infallible;

/// The functions of the linked DuckDB.
#[expect(clippy::unnecessary_wraps, reason = "a library that is loaded can be missing")]
pub(super) fn functions() -> Result<duckdb_ext_api_v1, LibraryError> {
    Ok(table::from_linker())
}
