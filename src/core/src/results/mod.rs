//! What a run of tests recorded: a header for each run, a line for each attempt of a test, a line for each unit that
//! ended, all JSON. Reading and merging such files, the verdict of a test, what is left to run, and what reports say of a
//! run: what changed, what failed alike, what is missing.
//!
//! Text in, text out. This room must not know how tests are executed, when, or where the files are.

pub mod attempt;
pub mod clusters;
pub mod comparison;
pub mod completeness;
mod key;
pub mod matrix;
pub mod merging;
pub mod message;
pub mod outcome;
pub mod past;
pub mod reading;
pub mod rerun;
pub mod slots;
#[cfg(test)]
mod tests;
pub mod verdict;
