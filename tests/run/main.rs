//! `cargo tgen run` as a process: what tests do to the runner and to each other, and what is recorded of it.
//!
//! The files in `files/` misbehave in every way that has ended somebody's loop around pytest. Each gets its outcome, nothing
//! is left running, and the others pass.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bundle;
mod limits;
mod misbehaving;
#[cfg(feature = "store")]
mod planned;
mod project;
mod resuming;
mod watching;
