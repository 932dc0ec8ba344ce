//! The overlay of open documents over a project's files: an open document hides the file on disk.

use std::sync::Arc;

use tgen_core::base::files::Files;
use tgen_core::base::layered;

pub(crate) use tgen_core::base::layered::Texts;

/// A project's files with open documents over them.
pub(crate) type Layered = layered::Layered<Arc<dyn Files + Send + Sync>>;
