//! Remembers what the last clean check has seen: as long as nothing of that changes, a check renders nothing.
//!
//! The cache can make a check faster, never wrong:
//! - inputs (see [`Inputs`]) count by content, and by whether they can be run, and are hashed every time;
//! - outputs, every other file beside them and their folders count by stamp: size, inode, and the times of the last
//!   change of content and of the entry itself (the latter is the system's own; no program can set it back);
//! - a stamp proves nothing while its file may change within the same tick of the clock ("racy"), so nothing is
//!   remembered while anything is younger than [`SETTLED_AFTER`] at the start of the check;
//! - suites with a formatter or with templates from the database are never remembered, since programs and databases
//!   are no inputs that could be hashed; neither is anything in CI, whose clocks and checkouts are not ours.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use blake3::{Hash, Hasher};
use camino::Utf8Path;
use rayon::prelude::*;
use tgen_core::base::files::Files;
use tgen_core::config::TemplateSource;
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::project::inputs::Inputs;

use crate::project::session::Session;
use crate::report::OutputReport;
use crate::world::caches::ProjectCache;
use crate::world::disk;
use crate::world::stamp::Stamp;

/// The coarsest clock of a common file system ticks every two seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// The name of the file.
const FILE: &str = "check-cache";
/// How many files one thread asks about at a time.
const CHUNK: usize = 256;
/// The first line of a cache file, before its key.
const HEADER: &str = "cargo-tgen check cache 1";

/// The cache of one project.
pub(crate) struct CheckCache {
    /// None when this check neither reads nor writes it.
    cache: Option<ProjectCache>,
    key: String,
    started: SystemTime,
}

impl CheckCache {
    /// No cache, for a check of a part of what is configured.
    pub(crate) fn unused() -> Self {
        Self { cache: None, key: String::new(), started: SystemTime::now() }
    }

    /// Opens the cache of a project, for a check of all that is configured.
    pub(crate) fn open(session: &Session) -> Self {
        let started = SystemTime::now();
        let usable =
            std::env::var_os("CI").is_none() && session.config.suites.iter().all(|suite| is_function_of_files(suite));
        let cache = if usable { cache_of(&session.root) } else { None };
        let key = cache.as_ref().map(|_| input_key(session)).unwrap_or_default();
        Self { cache, key, started }
    }

    /// The outputs, when they are known to be fresh without looking into them.
    pub(crate) fn known_fresh(&self, session: &Session) -> Option<Vec<OutputReport>> {
        let content = fs::read_to_string(self.cache.as_ref()?.file(FILE)).ok()?;
        let mut lines = content.lines();
        if lines.next()? != format!("{HEADER} {}", self.key) {
            return None;
        }
        let stamp = lines.next()?;
        let entries: Vec<&str> = lines.collect();
        if stamp_of(&session.root, &entries, None)?.to_hex().as_str() != stamp {
            return None;
        }
        let outputs = entries.iter().filter_map(|entry| entry.strip_prefix("output "));
        Some(outputs.map(|path| OutputReport::new(path.into(), State::Fresh)).collect())
    }

    /// Remembers that all outputs of a plan are fresh and nothing else is signed.
    pub(crate) fn remember(&self, session: &Session, plan: &Plan<'_>) {
        let Some(cache) = &self.cache else { return };
        let Some(entries) = entries(session, plan) else { return };
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let settled = self.started.checked_sub(SETTLED_AFTER);
        if let Some(stamp) = stamp_of(&session.root, &entries, settled) {
            let content = format!("{HEADER} {}\n{}\n{}\n", self.key, stamp.to_hex(), entries.join("\n"));
            // A cache that cannot be written only costs time.
            let _ = cache.write(FILE, content.as_bytes());
        }
    }
}

fn is_function_of_files(suite: &tgen_core::config::Suite) -> bool {
    suite.format.is_none() && matches!(suite.template, TemplateSource::Files(_))
}

/// The cache of a project: under `target/` where there is one, else in the user's cache folder.
fn cache_of(root: &Utf8Path) -> Option<ProjectCache> {
    let target = root.join("target");
    if target.is_dir() { Some(ProjectCache::in_project(target.join("tgen"))) } else { ProjectCache::of(root) }
}

/// A hash of the tool and of every input's path and content.
fn input_key(session: &Session) -> String {
    let mut hasher = Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    if let Some(stamp) = std::env::current_exe().ok().and_then(|tool| Stamp::at(Utf8Path::from_path(&tool)?)) {
        hasher.update(&stamp.to_bytes());
    }
    let inputs = Inputs::of(&session.config).list(&session.disk);
    let mut buffer = Vec::new();
    for path in inputs.files {
        let read = session.disk.read_into(&path, &mut buffer);
        let is_executable = disk::is_executable(&session.disk.absolute(&path));
        hasher.update(path.as_str().as_bytes()).update(&[0, u8::from(read.is_ok()), u8::from(is_executable)]);
        hasher.update(&(buffer.len() as u64).to_le_bytes()).update(&buffer);
    }
    for folder in inputs.unlisted {
        hasher.update(folder.as_str().as_bytes()).update(&[2]);
    }
    hasher.finalize().to_hex().to_string()
}

/// One line for each output, each other file in the output folders, and each folder there. None if a folder cannot be
/// listed: a file that appears in it would go unnoticed.
fn entries(session: &Session, plan: &Plan<'_>) -> Option<Vec<String>> {
    let outputs: std::collections::HashSet<_> = plan.outputs.iter().map(|output| output.path.as_path()).collect();
    let mut entries: Vec<String> = plan.outputs.iter().map(|output| format!("output {}", output.path)).collect();
    for folder in plan.output_folders() {
        let listed = match session.disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.ok()?,
        };
        for path in listed {
            if !outputs.contains(path.as_path()) {
                entries.push(format!("other {path}"));
            }
        }
        entries.extend(session.disk.folders(&folder).into_iter().map(|path| format!("folder {path}")));
    }
    Some(entries)
}

/// One hash over the stamps of all entries; none when one is gone, or touched after `settled`.
fn stamp_of(root: &Utf8Path, entries: &[&str], settled: Option<SystemTime>) -> Option<Hash> {
    let parts: Option<Vec<Hash>> = entries
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut hasher = Hasher::new();
            for entry in chunk {
                let (_, path) = entry.split_once(' ')?;
                let stamp = Stamp::at(&root.join(path))?;
                if settled.is_some_and(|settled| stamp.last_changed().is_none_or(|changed| changed > settled)) {
                    return None;
                }
                hasher.update(entry.as_bytes()).update(&stamp.to_bytes());
            }
            Some(hasher.finalize())
        })
        .collect();
    let mut whole = Hasher::new();
    for part in parts? {
        whole.update(part.as_bytes());
    }
    Some(whole.finalize())
}
