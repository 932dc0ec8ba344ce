//! Writing an output or refusing to, for `generate` and `watch`.

pub(crate) mod formatted;
