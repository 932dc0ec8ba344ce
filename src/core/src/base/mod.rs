//! What every room may use: text positions, reading files, problems, suggestions.
//!
//! This room must not know templates, models, configuration or any other room.

pub mod bytes;
pub mod cancellation;
pub mod conflict;
pub mod files;
pub mod layered;
pub(crate) mod named;
pub mod problem;
pub mod suggest;
pub mod text;
pub mod text_path;
