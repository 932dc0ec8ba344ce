//! Stands in for the template database in a build without the feature `store`: opening it is an error that says so.

use anyhow::bail;
use camino::Utf8PathBuf;
use tgen_core::project::Project;
use tgen_core::project::registered::Registry;
use tgen_core::project::request::Request;

use crate::project::session::Session;

/// The error message, with the next step.
pub(crate) const MISSING: &str =
    "this build has none; install cargo-tgen with its default features, or as the Python package";

/// Fails if the request needs the template database.
pub(crate) fn ask<'s>(_: &Session, project: Project<'s>, request: &Request) -> anyhow::Result<Project<'s>> {
    if Registry::is_needed(&project.config, request) {
        bail!(
            "a suite takes its templates from the template database, and {MISSING}; or choose other suites with `--suite`"
        );
    }
    Ok(project)
}

impl Session {
    /// Reads the inputs for a plan; fails if a suite uses the template database.
    pub(crate) fn project_for(&self, request: &Request) -> anyhow::Result<Project<'_>> {
        ask(self, self.project(), request)
    }
}

/// The error for `--template-db`.
pub(crate) fn refuse(_: &str) -> Result<String, String> {
    Err(format!("it names a template database, and {MISSING}"))
}

/// There is no file to watch.
pub(crate) fn file(_: &Session) -> Option<Utf8PathBuf> {
    None
}
