//! A document under edits, and a second implementation of position counting that shares no code with the server's. The
//! fuzz target and the property test use both.

use tower_lsp::ls_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

use crate::document::Document;
use crate::position::Encoding;

/// One edit as a client sends it.
pub struct Edit {
    /// Start and end: line and character.
    pub range: [(u32, u32); 2],
    /// The replacement.
    pub text: String,
}

/// The text after edits, applied in order.
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

/// The nearest offset that the protocol can express as a position: not between `\r` and `\n`. Any number is valid.
#[must_use]
pub fn boundary(text: &[char], at: usize) -> usize {
    let at = at % (text.len() + 1);
    let is_torn = at > 0 && at < text.len() && text[at - 1] == '\r' && text[at] == '\n';
    at - usize::from(is_torn)
}

/// The line and the character of an offset, counted from the beginning character by character.
#[must_use]
pub fn position(text: &[char], at: usize, encoding: &str) -> (u32, u32) {
    let (mut line, mut character) = (0, 0);
    for (index, found) in text[..at].iter().enumerate() {
        if *found == '\n' || (*found == '\r' && text.get(index + 1) != Some(&'\n')) {
            (line, character) = (line + 1, 0);
        } else {
            character += match encoding {
                "utf-8" => found.len_utf8(),
                "utf-16" => found.len_utf16(),
                _ => 1,
            };
        }
    }
    (line, u32::try_from(character).unwrap_or(u32::MAX))
}
