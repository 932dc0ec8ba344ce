//! The template database of a project: its path, how long to wait for it, and its answers for a plan.

use std::io;
use std::time::Duration;

use anyhow::bail;
use camino::Utf8PathBuf;
use tgen_core::base::files::reason;
use tgen_core::model::family::Family;
use tgen_core::project::Project;
use tgen_core::project::registered::Registry;
use tgen_core::project::request::Request;

use crate::printer::Printer;
use crate::project::arguments::Global;
use crate::project::session::{self, Session};
use crate::store::{Mode, Patience, Store, StoreError};
use crate::world::disk;

/// How long to wait for another process that holds the file.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Session {
    /// Opens the template database.
    pub(crate) fn database(&self, mode: Mode) -> anyhow::Result<Store> {
        Ok(self.try_database(mode)??)
    }

    /// Opens the template database; the inner result is for a caller that handles the failure.
    pub(crate) fn try_database(&self, mode: Mode) -> anyhow::Result<Result<Store, StoreError>> {
        let tell = |message: &str| Printer::new().warning(message);
        let patience = Patience { limit: LONGEST_WAIT, tell: &tell };
        let path = self.database_path()?;
        match disk::require_regular(&path) {
            // DuckDB would block on a pipe.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                bail!("cannot open the template database `{path}`: {}", reason(&error))
            }
            // For anything else, DuckDB's own messages are clear.
            _ => Ok(Store::open(&path, mode, &patience)),
        }
    }

    /// The path of the template database, as the user would name it.
    pub(crate) fn database_path(&self) -> anyhow::Result<Utf8PathBuf> {
        let shown = session::shown(&self.database_file()?);
        // The current folder, which is no database, as the opening tells; but it needs a name for it.
        Ok(if shown.as_str().is_empty() { ".".into() } else { shown })
    }

    fn database_file(&self) -> anyhow::Result<Utf8PathBuf> {
        Ok(match &self.template_db {
            Some(given) => session::current_folder()?.join(given),
            None => self.root.join(self.config.template_database()),
        })
    }
}

/// Adds the template database's answer for a request to a project. The database is opened only if a suite takes its
/// templates from it.
pub(crate) fn ask<'s>(session: &Session, project: Project<'s>, request: &Request) -> anyhow::Result<Project<'s>> {
    if !Registry::is_needed(&project.config, request) {
        return Ok(project);
    }
    let store = session.database(Mode::ReadOnly)?;
    let mappings = store.mappings()?.into_iter().map(|mapping| (mapping.model, Family::new(mapping.family)));
    let registry = Registry::new(&project.catalogue, mappings);
    let wanted = registry.wanted(&project.config, request);
    let chosen = store.select(&wanted)?;
    let registry = registry.with_chosen(wanted, chosen, store.offers()?);
    let file = session.database_file()?;
    // A project's paths are relative to its root.
    Ok(project.with_registry(file.strip_prefix(&session.root).unwrap_or(&file), registry))
}

impl Session {
    /// Reads the inputs for a plan: the project, and the template database if a suite uses it.
    pub(crate) fn project_for(&self, request: &Request) -> anyhow::Result<Project<'_>> {
        ask(self, self.project(), request)
    }
}

/// The path of the template database, to watch it.
pub(crate) fn file(session: &Session) -> Option<Utf8PathBuf> {
    Some(session::current_folder().ok()?.join(session.database_path().ok()?))
}

/// The one project that the command line selects.
pub(crate) fn one_session(global: &Global) -> anyhow::Result<Session> {
    let mut sessions = Session::open_all(global)?;
    match (sessions.pop(), sessions.is_empty()) {
        (Some(session), true) => Ok(session),
        _ => bail!("a template database is for one project; choose it with `--package` or `--root`"),
    }
}
