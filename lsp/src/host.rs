//! What the server needs from the program that starts it: the locations of projects, and their files.
//!
//! This is the server's only access to the outside world.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::config::Origin;
use tgen_core::template::library::Pack;

/// The server's access to the outside world.
pub trait Host: Send + Sync + 'static {
    /// The project of a folder: the nearest one at or above it.
    ///
    /// # Errors
    /// Why it cannot be determined, in a sentence for the user.
    fn locate(&self, folder: &Utf8Path) -> Result<ServedProject, String>;

    /// The files below a project's root.
    fn files(&self, root: &Utf8Path) -> Arc<dyn Files + Send + Sync>;

    /// The built-in templates.
    fn pack(&self) -> &'static Pack;
}

/// The location of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedProject {
    /// The folder that the project's paths are relative to; absolute.
    pub root: Utf8PathBuf,
    /// The file in it that contains the configuration; `None` for the built-in configuration.
    pub origin: Option<Origin>,
}
