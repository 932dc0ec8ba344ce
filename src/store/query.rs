//! Questions in SQL that cannot change anything, here or elsewhere.
//!
//! Three things hold that, each enough for most: the file is open for reading, the database may not reach anything
//! outside of it (see [`super::opening`]), and DuckDB's table function `query` takes one SELECT and nothing else.

use std::mem;

use duckdb::Connection;

use super::Store;
use super::error::StoreError;

/// What a column holds, as far as a reader cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Anything else, as DuckDB writes it.
    Text,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: Kind,
}

/// An answer: its columns, and its rows as text, none for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The columns.
    pub(crate) columns: Vec<Column>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Store {
    /// The answer to a question in SQL, for which the store should be open for reading only. It is the store's last: a
    /// question may leave the database unable to do anything else.
    pub(crate) fn query(self, sql: &str) -> Result<Answer, StoreError> {
        let answer = answer(&self.connection, sql);
        close(self.connection);
        answer.map_err(|error| StoreError::Query(without_place(&error.to_string()).to_owned()))
    }
}

/// A question may ask for a log file, which may not be written. Everything fails from then on, and closing the database
/// would abort the process; it is open for reading, so that nothing is lost when it stays open.
fn close(connection: Connection) {
    if connection.execute_batch("SELECT 1").is_err() {
        mem::forget(connection);
    }
}

fn answer(connection: &Connection, sql: &str) -> duckdb::Result<Answer> {
    let columns = columns(connection, sql)?;
    let rows = rows(connection, sql, columns.len())?;
    Ok(Answer { columns, rows })
}

/// What DuckDB says, without the place: that is one in our statement, not in the question.
fn without_place(error: &str) -> &str {
    error.split("\n\nLINE ").next().unwrap_or(error)
}

fn columns(connection: &Connection, sql: &str) -> duckdb::Result<Vec<Column>> {
    let mut statement = connection.prepare("SELECT column_name, column_type FROM (DESCRIBE FROM query(?))")?;
    let columns = statement.query_map([sql], |row| {
        let data_type: String = row.get(1)?;
        Ok(Column { name: row.get(0)?, kind: kind(&data_type) })
    })?;
    columns.collect()
}

fn kind(data_type: &str) -> Kind {
    match data_type {
        "BOOLEAN" => Kind::Boolean,
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "UHUGEINT" | "FLOAT" | "DOUBLE" => Kind::Number,
        other if other.starts_with("DECIMAL(") => Kind::Number,
        _ => Kind::Text,
    }
}

fn rows(connection: &Connection, sql: &str, columns: usize) -> duckdb::Result<Vec<Vec<Option<String>>>> {
    let mut statement = connection.prepare("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM query(?)")?;
    let rows = statement.query_map([sql], |row| (0..columns).map(|column| row.get(column)).collect())?;
    rows.collect()
}
