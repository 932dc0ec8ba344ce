//! Open documents laid over a project's files: what the user sees wins over what is on disk.

use std::sync::Arc;

use tgen_core::base::files::Files;
use tgen_core::base::layered;

pub(crate) use tgen_core::base::layered::Texts;

/// A project's files with the open documents.
pub(crate) type Layered = layered::Layered<Arc<dyn Files + Send + Sync>>;
