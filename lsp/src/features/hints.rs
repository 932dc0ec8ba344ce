//! Inlay hints: the values of placeholders for the previewed case.

use tgen_core::ide::hints;
use tower_lsp::ls_types::{InlayHint, InlayHintLabel, Range};

use crate::state::ProjectFile;

/// The values of the expressions printed within a range.
pub(crate) fn hints(file: &ProjectFile, within: Range) -> Option<Vec<InlayHint>> {
    file.ask(|view, measured| {
        let found = hints::inlay_hints(view, &file.path, measured.ours(within));
        let hint = |found: hints::InlayHint| InlayHint {
            position: measured.position(found.position),
            label: InlayHintLabel::String(found.label),
            kind: None,
            text_edits: None,
            tooltip: None,
            padding_left: Some(true),
            padding_right: None,
            data: None,
        };
        found.into_iter().map(hint).collect()
    })
}
