//! Errors of the template database, worded for the user.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::library::LibraryError;

/// Why an operation on the template database failed. A failed operation changes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// DuckDB's library cannot be loaded.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The file does not exist.
    #[error("there is no template database `{0}`; `cargo tgen template add` creates it")]
    Missing(Utf8PathBuf),
    /// The path leads to a folder.
    #[error("`{0}` is a folder, not a template database; give `--template-db` a file")]
    IsFolder(Utf8PathBuf),
    /// The file is not a DuckDB database.
    #[error("`{0}` is not a DuckDB database; give `--template-db` another file")]
    NotDuckDb(Utf8PathBuf),
    /// The file is a DuckDB database for another purpose.
    #[error("`{0}` is a DuckDB database, but not a template database; give `--template-db` another file")]
    NotTemplates(Utf8PathBuf),
    /// The file is truncated or corrupted.
    #[error("`{path}` is damaged: {reason}; put a good copy in its place")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// DuckDB's error message.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "there is no room for `{0}` on its disk, and nothing was changed; make room, or give `--template-db` another place"
    )]
    Full(Utf8PathBuf),
    /// The write-ahead log beside the file cannot be replayed.
    #[error(
        "the log `{path}.wal` of the template database is damaged: {reason}; move it away to open the database without the \
         changes in it"
    )]
    DamagedLog {
        /// The database; its log has the same name with `.wal` appended.
        path: Utf8PathBuf,
        /// DuckDB's error message.
        reason: String,
    },
    /// The file was written by a later release of DuckDB.
    #[error(
        "`{path}` was made by {}, whose files this cargo-tgen cannot read (it has DuckDB {}); update cargo-tgen, or copy it \
         with that release: `ATTACH '{path}' AS old; ATTACH 'copy.duckdb' AS copy (STORAGE_VERSION 'v1.2.0'); \
         COPY FROM DATABASE old TO copy`",
        release.as_ref().map_or("a newer DuckDB".to_owned(), |release| format!("DuckDB {release}")),
        super::library::VERSION
    )]
    NewerDuckDb {
        /// The file.
        path: Utf8PathBuf,
        /// The release that wrote it, if the file states it.
        release: Option<String>,
    },
    /// An error of the operating system.
    #[error("cannot {doing} `{path}`: {}", tgen_core::base::files::reason(error))]
    Io {
        /// The action that failed.
        doing: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// The error.
        error: io::Error,
    },
    /// Another process held the file for longer than the wait.
    #[error("`{path}` is in use by {holder}, for more than {} s; try again when it is done", waited.as_secs())]
    Busy {
        /// The file.
        path: Utf8PathBuf,
        /// The other process.
        holder: String,
        /// The duration of the wait.
        waited: Duration,
    },
    /// The schema was written by a later release.
    #[error(
        "`{path}` was made by a newer cargo-tgen: its schema is {found}, this one knows {known}; update cargo-tgen"
    )]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema's version.
        found: u32,
        /// The newest version that this release supports.
        known: u32,
    },
    /// The schema was written by an earlier release, and the file was opened read-only, so it cannot be upgraded.
    #[error(
        "`{path}` was made by an older cargo-tgen: its schema is {found}, this one needs {known}; \
         `cargo tgen template upgrade` upgrades it and keeps a copy"
    )]
    Older {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema's version.
        found: u32,
        /// The version that this release needs.
        known: u32,
    },
    /// Any other error of DuckDB.
    #[error("the template database failed: {0}")]
    Failed(String),
    /// The query is not a single read-only query, or is invalid.
    #[error("cannot answer the query: {0}")]
    Query(String),
    /// A query exceeded its time limit.
    #[error(
        "the query was stopped after {} s; `--timeout` gives it more time, and `LIMIT` or a filter less to do",
        .0.as_secs_f64()
    )]
    QueryTimedOut(Duration),
    /// The user stopped a query.
    #[error("the query was interrupted")]
    QueryInterrupted,
    /// A query exceeded its memory limit.
    #[error("the query needs more memory than it may have; `--memory` gives it more: {0}")]
    QueryMemory(String),
    /// A name does not exist.
    #[error("there is no {kind} `{name}`{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Unknown {
        /// `template`, `model mapping` or `plan`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The closest existing name.
        hint: Option<String>,
    },
    /// A template does not have this version.
    #[error("template `{name}` has no version {version}; its newest is {newest}")]
    UnknownVersion {
        /// The template.
        name: String,
        /// The requested version.
        version: u32,
        /// The newest version.
        newest: u32,
    },
    /// A template that mappings refer to cannot be removed.
    #[error("template `{name}` is the own template of `{}`; remove or change these mappings first", models.join("`, `"))]
    InUse {
        /// The template.
        name: String,
        /// The models of these mappings.
        models: Vec<String>,
    },
    /// A row has a hardware type that does not exist.
    #[error("template `{name}` is for the hardware type `{hardware}`, which this cargo-tgen does not know")]
    UnknownHardware {
        /// The template.
        name: String,
        /// The hardware type.
        hardware: String,
    },
    /// The name of a plan is taken.
    #[error("there is a plan `{0}` already; give this one another name, or replace that one with `--replace`")]
    PlanExists(String),
    /// A prefix of an id matches several tests of a plan.
    #[error("several tests have an id that starts with `{0}`; give more of it")]
    AmbiguousTest(String),
    /// The plan is inconsistent.
    #[error("the plan cannot be stored: {0}")]
    InvalidPlan(String),
    /// A folder that `template import` cannot use.
    #[error("cannot import `{path}`: {reason}")]
    InvalidArchive {
        /// The folder or a file in it.
        path: Utf8PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder that `template export` must not write into.
    #[error("`{0}` holds something else; give `template export` a new or empty folder, or one it wrote before")]
    NotAnArchive(Utf8PathBuf),
}

/// DuckDB's words for a full disk.
pub(super) const NO_SPACE: &str = "No space left";

impl StoreError {
    /// Adds the file to an error by which DuckDB means that it is damaged, or that its disk is full.
    pub(super) fn in_file(self, path: &Utf8Path) -> Self {
        match self {
            Self::Failed(reason) if reason.contains(NO_SPACE) => Self::Full(path.to_owned()),
            Self::Failed(reason) if reason.contains("WAL file") => Self::DamagedLog { path: path.to_owned(), reason },
            Self::Failed(reason) if means_damage(&reason) => Self::Damaged { path: path.to_owned(), reason },
            other => other,
        }
    }

    /// Adds the path of the file to be created to an error about the temporary file that it is written to.
    pub(super) fn of_new_file(self, path: &Utf8Path) -> Self {
        match self {
            Self::Damaged { reason, .. } => Self::Failed(reason).in_file(path),
            other => other.in_file(path),
        }
    }

    /// Wraps an error of the operating system.
    pub(super) fn io(doing: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { doing, path: path.to_owned(), error }
    }
}

impl From<duckdb::Error> for StoreError {
    fn from(error: duckdb::Error) -> Self {
        Self::Failed(first_line(&error.to_string()))
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}

fn means_damage(reason: &str) -> bool {
    const SIGNS: [&str; 7] =
        ["Corrupt", "checksum", "Could not read", "could not read", "out of range", "INTERNAL Error", "FATAL Error"];
    SIGNS.iter().any(|sign| reason.contains(sign))
}
