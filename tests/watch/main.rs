//! `cargo tgen watch` as a process on the real file system: what editors and git do to files, and what a watch makes of it.
//!
//! Nothing here sleeps. A test waits for what the watch says in JSON, or for a file, with a limit.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "store")]
mod database;
#[path = "../shared/library.rs"]
mod library;
mod project;
mod saves;
#[cfg(unix)]
mod unix;
mod upheavals;
mod whole;
