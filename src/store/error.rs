//! What can go wrong with the template database, in words for the person who asked for it.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::library::LibraryError;

/// Why the template database could not do what was asked; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// DuckDB itself is not there.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The file is not there.
    #[error("there is no template database `{0}`; `cargo tgen template add` creates it")]
    Missing(Utf8PathBuf),
    /// The path leads to a folder.
    #[error("`{0}` is a folder, not a template database; give `--template-db` a file")]
    IsFolder(Utf8PathBuf),
    /// The file is something else.
    #[error("`{0}` is not a DuckDB database; give `--template-db` another file")]
    NotDuckDb(Utf8PathBuf),
    /// The file is a database of something else.
    #[error("`{0}` is a DuckDB database, but not a template database; give `--template-db` another file")]
    NotTemplates(Utf8PathBuf),
    /// The file is cut short or overwritten.
    #[error("`{path}` is damaged: {reason}; put a good copy in its place")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What DuckDB says.
        reason: String,
    },
    /// The disk is full.
    #[error("there is no room for `{0}` on its disk, and nothing was changed; make room, or give `--template-db` another place")]
    Full(Utf8PathBuf),
    /// The log beside the file cannot be worked in.
    #[error(
        "the log `{path}.wal` of the template database is damaged: {reason}; move it away to open the database without the \
         changes in it"
    )]
    DamagedLog {
        /// The database, whose log has `.wal` after its name.
        path: Utf8PathBuf,
        /// What DuckDB says.
        reason: String,
    },
    /// The file is of a later release of DuckDB.
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
        /// The release that made it, where the file names it.
        release: Option<String>,
    },
    /// The operating system refuses.
    #[error("cannot {doing} `{path}`: {}", tgen_core::base::files::reason(error))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Another process holds the file for too long.
    #[error("`{path}` is in use by {holder}, for more than {} s; try again when it is done", waited.as_secs())]
    Busy {
        /// The file.
        path: Utf8PathBuf,
        /// The other process.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The schema is of a later release.
    #[error(
        "`{path}` was made by a newer cargo-tgen: its schema is {found}, this one knows {known}; update cargo-tgen"
    )]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema's version.
        found: u32,
        /// The newest version that is known here.
        known: u32,
    },
    /// The schema is of an earlier release, and the file is only to be read.
    #[error(
        "`{path}` was made by an older cargo-tgen: its schema is {found}, this one needs {known}; \
         `cargo tgen template upgrade` upgrades it and keeps a copy"
    )]
    Older {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema's version.
        found: u32,
        /// The version that is needed.
        known: u32,
    },
    /// DuckDB refuses, and the file is not known to be the reason.
    #[error("the template database failed: {0}")]
    Failed(String),
    /// A query that only reads was asked for, and this is none, or it is wrong.
    #[error("cannot answer the query: {0}")]
    Query(String),
    /// A query took too long.
    #[error(
        "the query was stopped after {} s; `--timeout` gives it more time, and `LIMIT` or a filter less to do",
        .0.as_secs_f64()
    )]
    QueryTimedOut(Duration),
    /// The user stopped a query.
    #[error("the query was interrupted")]
    QueryInterrupted,
    /// A query needs more memory than it may have.
    #[error("the query needs more memory than it may have; `--memory` gives it more: {0}")]
    QueryMemory(String),
    /// A name leads nowhere.
    #[error("there is no {kind} `{name}`{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Unknown {
        /// `template`, `model mapping` or `plan`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The name that may have been meant.
        hint: Option<String>,
    },
    /// A template has no version of that number.
    #[error("template `{name}` has no version {version}; its newest is {newest}")]
    UnknownVersion {
        /// The template.
        name: String,
        /// The number as given.
        version: u32,
        /// The newest.
        newest: u32,
    },
    /// A template that mappings name is not removed.
    #[error("template `{name}` is the own template of `{}`; remove or change these mappings first", models.join("`, `"))]
    InUse {
        /// The template.
        name: String,
        /// The models whose mappings name it.
        models: Vec<String>,
    },
    /// A row names a hardware type that does not exist.
    #[error("template `{name}` is for the hardware type `{hardware}`, which this cargo-tgen does not know")]
    UnknownHardware {
        /// The template.
        name: String,
        /// The hardware type.
        hardware: String,
    },
    /// Plans have names of their own.
    #[error("there is a plan `{0}` already; give this one another name, or replace that one with `--replace`")]
    PlanExists(String),
    /// Several tests of a plan have an id that starts so.
    #[error("several tests have an id that starts with `{0}`; give more of it")]
    AmbiguousTest(String),
    /// A plan that contradicts itself.
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

/// How DuckDB says that the disk is full.
pub(super) const NO_SPACE: &str = "No space left";

impl StoreError {
    /// Names the file where DuckDB's own words mean that it is damaged.
    pub(super) fn in_file(self, path: &Utf8Path) -> Self {
        match self {
            Self::Failed(reason) if reason.contains(NO_SPACE) => Self::Full(path.to_owned()),
            Self::Failed(reason) if reason.contains("WAL file") => Self::DamagedLog { path: path.to_owned(), reason },
            Self::Failed(reason) if means_damage(&reason) => Self::Damaged { path: path.to_owned(), reason },
            other => other,
        }
    }

    /// Names the file that was to be made where the one that is worked in meanwhile has failed.
    pub(super) fn of_new_file(self, path: &Utf8Path) -> Self {
        match self {
            Self::Damaged { reason, .. } => Self::Failed(reason).in_file(path),
            other => other.in_file(path),
        }
    }

    /// The operating system's refusal.
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
