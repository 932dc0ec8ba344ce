//! The pure rules of cargo-tgen: from configuration, templates and models to what every output should be.
//!
//! Core does no IO: it sees files through [`files::Files`], returns values and [`problem::Problem`]s, and never writes,
//! reads the clock, the environment or a database, or knows of a terminal or an editor.

pub mod candidate;
pub mod case;
pub mod change;
pub mod checkpoint;
pub mod comparison;
pub mod config;
pub mod explain;
pub mod family;
pub mod files;
pub mod findings;
pub mod hardware;
pub mod ide;
pub mod lint;
pub mod models;
mod named;
pub mod names;
pub mod output;
pub mod pipeline_map;
pub mod plan;
pub mod problem;
pub mod project;
pub mod python;
pub mod reference;
pub mod registry;
pub mod renderings;
pub mod selection;
pub mod splices;
pub mod strictness;
pub mod suggest;
pub mod template;
pub mod test_plan;
pub mod text;
pub mod vocabulary;
