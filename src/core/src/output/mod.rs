//! Outputs: their paths, their signatures, and how an existing file differs from the expected one.
//!
//! This room knows bytes and paths. It must not know templates or models, and it never writes.

mod conflict;
pub mod diff;
pub mod edit;
#[cfg(test)]
mod fixture;
pub mod merge;
pub mod path;
mod sameness;
pub mod signature;
pub mod state;
