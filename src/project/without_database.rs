//! The template database in a build without the feature `store`: there is none, and whoever needs it is told.

use anyhow::bail;
use camino::Utf8PathBuf;
use tgen_core::project::Project;
use tgen_core::project::registered::Registry;
use tgen_core::project::request::Request;

use crate::project::session::Session;

/// Refuses what needs the template database.
pub(crate) fn ask<'s>(_: &Session, project: Project<'s>, request: &Request) -> anyhow::Result<Project<'s>> {
    if Registry::is_needed(&project.config, request) {
        bail!(
            "a suite takes its templates from the template database, which this build cannot open; choose other suites \
             with `--suite`, or install cargo-tgen with the feature `store`"
        );
    }
    Ok(project)
}

/// There is no file whose change could matter.
pub(crate) fn file(_: &Session) -> Option<Utf8PathBuf> {
    None
}
