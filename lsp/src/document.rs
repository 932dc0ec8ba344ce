//! An open document: the client's text, kept equal to it edit by edit.
//!
//! It knows text and versions; it must not know what the text means.

use std::ops::Range;
use std::sync::Arc;

use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use crate::position::{Encoding, Lines};

/// An open document as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The client's number of it.
    pub(crate) version: i32,
    /// The whole text.
    pub(crate) text: Arc<str>,
}

impl Document {
    /// A document as it was opened.
    pub(crate) fn new(version: i32, text: &str) -> Self {
        Self { version, text: Arc::from(text) }
    }

    /// The document after the changes of one notification, each of which sees what the one before it left.
    pub(crate) fn changed(
        &self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Self {
        let mut text = String::from(&*self.text);
        for change in changes {
            match change.range {
                Some(range) => {
                    let span = Lines::new(&text).span(&text, range, encoding);
                    text.replace_range(span, &change.text);
                }
                None => text = change.text,
            }
        }
        Self { version, text: Arc::from(text) }
    }
}

/// The stretch of `old` that an edit replaced on its way to `new`, as bytes in `old`, and how long its replacement is.
pub(crate) fn replaced(old: &str, new: &str) -> (Range<usize>, usize) {
    let shorter = old.len().min(new.len());
    let before = old.bytes().zip(new.bytes()).take_while(|(left, right)| left == right).count();
    let after =
        old.bytes().rev().zip(new.bytes().rev()).take(shorter - before).take_while(|(left, right)| left == right);
    let after = after.count();
    (before..old.len() - after, new.len() - after - before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tower_lsp::ls_types::{Position, Range};

    use super::*;

    /// A client's own way to count, which shares nothing with ours: it walks from the beginning, character by character.
    fn position(text: &[char], at: usize, encoding: Encoding) -> Position {
        let (mut line, mut character) = (0, 0);
        for (index, found) in text[..at].iter().enumerate() {
            let ends_line = *found == '\n' || (*found == '\r' && text.get(index + 1) != Some(&'\n'));
            if ends_line {
                (line, character) = (line + 1, 0);
            } else {
                character += match encoding {
                    Encoding::Utf8 => found.to_string().len(),
                    Encoding::Utf16 => found.to_string().encode_utf16().count(),
                    Encoding::Utf32 => 1,
                };
            }
        }
        Position::new(line, u32::try_from(character).unwrap())
    }

    /// No position of the protocol stands between `\r` and `\n`.
    fn is_a_position(text: &[char], at: usize) -> bool {
        !(at > 0 && at < text.len() && text[at - 1] == '\r' && text[at] == '\n')
    }

    proptest! {
        #[test]
        fn random_edits_give_the_clients_document(
            start in "[aé😀\r\n{}]{0,30}",
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[bü🦀\r\n]{0,5}"), 0..20),
            encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16, Encoding::Utf32]),
            together in any::<bool>(),
        ) {
            let mut client: Vec<char> = start.chars().collect();
            let mut server = Document::new(0, &start);
            let mut batch = Vec::new();
            for (left, right, text) in edits {
                let (left, right) = (left.index(client.len() + 1), right.index(client.len() + 1));
                let (left, right) = (left.min(right), left.max(right));
                if !is_a_position(&client, left) || !is_a_position(&client, right) {
                    continue;
                }
                let range = Range::new(position(&client, left, encoding), position(&client, right, encoding));
                client.splice(left..right, text.chars());
                batch.push(TextDocumentContentChangeEvent { range: Some(range), range_length: None, text });
                if !together {
                    server = server.changed(server.version + 1, std::mem::take(&mut batch), encoding);
                }
            }
            server = server.changed(server.version + 1, batch, encoding);
            prop_assert_eq!(client.iter().collect::<String>(), &*server.text);
        }

        #[test]
        fn what_was_replaced_makes_the_new_text_of_the_old(old in "[abé]{0,12}", new in "[abé]{0,12}") {
            let (span, length) = replaced(&old, &new);
            let middle = &new.as_bytes()[span.start..span.start + length];
            let rebuilt = [&old.as_bytes()[..span.start], middle, &old.as_bytes()[span.end..]].concat();
            prop_assert_eq!(rebuilt, new.as_bytes());
        }
    }

    #[test]
    fn a_change_without_a_range_is_the_whole_text() {
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "new".to_owned() };
        assert_eq!(Document::new(1, "old").changed(2, vec![whole], Encoding::Utf16), Document::new(2, "new"));
    }
}
