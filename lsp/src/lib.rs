//! The language server of cargo-tgen, over `tgen_core`. It knows no database and no terminal.

mod document;
mod position;
