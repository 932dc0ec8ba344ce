//! What a fuzz target needs of the inside: a document under edits.

use tower_lsp::ls_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

use crate::document::Document;
use crate::position::Encoding;

/// One edit as a client sends it.
pub struct Edit {
    /// Start and end: line and character.
    pub range: [(u32, u32); 2],
    /// What stands there instead.
    pub text: String,
}

/// The text after edits, each of which sees what the one before it left.
#[must_use]
pub fn after_edits(text: &str, edits: Vec<Edit>, encoding: &'static str) -> String {
    let encoding = Encoding::negotiate(&[PositionEncodingKind::new(encoding)]);
    let [start, end] =
        [0, 1].map(|side: usize| move |edit: &Edit| Position::new(edit.range[side].0, edit.range[side].1));
    let change = |edit: Edit| TextDocumentContentChangeEvent {
        range: Some(Range::new(start(&edit), end(&edit))),
        range_length: None,
        text: edit.text,
    };
    Document::new(0, text).changed(1, edits.into_iter().map(change).collect(), encoding).text.to_string()
}
