//! A document that is edited bit by bit, in each of the protocol's encodings, is the client's own.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tgen_lsp::fuzzing::{Edit, after_edits};

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

/// A place in a text where the protocol has a position: not between `\r` and `\n`.
fn boundary(text: &[char], at: usize) -> usize {
    let at = at % (text.len() + 1);
    let is_torn = at > 0 && at < text.len() && text[at - 1] == '\r' && text[at] == '\n';
    at - usize::from(is_torn)
}

/// A client's own way to count: line and character.
fn position(text: &[char], at: usize, encoding: &str) -> (u32, u32) {
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
