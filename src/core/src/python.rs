//! Python source, read without running it: syntax errors and literal values, by ruff's parser.
//!
//! This module knows Python and nothing of what the source is for.

use ruff_python_ast::{Expr, ModModule};
use ruff_python_parser::{Parsed, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};

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
    errors_of(&parse(source))
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

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
