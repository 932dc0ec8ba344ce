//! The pure rules of cargo-tgen: from configuration, templates and models to what every output should be.
//!
//! Core does no IO: it reads files through [`base::files::Files`], returns values and [`base::problem::Problem`]s, and
//! never writes, reads the clock, the environment or a database, or knows of a terminal or an editor.
//!
//! The rooms, each of which imports only rooms that stand before it in this list (a test holds them to the table in
//! ARCHITECTURE.md).

pub mod base;
pub mod change;
pub mod config;
pub mod ide;
pub mod lint;
pub mod model;
pub mod output;
pub mod pipeline_map;
pub mod plan;
pub mod project;
pub mod python;
pub mod reference;
pub mod rendering;
pub mod results;
pub mod schedule;
pub mod template;
