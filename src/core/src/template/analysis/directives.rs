//! Directives in comments: support templates, and allowed problems. A directive is found by its text, so it works in
//! both dialects and in the comments of any language.

use super::{Analysis, Reference};
use crate::template::syntax::tree::Span;

/// Followed by a template's name: renders that template once beside the outputs.
pub const SUPPORT_DIRECTIVE: &str = "tgen-support:";

/// Followed by problem codes: allows these problems on the same line and, if the comment is on a line of its own, on
/// the next line.
pub const ALLOW_DIRECTIVE: &str = "tgen-allow:";

/// Problems that a comment allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The codes as written.
    pub codes: Vec<Reference>,
    /// The part of the source where they are allowed.
    pub reach: Span,
}

pub(super) fn read(source: &str, analysis: &mut Analysis) {
    let mut line = 0..0;
    for at in memchr::memmem::find_iter(source.as_bytes(), b"tgen-") {
        if at >= line.end {
            line =
                source[line.end..at].rfind('\n').map_or(line.start, |found| line.end + found + 1)..line_end(source, at);
        }
        let rest = &source[at..];
        if rest.starts_with(SUPPORT_DIRECTIVE) {
            analysis.support.extend(words(source, at + SUPPORT_DIRECTIVE.len(), line.end).into_iter().next());
        } else if rest.starts_with(ALLOW_DIRECTIVE) {
            let codes = words(source, at + ALLOW_DIRECTIVE.len(), line.end);
            analysis.allows.push(Allow { codes, reach: reach(source, &line, at) });
        }
    }
}

/// The words after a directive, up to the end of the comment or of the line.
fn words(source: &str, from: usize, line_end: usize) -> Vec<Reference> {
    // A line may have several directives.
    let end = source[from..line_end].find("tgen-").map_or(line_end, |found| from + found);
    let line = &source[from..end];
    let text = &line[..line.find('#').unwrap_or(line.len())];
    let mut words = Vec::new();
    for word in text.split([',', ' ', '\t', '\r']).filter(|word| !word.is_empty()) {
        let start = word.as_ptr() as usize - source.as_ptr() as usize;
        words.push(Reference { name: word.to_owned(), span: start..start + word.len() });
    }
    words
}

/// The line of the directive; if nothing precedes the comment, the next line as well.
fn reach(source: &str, line: &Span, at: usize) -> Span {
    let opens = |char| matches!(char, ' ' | '\t' | '{' | '#' | '-' | '/' | '*' | ';');
    let is_first = source[line.start..at].chars().all(opens);
    let is_last = || source[at..line.end].split_once("#}").is_none_or(|(_, after)| after.trim().is_empty());
    if is_first && is_last() {
        return line.start..line_end(source, (line.end + 1).min(source.len()));
    }
    line.clone()
}

fn line_end(source: &str, from: usize) -> usize {
    source[from..].find('\n').map_or(source.len(), |found| from + found)
}
