//! Finds DuckDB's library for tests that set another cache folder, because the binary would not find the library there.

use std::path::PathBuf;

/// The folder for `DUCKDB_LIB_DIR`: the one that is set already, else where `cargo xtask libduckdb` puts the library.
pub(crate) fn folder() -> PathBuf {
    let version = include_str!("../../src/store/library/version").trim_ascii_end();
    let in_cache = || dirs::cache_dir().unwrap_or_default().join("cargo-tgen").join(format!("libduckdb-{version}"));
    std::env::var_os("DUCKDB_LIB_DIR").map_or_else(in_cache, PathBuf::from)
}
