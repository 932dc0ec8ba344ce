//! Opens the file: waits for other processes to unlock it, and turns DuckDB's failures into clear errors.
//!
//! This module must not know what the tables mean.

use std::fs::{self, File};
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use duckdb::{AccessMode, Config, Connection};
use tgen_core::base::bytes::Bytes;

use super::error::{self, StoreError};
use super::library;

/// The purpose of opening the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Reading; any number of processes at a time.
    ReadOnly,
    /// Reading for a user's SQL query, with a memory limit.
    Query(Bytes),
    /// Reading and writing; one process at a time. The file is created if it does not exist.
    ReadWrite,
}

impl Mode {
    /// Whether the file may be changed.
    pub(super) const fn writes(self) -> bool {
        matches!(self, Self::ReadWrite)
    }
}

/// How long to wait for a file that another process has locked.
pub(crate) struct Patience<'a> {
    /// The longest wait.
    pub(crate) limit: Duration,
    /// Tells the user what the program is waiting for.
    pub(crate) tell: &'a dyn Fn(&str),
}

/// Shorter waits are not reported.
const UNREMARKABLE: Duration = Duration::from_millis(500);
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The most memory that DuckDB may use while a plan is written, before it spills to files beside the database.
const MEMORY_LIMIT: &str = "200MB";
/// DuckDB's threads for writing: only a plan is large enough for several, and its writer has its own.
const WRITING_THREADS: i64 = 1;
/// The oldest DuckDB that can read the files: the first one with zstd compression of texts.
const READABLE_SINCE: &str = "v1.2.0";

/// Connects to an existing file.
pub(super) fn connect(path: &Utf8Path, mode: Mode, patience: &Patience<'_>) -> Result<Connection, StoreError> {
    library::load()?;
    let start = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    let mut told = false;
    loop {
        let error = match Connection::open_with_flags(path, config(mode)?) {
            Ok(connection) => return refuse_if_cut_short(connection, path),
            Err(error) => error.to_string(),
        };
        let Some(holder) = holder(&error) else { return Err(explain(path, &error)) };
        let waited = start.elapsed();
        if waited >= patience.limit {
            return Err(StoreError::Busy { path: path.to_owned(), holder, waited: patience.limit });
        }
        if waited >= UNREMARKABLE && !told {
            (patience.tell)(&format!("waiting for `{path}`, which is in use by {holder}"));
            told = true;
        }
        thread::sleep(pause.min(patience.limit.saturating_sub(waited)));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Detects a truncated file at once, while DuckDB would fail only when it needs a missing block. Used blocks are always
/// inside the file, but as long as a log waits to be replayed, the set of used blocks is uncertain.
fn refuse_if_cut_short(connection: Connection, path: &Utf8Path) -> Result<Connection, StoreError> {
    const IN_USE: &str = "SELECT coalesce(sum(used_blocks * block_size), 0)::UBIGINT FROM pragma_database_size() \
                          WHERE database_name = current_database() AND wal_size = '0 bytes'";
    let in_use: u64 = connection.query_row(IN_USE, [], |row| row.get(0))?;
    let length = fs::metadata(path).map_err(StoreError::io("read", path))?.len();
    if length < in_use {
        let reason = format!("it has only {length} of more than {in_use} bytes");
        return Err(StoreError::Damaged { path: path.to_owned(), reason });
    }
    Ok(connection)
}

/// The absolute path: DuckDB interprets `name:` at the beginning of a relative path as another kind of database.
pub(super) fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, StoreError> {
    let failed = StoreError::io("find", path);
    camino::absolute_utf8(path).map_err(failed)
}

/// Resolves links. DuckDB follows none, because it is denied access to all other files; and a copy or a new file
/// belongs beside the real file.
pub(super) fn behind_links(path: &Utf8Path) -> Result<Utf8PathBuf, StoreError> {
    const MOST: usize = 40;
    let mut file = absolute(path)?;
    for _ in 0..MOST {
        let Ok(target) = file.read_link_utf8() else { return Ok(file) };
        file = file.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    Err(StoreError::io("open", path)(io::Error::other("it is a link that leads back to itself")))
}

/// Whether the file exists.
pub(super) fn exists(path: &Utf8Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(StoreError::IsFolder(path.to_owned())),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("open", path)(error)),
    }
}

/// A configuration that denies access to other files, the network and extensions, and that queries cannot change.
fn config(mode: Mode) -> Result<Config, StoreError> {
    let config = match mode {
        Mode::ReadOnly => Config::default().access_mode(AccessMode::ReadOnly)?,
        // Without a folder for temporary files, a query leaves nothing beside the database.
        Mode::Query(Bytes(bytes)) => Config::default()
            .access_mode(AccessMode::ReadOnly)?
            .max_memory(&format!("{bytes}B"))?
            .with("temp_directory", "")?,
        Mode::ReadWrite => {
            Config::default().access_mode(AccessMode::ReadWrite)?.max_memory(MEMORY_LIMIT)?.threads(WRITING_THREADS)?
        }
    };
    let config = config
        .enable_external_access(false)?
        .enable_autoload_extension(false)?
        .with("storage_compatibility_version", READABLE_SINCE)?
        .with("lock_configuration", "true")?;
    Ok(config)
}

/// The process that holds the file, if DuckDB's error names it.
fn holder(error: &str) -> Option<String> {
    let locked = ["Could not set lock on file", "used by another process"].iter().any(|sign| error.contains(sign));
    let named = || {
        let (_, rest) = error.split_once("Conflicting lock is held in ")?;
        let (program, rest) = rest.split_once(" (PID ")?;
        let (process, _) = rest.split_once(')')?;
        let program = Utf8Path::new(program).file_name().unwrap_or(program);
        Some(format!("process {process} (`{program}`)"))
    };
    locked.then(|| named().unwrap_or_else(|| "another process".to_owned()))
}

/// Explains why DuckDB cannot open a file that no process has locked.
fn explain(path: &Utf8Path, said: &str) -> StoreError {
    match begins_like_a_database(path) {
        Err(error) => StoreError::io("open", path)(error),
        Ok(false) => StoreError::NotDuckDb(path.to_owned()),
        Ok(true) => {
            let reason = said.lines().next().unwrap_or_default().to_owned();
            if said.contains("Permission denied") || said.contains("Read-only file system") {
                StoreError::io("open", path)(io::ErrorKind::PermissionDenied.into())
            } else if said.contains(error::NO_SPACE) {
                StoreError::Full(path.to_owned())
            } else if said.contains("version number") {
                StoreError::NewerDuckDb { path: path.to_owned(), release: release_of(path) }
            } else if reason.contains(LOG) {
                StoreError::DamagedLog { path: path.to_owned(), reason }
            } else {
                StoreError::Damaged { path: path.to_owned(), reason }
            }
        }
    }
}

/// DuckDB's name for the write-ahead log in its messages.
const LOG: &str = "WAL file";

/// The release of DuckDB that wrote a file, from its header.
fn release_of(path: &Utf8Path) -> Option<String> {
    const NAME: std::ops::Range<usize> = 52..84;
    let mut header = Vec::new();
    File::open(path).ok()?.take(NAME.end as u64).read_to_end(&mut header).ok()?;
    let name = header.get(NAME)?.split(|byte| *byte == 0).next()?;
    let name = std::str::from_utf8(name).ok()?;
    (name.starts_with('v') && name.is_ascii()).then(|| name.to_owned())
}

fn begins_like_a_database(path: &Utf8Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(12).read_to_end(&mut beginning)?;
    Ok(beginning.get(8..) == Some(b"DUCK"))
}
