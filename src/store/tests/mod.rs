//! Tests of the store on real files; each test has its own folder.

mod exchange;
mod opening;
mod plans;
mod processes;
mod query;
mod results;
mod selection;
mod templates;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::model::hardware::HardwareType;
use tgen_core::template::Dialect;

use super::{Column, Limits, Mode, NewTemplate, Patience, Rows, Store, StoreError};

/// A folder with a template database in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).unwrap()
    }

    fn file(&self) -> Utf8PathBuf {
        self.path().join("templates.duckdb")
    }

    fn open(&self, mode: Mode) -> Result<Store, StoreError> {
        open(&self.file(), mode)
    }

    #[track_caller]
    fn store(&self) -> Store {
        self.open(Mode::ReadWrite).unwrap()
    }

    /// The names of all entries of the folder.
    fn names(&self) -> Vec<String> {
        let entries = self.path().read_dir_utf8().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    }
}

/// An answer, collected in memory.
#[derive(Debug, Default)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
}

impl Rows<StoreError> for Answer {
    fn begin(&mut self, columns: Vec<Column>) -> Result<(), StoreError> {
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, values: &[Option<&str>]) -> Result<(), StoreError> {
        self.rows.push(values.iter().map(|value| value.map(str::to_owned)).collect());
        Ok(())
    }
}

/// The answer to a query, with a time limit of a minute.
fn ask(store: Store, sql: &str) -> Result<Answer, StoreError> {
    let mut answer = Answer::default();
    let limits = Limits { time: Some(Duration::from_mins(1)), is_interrupted: &|| false };
    store.query(sql, &limits, &mut answer)?;
    Ok(answer)
}

fn open(path: &Utf8Path, mode: Mode) -> Result<Store, StoreError> {
    Store::open(path, mode, &Patience { limit: Duration::from_secs(20), tell: &|_| () })
}

fn template<'a>(name: &'a str, family: &'a str, hardware: &'a [HardwareType], content: &'a str) -> NewTemplate<'a> {
    NewTemplate { name, family, hardware, description: None, dialect: Dialect::Dollar, content }
}

/// The error message, without the path of the test's folder.
#[track_caller]
fn message<T>(folder: &Folder, result: Result<T, StoreError>) -> String {
    let error = result.err().expect("it must fail");
    error.to_string().replace(folder.path().as_str(), "[folder]")
}
