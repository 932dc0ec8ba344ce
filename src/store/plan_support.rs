//! The rendered support modules that the tests of a plan import, stored once a plan.

use duckdb::{Connection, params};

use super::Store;
use super::error::StoreError;
use super::plans;

/// A file that the tests of a plan import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SupportFile {
    /// Its path, relative to the test's folder.
    pub(crate) path: String,
    /// Its text.
    pub(crate) content: String,
}

impl Store {
    /// The support files of a plan, by path.
    pub(crate) fn plan_support(&self, plan: &str) -> Result<Vec<SupportFile>, StoreError> {
        self.read(|connection| {
            let plan = plans::identify(connection, plan)?;
            let mut statement =
                connection.prepare("SELECT path, content FROM plan_support WHERE plan_id = ? ORDER BY path")?;
            let files =
                statement.query_map([plan], |row| Ok(SupportFile { path: row.get(0)?, content: row.get(1)? }))?;
            Ok(files.collect::<Result<_, _>>()?)
        })
    }
}

/// Stores the support files of a plan.
pub(super) fn insert(connection: &Connection, plan: i64, files: &[SupportFile]) -> Result<(), StoreError> {
    let mut statement = connection.prepare("INSERT INTO plan_support VALUES (?, ?, ?)")?;
    for SupportFile { path, content } in files {
        statement.execute(params![plan, path, content])?;
    }
    Ok(())
}
