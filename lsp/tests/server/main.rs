//! The server as a client meets it, over a pipe.

mod client;
mod diagnostics;
mod protocol;
