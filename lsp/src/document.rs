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

    use super::*;
    use crate::fuzzing::{Edit, after_edits, boundary, position};

    proptest! {
        #[test]
        fn random_edits_give_the_clients_document(
            start in "[aé😀\r\n{}]{0,30}",
            edits in prop::collection::vec((any::<usize>(), any::<usize>(), "[bü🦀\r\n]{0,5}"), 0..20),
            encoding in prop::sample::select(vec!["utf-8", "utf-16", "utf-32"]),
            together in any::<bool>(),
        ) {
            let mut client: Vec<char> = start.chars().collect();
            let mut server = start.clone();
            let mut batch = Vec::new();
            for (left, right, text) in edits {
                let (left, right) = (boundary(&client, left), boundary(&client, right));
                let (left, right) = (left.min(right), left.max(right));
                let range = [left, right].map(|at| position(&client, at, encoding));
                client.splice(left..right, text.chars());
                batch.push(Edit { range, text });
                if !together {
                    server = after_edits(&server, std::mem::take(&mut batch), encoding);
                }
            }
            server = after_edits(&server, batch, encoding);
            prop_assert_eq!(client.iter().collect::<String>(), server);
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
