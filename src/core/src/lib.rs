//! The pure rules of cargo-tgen: from configuration, templates and models to what every output should be.
//!
//! Core does no IO: it sees files through [`files::Files`], returns values and [`problem::Problem`]s, and never writes,
//! reads the clock, the environment or a database, or knows of a terminal or an editor.

pub mod files;
pub mod hardware;
pub mod problem;
pub mod python;
pub mod suggest;
pub mod text;
