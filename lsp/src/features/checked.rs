//! `tgen/checked`: reports the versions of the open documents whose checks are complete. Before it, diagnostics may
//! still arrive; after it, none do until something changes.

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::VersionedTextDocumentIdentifier;
use tower_lsp::ls_types::notification::Notification;

/// The notification.
pub(crate) enum Checked {}

/// The parameters: all open documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CheckedParams {
    /// The documents with their checked versions.
    pub(crate) documents: Vec<VersionedTextDocumentIdentifier>,
}

impl Notification for Checked {
    type Params = CheckedParams;
    const METHOD: &'static str = "tgen/checked";
}
