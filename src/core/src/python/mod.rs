//! Python source, read without running it: syntax errors and literal values, by ruff's parser.
//!
//! This module must not know what the source is used for.

mod known_parts;
pub mod likeness;
pub mod spliced;
pub mod splices;

pub use self::known_parts::KnownParts;

use ruff_python_ast::{Expr, ModModule};
use ruff_python_parser::{Parsed, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};

/// Sources up to this many bytes cannot nest deeply enough to exhaust a thread's stack.
const SHALLOW: usize = 16 * 1024;
/// Stack per byte of source: a level of nesting takes at least one byte, and dropping its node takes this much stack.
const STACK_PER_BYTE: usize = 768;
/// The largest stack that is allocated; only the pages that are used take memory.
const LARGEST_STACK: usize = 2 * 1024 * 1024 * 1024;

/// Runs work that parses `source` with enough stack for the deepest nesting that the source can have. The parser limits
/// its own recursion, but dropping its tree is recursive.
pub fn with_stack_for<T>(source: &str, work: impl FnOnce() -> T) -> T {
    if source.len() <= SHALLOW {
        return work();
    }
    stacker::grow(source.len().saturating_mul(STACK_PER_BYTE).min(LARGEST_STACK), work)
}

/// Parses a module. The parser recovers from errors, so the tree holds whatever could be read.
#[must_use]
pub fn parse(source: &str) -> Parsed<ModModule> {
    parse_unchecked_source(source, ruff_python_ast::PySourceType::Python)
}

/// A syntax error: the span of byte offsets and what the parser says, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offsets in the source.
    pub span: std::ops::Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// The syntax errors of a module, in the order of the source.
#[must_use]
pub fn syntax_errors(source: &str) -> Vec<SyntaxError> {
    with_stack_for(source, || errors_of(&parse(source)))
}

/// The syntax errors of a module that was parsed already.
#[must_use]
pub fn errors_of(parsed: &Parsed<ModModule>) -> Vec<SyntaxError> {
    parsed
        .errors()
        .iter()
        .map(|error| SyntaxError { span: span(error.location), message: lower_first(&error.error.to_string()) })
        .collect()
}

/// A text range as byte offsets.
#[must_use]
pub fn span(range: TextRange) -> std::ops::Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

/// The text of a string literal, implicit concatenation joined; none for anything else.
#[must_use]
pub fn string_literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str()),
        _ => None,
    }
}

/// The source text of any node.
#[must_use]
pub fn text_of<'source>(node: &impl Ranged, source: &'source str) -> &'source str {
    &source[span(node.range())]
}

pub(crate) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_nesting_exhausts_no_stack() {
        for source in ["-".repeat(100_000) + "1", "1+".repeat(50_000) + "1"] {
            assert!(syntax_errors(&source).is_empty());
        }
    }
}
