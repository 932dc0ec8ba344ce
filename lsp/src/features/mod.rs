//! Core's answers in the protocol's types, one file for each kind of request.

pub(crate) mod checked;
pub(crate) mod completion;
pub(crate) mod edited;
pub(crate) mod edits;
pub(crate) mod hints;
pub(crate) mod lenses;
pub(crate) mod names;
pub(crate) mod outline;
pub(crate) mod preview;
pub(crate) mod reports;
pub(crate) mod tokens;
