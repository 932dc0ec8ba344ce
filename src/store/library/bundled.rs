//! DuckDB compiled into the binary: the linker has found every function already.

use std::convert::Infallible;

use duckdb::ffi::duckdb_ext_api_v1;

use super::table;

/// Nothing can be missing.
pub(crate) type LibraryError = Infallible;

/// The functions of the DuckDB inside the binary.
#[expect(clippy::unnecessary_wraps, reason = "a library that is loaded can be missing")]
pub(super) fn functions() -> Result<duckdb_ext_api_v1, LibraryError> {
    Ok(table::from_linker())
}
