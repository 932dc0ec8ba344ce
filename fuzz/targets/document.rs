//! A document that is edited bit by bit, in each of the protocol's encodings, is the client's own.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tgen_lsp::fuzzing::{Edit, after_edits, boundary, position};

#[derive(Debug, Arbitrary)]
struct Session<'s> {
    text: &'s str,
    edits: Vec<(usize, usize, &'s str)>,
}

fuzz_target!(|session: Session<'_>| {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut text: Vec<char> = session.text.chars().collect();
        let mut edits = Vec::new();
        for (first, second, new) in &session.edits {
            let (first, second) = (boundary(&text, *first), boundary(&text, *second));
            let (start, end) = (first.min(second), first.max(second));
            let range = [start, end].map(|at| position(&text, at, encoding));
            edits.push(Edit { range, text: (*new).to_owned() });
            text.splice(start..end, new.chars());
        }
        let expected: String = text.into_iter().collect();
        assert_eq!(after_edits(session.text, edits, encoding), expected, "{encoding}");
    }
});
