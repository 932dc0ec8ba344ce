//! `tgen/checked`: which versions of the open documents are checked to the end, for a client that wants to know. Until then
//! diagnostics may follow; afterwards none do before something changes.

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::VersionedTextDocumentIdentifier;
use tower_lsp::ls_types::notification::Notification;

/// The notification.
pub(crate) enum Checked {}

/// The open documents, all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CheckedParams {
    /// Each with the version that was checked.
    pub(crate) documents: Vec<VersionedTextDocumentIdentifier>,
}

impl Notification for Checked {
    type Params = CheckedParams;
    const METHOD: &'static str = "tgen/checked";
}
