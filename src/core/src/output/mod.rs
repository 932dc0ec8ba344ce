//! Outputs: where they may stand, how they are signed, and how what is there differs from what should be.
//!
//! This room knows bytes and paths. It must not know templates or models, and it never writes.

mod conflict;
pub mod diff;
pub mod edit;
pub mod merge;
pub mod path;
pub mod signature;
pub mod state;
