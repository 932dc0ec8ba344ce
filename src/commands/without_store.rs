//! The commands of the template database in a build without it: each says what is missing. They must not open anything.

use std::ffi::OsString;

use anyhow::bail;
use clap::Args;

use crate::exit::Exit;
use crate::project::database;

/// Needs the template database, which this build does not have
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct MissingArgs {
    /// Whatever the command takes elsewhere
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _arguments: Vec<OsString>,
}

/// Says why a command is missing.
pub(crate) fn run(command: &str) -> anyhow::Result<Exit> {
    bail!("`{command}` needs the template database, and {}", database::MISSING)
}
