//! Inputs that would make an unbounded tool write the wrong outputs, take all memory or wait for ever. Every command runs
//! under a limit of memory and of time, and must end with an error that says what is wrong, by itself, with nothing written.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounded;
mod formatters;
mod growth;
mod inputs;
mod links;
mod processes;
