//! Upgrades a file to the current schema, keeping a copy of the old file.
//!
//! The steps are in [`super::schema`]; this module must not know what they do.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use duckdb::Connection;
use tempfile::TempPath;

use super::clock;
use super::error::StoreError;
use super::opening::{self, Mode, Patience};
use crate::world::disk::{ScratchFolder, clear_abandoned};

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    SomethingElse,
    Version(u32),
}

/// Connects to a file; creates or upgrades its schema if necessary.
pub(super) fn connect(
    path: &Utf8Path,
    mode: Mode,
    steps: &[&str],
    patience: &Patience<'_>,
) -> Result<Connection, StoreError> {
    if !opening::exists(path)? {
        if !mode.writes() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        create(path, steps, patience)?;
    }
    let connection = opening::connect(path, mode, patience)?;
    let found = find(&connection).map_err(|error| error.in_file(path))?;
    let known = number(steps);
    match (found, mode.writes()) {
        (Found::SomethingElse, _) => Err(StoreError::NotTemplates(path.to_owned())),
        (Found::Nothing, false) => Err(StoreError::Missing(path.to_owned())),
        (Found::Version(found), _) if found > known => Err(StoreError::Newer { path: path.to_owned(), found, known }),
        (Found::Version(found), _) if found == known => Ok(connection),
        (Found::Version(found), false) => Err(StoreError::Older { path: path.to_owned(), found, known }),
        (Found::Version(found), true) => {
            close(connection)?;
            keep_copy(path, found)?;
            upgrade(opening::connect(path, mode, patience)?, steps)
        }
        (Found::Nothing, true) => upgrade(connection, steps),
    }
}

/// Creates a new file under a temporary name and renames it, so that it is complete or absent. If another process
/// creates the file first, that file is kept.
fn create(path: &Utf8Path, steps: &[&str], patience: &Patience<'_>) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(path);
    let failed = |error| StoreError::io("create a file in", folder)(error);
    clear_abandoned(folder);
    let work = ScratchFolder::new_in(folder).map_err(failed)?;
    let new = work.path().join("new.duckdb");
    let made =
        opening::connect(&new, Mode::ReadWrite, patience).and_then(|connection| close(upgrade(connection, steps)?));
    made.map_err(|error| error.of_new_file(path))?;
    let new = TempPath::try_from_path(new).map_err(failed)?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error.error)),
        _ => Ok(()),
    }
}

fn find(connection: &Connection) -> Result<Found, StoreError> {
    // Searching the catalogue takes longer, so it is only done if this fails.
    match connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0)) {
        Ok(Some(version)) => Ok(Found::Version(version)),
        Ok(None) => Ok(Found::SomethingElse),
        Err(error) if error.to_string().starts_with("Catalog Error") => find_without_version(connection),
        Err(error) => Err(error.into()),
    }
}

fn find_without_version(connection: &Connection) -> Result<Found, StoreError> {
    let is_empty = connection.query_row("SELECT count(*) = 0 FROM duckdb_tables()", [], |row| row.get(0))?;
    Ok(if is_empty { Found::Nothing } else { Found::SomethingElse })
}

/// Applies the missing steps, all or none.
fn upgrade(mut connection: Connection, steps: &[&str]) -> Result<Connection, StoreError> {
    let done = match find(&connection)? {
        Found::Version(version) => version,
        Found::Nothing | Found::SomethingElse => 0,
    };
    let transaction = connection.transaction()?;
    for (version, step) in (1..).zip(steps).skip_while(|(version, _)| *version <= done) {
        transaction.execute_batch(step)?;
        transaction.execute(
            "INSERT INTO schema_version VALUES (?, make_timestamp(?::BIGINT), ?)",
            (version, clock::now(), clock::GENERATOR),
        )?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// Copies the unchanged file. Changes go to the log until the connection is closed, so the file must not be open in
/// this process.
fn keep_copy(path: &Utf8Path, version: u32) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("copy", path)(error);
    let folder = path.parent().unwrap_or(path);
    clear_abandoned(folder);
    let work = ScratchFolder::new_in(folder).map_err(failed)?;
    let copy = work.path().join("copy.duckdb");
    fs::copy(path, &copy).map_err(failed)?;
    let copy = TempPath::try_from_path(copy).map_err(failed)?;
    let name = |number: u32| Utf8PathBuf::from(format!("{path}.schema-{version}.{number}.bak"));
    let mut copy = copy;
    for number in 1.. {
        match copy.persist_noclobber(name(number)) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => copy = error.path,
            Err(error) => return Err(failed(error.error)),
            Ok(()) => break,
        }
    }
    Ok(())
}

fn close(connection: Connection) -> Result<(), StoreError> {
    connection.close().map_err(|(_, error)| error.into())
}

fn number(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}
