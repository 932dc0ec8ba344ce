//! The template database as one more input of a project under watch.
//!
//! It is opened for each rebuild and closed again, so that other processes can write to it, and only if a suite takes its
//! templates from it.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::{Code, Problem};
use tgen_core::project::Project;
use tgen_core::project::registered::Registry;
use tgen_core::project::request::Request;

use crate::project::arguments::Global;
use crate::project::database;
use crate::project::session::Session;
use crate::project::standpoint::Standpoint;
use crate::world::disk::Disk;

/// The template database of a project.
pub(super) struct Database<'d> {
    global: &'d Global,
    root: Utf8PathBuf,
    file: Option<Utf8PathBuf>,
}

impl<'d> Database<'d> {
    /// The database of the project in `root`. It is opened only by [`Database::answer`].
    pub(super) fn new(global: &'d Global, root: &Utf8Path) -> Self {
        Self { global, root: root.to_owned(), file: None }
    }

    /// The database file; none if no suite takes its templates from a database.
    pub(super) fn file(&self) -> Option<&Utf8Path> {
        self.file.as_deref()
    }

    /// The project with the database's answers for a request; none if no suite needs them.
    pub(super) fn answer<'p>(
        &mut self,
        project: &Project<'p>,
        request: &Request,
    ) -> Result<Option<Project<'p>>, Problem> {
        self.file = None;
        let disk = Disk::new(self.root.clone());
        let standpoint = Standpoint::new(&self.root, &self.root);
        let session = Session::new(disk, self.root.clone(), (*project.config).clone(), standpoint, self.global);
        if !Registry::is_needed(&session.config, request) {
            return Ok(None);
        }
        self.file = database::file(&session);
        // A database that is named on the command line adds a suite to the configuration.
        let mut project = project.clone();
        project.config = Arc::new(session.config.clone());
        let answered = database::ask(&session, project, request);
        answered.map(Some).map_err(|error| Problem::error(Code::UnreadableFile, format!("{error:#}")))
    }
}
