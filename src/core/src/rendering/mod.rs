//! From a plan to the text of its outputs: what each output should be, how it differs from the file that is there, and
//! which part of which template wrote a byte; and back, from an edited output to an edit of its template.
//!
//! This room must not know how outputs are written, or how differences are reported.

pub mod adopt;
pub mod comparison;
pub mod explain;
pub mod origin;
pub mod syntax;
