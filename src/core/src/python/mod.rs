//! Python source, read without running it: syntax errors and literal values, by ruff's parser.
//!
//! This module must not know what the source is used for.

mod depth;
mod known_parts;
pub mod likeness;
pub mod spliced;
pub mod splices;

pub use self::depth::{MOST_LEVELS, parse_shallow};
pub use self::known_parts::KnownParts;

use ruff_python_ast::{Expr, ModModule, Stmt};
use ruff_python_parser::{Parsed, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};

/// Sources up to this many bytes cannot nest deeply enough to exhaust a thread's stack.
const SHALLOW: usize = 16 * 1024;
/// Stack per byte of source: a level of nesting takes at least one byte, and dropping its node takes this much stack.
const STACK_PER_BYTE: usize = 768;
/// The largest stack that is allocated, enough for what [`parse`] does not refuse; only the pages that are used take memory.
const LARGEST_STACK: usize = 64 * 1024 * 1024;

/// Runs work that parses `source` with enough stack for the deepest nesting that the source can have. The parser grows
/// its own stack, but dropping its tree is recursive.
pub fn with_stack_for<T>(source: &str, work: impl FnOnce() -> T) -> T {
    if source.len() <= SHALLOW {
        return work();
    }
    stacker::grow(source.len().saturating_mul(STACK_PER_BYTE).min(LARGEST_STACK), work)
}

/// Parses a module. The parser recovers from errors, so the tree holds whatever could be read. It ends where the source
/// becomes nested more deeply than Python allows, which takes gigabytes to parse.
#[must_use]
pub fn parse(source: &str) -> Parsed<ModModule> {
    let end = depth::too_deep(source).map_or(source.len(), |(offset, _)| offset);
    parse_whole(&source[..end])
}

/// Parses a module that is known not to be nested too deeply.
fn parse_whole(source: &str) -> Parsed<ModModule> {
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
    let Some((offset, how)) = depth::too_deep(source) else {
        return with_stack_for(source, || errors_of(&parse_whole(source)));
    };
    let before = &source[..offset];
    let mut errors = with_stack_for(before, || errors_of(&parse_whole(before)));
    // The parser misses the rest at the end.
    errors.retain(|error| error.span.end < offset);
    errors.push(SyntaxError { span: offset..offset + 1, message: how.to_string() });
    errors
}

/// Where a module's own statements may begin, as a byte offset: after its docstring and its imports from `__future__`,
/// which Python wants first.
#[must_use]
pub fn after_prologue(source: &str) -> usize {
    with_stack_for(source, || {
        let parsed = parse(source);
        let body = &parsed.syntax().body;
        let is_prologue = |statement: &Stmt| match statement {
            Stmt::Expr(expression) => expression.value.is_string_literal_expr(),
            Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
            _ => false,
        };
        let last = body.iter().take_while(|statement| is_prologue(statement)).last();
        let end = last.map_or(0, |statement| statement.end().to_usize());
        let rest = &source[end..];
        if last.is_none() { 0 } else { end + rest.find('\n').map_or(rest.len(), |newline| newline + 1) }
    })
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
    fn statements_may_begin_after_the_docstring_and_the_future_imports() {
        let future = "from __future__ import annotations";
        for (prologue, rest) in [
            ("", "import os\n"),
            ("", ""),
            ("\"\"\"Doc\n\"\"\"  # note\n", "import os\n"),
            ("# comment\n\nfrom __future__ import annotations\n", "x = 1\n"),
            ("'doc'\nfrom __future__ import (\n    annotations,\n)\n", ""),
            (future, ""),
        ] {
            assert_eq!(after_prologue(&format!("{prologue}{rest}")), prologue.len(), "{prologue}{rest}");
        }
    }

    #[test]
    fn the_deepest_nesting_exhausts_no_stack() {
        for part in ["-", "1+", "not "] {
            assert_eq!(syntax_errors(&format!("x = {}1\n{}", part.repeat(9_999), "y = 1\n".repeat(2_000))), []);
        }
    }

    #[test]
    fn what_python_refuses_as_too_deep_is_an_error_there_after_those_before() {
        let deep = "-".repeat(20_000) + "1";
        let messages = |source: &str| syntax_errors(source).into_iter().map(|error| error.message).collect::<Vec<_>>();
        let too_deep = "the expression nests more than 10000 operators, which is more than Python allows";
        assert_eq!(messages(&deep), [too_deep]);
        assert_eq!(messages(&format!("x = = 1\n{deep}")), ["expected an expression", too_deep]);
    }
}
