//! The diagnostics that the client has, and the problems found by rendering, which edits only move until the next
//! rendering.

use std::collections::BTreeMap;
use std::sync::Arc;

use tgen_core::base::problem::Problem;
use tgen_core::base::text::{LineIndex, Range, replaced};
use tower_lsp::ls_types::{Diagnostic, Uri};

/// The diagnostics that the client has, and the problems of the last rendering.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    published: BTreeMap<Uri, (Option<i32>, Vec<Diagnostic>)>,
    rendered: BTreeMap<Uri, Rendered>,
}

/// The problems that rendering a document found.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    /// The edit counter when it was rendered.
    pub(crate) at: u64,
    /// The text that was rendered.
    pub(crate) text: Arc<str>,
    /// The problems found.
    pub(crate) problems: Vec<Problem>,
}

impl Shown {
    /// Records the diagnostics of a version; returns whether they differ from those the client has.
    pub(crate) fn is_news(&mut self, uri: &Uri, version: Option<i32>, diagnostics: &[Diagnostic]) -> bool {
        let is_known = |(known, shown): &(Option<i32>, Vec<Diagnostic>)| *known == version && shown == diagnostics;
        if self.published.get(uri).is_some_and(is_known) {
            return false;
        }
        self.published.insert(uri.clone(), (version, diagnostics.to_vec()));
        true
    }

    /// Removes a closed document.
    pub(crate) fn forget(&mut self, uri: &Uri) {
        self.published.remove(uri);
        self.rendered.remove(uri);
    }

    /// Records the result of a rendering; returns whether it differs from the last one.
    pub(crate) fn rendered(&mut self, uri: Uri, rendered: Rendered) -> bool {
        let problems = rendered.problems.clone();
        let before = self.rendered.insert(uri, rendered).map(|before| before.problems).unwrap_or_default();
        before != problems
    }

    /// Whether a document was rendered at this value of the edit counter.
    pub(crate) fn was_rendered_at(&self, uri: &Uri, edits: u64) -> bool {
        self.rendered.get(uri).is_some_and(|rendered| rendered.at == edits)
    }

    /// The problems found by rendering, moved to their places in the current text; those in edited parts are dropped.
    pub(crate) fn moved(&self, uri: &Uri, text: &str) -> Vec<Problem> {
        self.rendered.get(uri).map(|rendered| rendered.moved(text)).unwrap_or_default()
    }
}

impl Rendered {
    fn moved(&self, text: &str) -> Vec<Problem> {
        if self.problems.is_empty() || *self.text == *text {
            return self.problems.clone();
        }
        let (gone, length) = replaced(&self.text, text);
        let (before, after) = (LineIndex::new(&self.text), LineIndex::new(text));
        let offset = |range: Range| before.offset(range.start)..before.offset(range.end);
        let moved = self.problems.iter().filter_map(|problem| {
            let Some(span) = problem.range.map(offset) else { return Some(problem.clone()) };
            let span = if span.end <= gone.start {
                span
            } else if span.start >= gone.end {
                let shift = |at: usize| at + gone.start + length - gone.end;
                shift(span.start)..shift(span.end)
            } else {
                return None;
            };
            Some(problem.clone().at(after.range(span)))
        });
        moved.collect()
    }
}

#[cfg(test)]
mod tests {
    use tgen_core::base::problem::Code;
    use tgen_core::base::text::Position;

    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[&str]) {
        let lines = LineIndex::new(old);
        let problem = |word: &str| {
            let at = old.find(word).unwrap();
            Problem::error(Code::OutputSyntax, word).at(lines.range(at..at + word.len()))
        };
        let problems = ["one", "two", "three"].map(problem).to_vec();
        let moved = Rendered { at: 0, text: Arc::from(old), problems }.moved(new);
        let index = LineIndex::new(new);
        let offset = |position: Position| index.offset(position);
        let words: Vec<_> = moved.iter().filter_map(|problem| problem.range).collect();
        let words: Vec<_> = words.iter().map(|range| &new[offset(range.start)..offset(range.end)]).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn what_rendering_found_moves_with_the_text() {
        check("one\ntwo\nthree\n", "one\nnew\ntwo\nthree\n", &["one", "two", "three"]);
        check("one\ntwo\nthree\n", "one\n  two\nthree\n", &["one", "two", "three"]);
    }

    #[test]
    fn what_was_edited_is_no_longer_blamed() {
        check("one\ntwo\nthree\n", "one\ntwain\nthree\n", &["one", "three"]);
        check("one two three", "", &[]);
    }
}
