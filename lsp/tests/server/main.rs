//! The server as a client meets it, over a pipe.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod client;
mod corpus;
mod diagnostics;
mod edited;
mod features;
mod outputs;
mod protocol;
mod sessions;
