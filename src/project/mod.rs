//! From the command line to projects: the configuration, the files and the template database.
//!
//! This room must not know what a command does with a project.

pub(crate) mod arguments;
#[cfg_attr(not(feature = "store"), path = "without_database.rs")]
pub(crate) mod database;
pub(crate) mod locate;
pub(crate) mod pack;
pub(crate) mod session;
pub(crate) mod standpoint;
