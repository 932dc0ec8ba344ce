//! Questions in SQL that cannot change anything, here or elsewhere.
//!
//! Three things hold that, each enough for most: the file is open for reading, the database may not reach anything
//! outside of it (see [`super::opening`]), and DuckDB's table function `query` takes one SELECT and nothing else.

use std::mem::ManuallyDrop;

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
    /// question may ask for a log file, and when DuckDB is closed then, it aborts the process, for it may not write one.
    pub(crate) fn query(self, sql: &str) -> Result<Answer, StoreError> {
        let never_closed = ManuallyDrop::new(self);
        let connection = &never_closed.connection;
        let refused = |error: duckdb::Error| StoreError::Query(without_place(&error.to_string()).to_owned());
        let columns = columns(connection, sql).map_err(refused)?;
        let rows = rows(connection, sql, columns.len()).map_err(refused)?;
        Ok(Answer { columns, rows })
    }
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
