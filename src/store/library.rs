//! Finds and loads DuckDB's library when the first database is opened.
//!
//! The binary is not linked to it. So building needs no DuckDB on any platform, commands that need no template database
//! start without the library and without its cost, and a missing library is an error that says what to do. This module
//! must not know what a database is.

mod table;

use std::sync::OnceLock;

use duckdb::ffi::{duckdb_ext_api_v1, duckdb_extension_access, duckdb_extension_info};

#[cfg(not(feature = "bundled"))]
#[path = "library/loaded.rs"]
mod source;
#[cfg(feature = "bundled")]
#[path = "library/bundled.rs"]
mod source;

pub(crate) use source::LibraryError;

/// The release of DuckDB that the version of the crate `duckdb` in Cargo.lock needs.
pub(crate) const VERSION: &str = include_str!("library/version").trim_ascii_end();

/// The functions that the crate `duckdb` calls, for as long as the process lives.
static FUNCTIONS: OnceLock<duckdb_ext_api_v1> = OnceLock::new();

/// Makes the crate `duckdb` usable; repeated calls do nothing. Without it, the first call into the crate panics.
///
/// # Errors
/// If the library is missing or unusable.
pub(crate) fn load() -> Result<(), LibraryError> {
    if FUNCTIONS.get().is_some() {
        return Ok(());
    }
    let functions = source::functions()?;
    FUNCTIONS.get_or_init(|| functions);
    hand_over();
    Ok(())
}

/// Passes the functions to the crate in the way that DuckDB passes them to an extension.
fn hand_over() {
    let access = duckdb_extension_access { set_error: None, get_database: None, get_api: Some(get_api) };
    #[expect(unsafe_code, reason = "the crate has no other way to be given a library")]
    // SAFETY: the crate calls `get_api` and copies the addresses out of the table, which is never dropped.
    let taken = unsafe { duckdb::ffi::duckdb_rs_extension_api_init(std::ptr::null_mut(), &raw const access, VERSION) };
    debug_assert_eq!(taken, Ok(true), "the table exists");
}

/// The callback that the crate calls to get the table.
extern "C" fn get_api(_: duckdb_extension_info, _: *const std::ffi::c_char) -> *const std::ffi::c_void {
    FUNCTIONS.get().map_or(std::ptr::null(), |functions| std::ptr::from_ref(functions).cast())
}
