//! cargo-tgen.
fn main() {}
