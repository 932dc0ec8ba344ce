//! What a run of tests recorded: a header for each run, a line for each attempt of a test, a line for each unit that
//! ended, all JSON. Reading and merging such files, the verdict of a test, and what is left to run.
//!
//! Text in, text out. This room must not know how tests are executed, when, or where the files are.

pub mod attempt;
pub mod merging;
pub mod outcome;
pub mod reading;
pub mod rerun;
#[cfg(test)]
mod tests;
pub mod verdict;
