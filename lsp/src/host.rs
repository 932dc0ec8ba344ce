//! What the server asks of the program that starts it: where projects are, and their files.
//!
//! Through this the server sees the world, and through nothing else.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::config::Origin;
use tgen_core::template::library::Pack;

/// The world, as the server needs it.
pub trait Host: Send + Sync + 'static {
    /// The project that a folder belongs to: the nearest one above it.
    ///
    /// # Errors
    /// Why none can be told, in a sentence for the user.
    fn locate(&self, folder: &Utf8Path) -> Result<Located, String>;

    /// The files below a project's root.
    fn files(&self, root: &Utf8Path) -> Arc<dyn Files + Send + Sync>;

    /// The built-in templates.
    fn pack(&self) -> &'static Pack;
}

/// Where a project is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The folder that the project's paths are relative to; absolute.
    pub root: Utf8PathBuf,
    /// The file in it that holds the configuration; none for the built-in configuration.
    pub origin: Option<Origin>,
}
