//! An open document: the client's text, updated edit by edit.
//!
//! It knows text and versions; it must not know what the text means.

use std::borrow::Cow;
use std::sync::Arc;

use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use crate::position::{Encoding, Lines, Measured};

/// One version of an open document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The client's version number.
    pub(crate) version: i32,
    /// The whole text.
    pub(crate) text: Arc<str>,
    /// Where its lines begin.
    pub(crate) lines: Lines,
}

impl Document {
    /// A document as it was opened.
    pub(crate) fn new(version: i32, text: &str) -> Self {
        Self { version, text: Arc::from(text), lines: Lines::new(text) }
    }

    /// The document after the changes of one notification, applied in order.
    pub(crate) fn changed(
        &self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Self {
        let mut text = Cow::Borrowed(&*self.text);
        let mut lines = self.lines.clone();
        for change in changes {
            if let Some(range) = change.range {
                let span = lines.span(&text, range, encoding);
                let after = [&text[..span.start], &change.text, &text[span.end..]].concat();
                lines.replace(&span, &after, change.text.len());
                text = Cow::Owned(after);
            } else {
                lines = Lines::new(&change.text);
                text = Cow::Owned(change.text);
            }
        }
        Self { version, text: Arc::from(text), lines }
    }

    /// Its text with its lines.
    pub(crate) fn measured(&self, encoding: Encoding) -> Measured<'_> {
        Measured::with_lines(&self.text, &self.lines, encoding)
    }
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
    }

    #[test]
    fn a_change_without_a_range_is_the_whole_text() {
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "new".to_owned() };
        assert_eq!(Document::new(1, "old").changed(2, vec![whole], Encoding::Utf16), Document::new(2, "new"));
    }
}
