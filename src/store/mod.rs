//! The template database: templates with their versions, model mappings, plans and results, in one DuckDB file.
//!
//! No type of DuckDB is visible outside this room, and no statement is built from a user's text. A process must open a
//! file only once: DuckDB's lock keeps out other processes, but not a second [`Store`] in the same process.

mod clock;
mod columns;
mod error;
mod exchange;
mod library;
mod mappings;
mod migrations;
mod opening;
mod plan_support;
mod plan_writer;
mod plans;
mod query;
mod results;
mod schema;
mod selection;
mod templates;
#[cfg(test)]
mod tests;

use camino::{Utf8Path, Utf8PathBuf};
use duckdb::Connection;

pub(crate) use self::error::StoreError;
pub(crate) use self::exchange::Counts;
pub(crate) use self::mappings::{Mapped, Mapping};
pub(crate) use self::opening::{Mode, Patience};
pub(crate) use self::plan_support::SupportFile;
#[cfg(test)]
pub(crate) use self::plans::StoredEstimates;
pub(crate) use self::plans::{Content, Difference, Differing, Estimates, NewTest, StoredPlan, StoredTest};
pub(crate) use self::query::{Column, Kind, Limits, Rows};
pub(crate) use self::results::ImportedResults;
pub(crate) use self::templates::{Added, NewTemplate, Template, Version};

/// An open template database.
pub(crate) struct Store {
    connection: Connection,
    path: Utf8PathBuf,
}

impl Store {
    /// Opens a template database. For writing, it is created if it does not exist, and upgraded if an earlier release
    /// wrote it; an upgrade keeps a copy.
    ///
    /// # Errors
    /// If the file stays locked longer than `patience` allows, or is not a template database; it is left unchanged
    /// then.
    pub(crate) fn open(path: &Utf8Path, mode: Mode, patience: &Patience<'_>) -> Result<Self, StoreError> {
        let path = opening::behind_links(path)?;
        let connection = migrations::connect(&path, mode, schema::STEPS, patience)?;
        Ok(Self { connection, path })
    }

    /// Runs a read-only operation.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        ask(&self.connection).map_err(|error| error.in_file(&self.path))
    }

    /// Runs a change in a transaction.
    fn write<T>(&mut self, change: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let apply = || {
            let transaction = self.connection.transaction()?;
            let changed = change(&transaction)?;
            transaction.commit()?;
            Ok(changed)
        };
        apply().map_err(|error: StoreError| error.in_file(&self.path))
    }
}
