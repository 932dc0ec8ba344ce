//! An error-tolerant parser of Tera templates. Every piece is parsed separately, so that a half-typed tag hides nothing
//! else. Tera is the authority on what is valid; this parser follows its rules (version 2.4) and continues after the
//! first error.
//!
//! It never fails and never panics, takes linear time, and knows no names except the language's own.

mod component;
mod cursor;
mod expression;
mod reparse;
mod sections;
mod shift;
mod tags;
pub mod tree;
pub mod walk;

#[cfg(test)]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

use self::cursor::Cursor;
use self::sections::Nesting;
use self::tree::{Element, ElementKind, Fault, LoopContext, Tree};
use super::scan::{self, Piece, PieceKind, Scanned, Strings};

pub use self::component::PARAMETER_TYPES;
pub use self::expression::LOOP_FIELDS;
pub use self::reparse::{Reparsed, Replacement, reparse};
pub(super) use self::shift::Shift;
pub use self::tags::TAGS;

/// Parses a whole template.
#[must_use]
pub fn parse(source: &str) -> Tree {
    let scanned = scan::scan_with(source, Strings::ToTheirEnd);
    let ambiguous = scanned.ambiguous;
    let tree = assemble(source, scanned);
    // A string may have swallowed the end of its tag. If that is valid, it is intended; otherwise the tag is
    // half-typed.
    if tree.faults.is_empty() || !ambiguous {
        return tree;
    }
    assemble(source, scan::scan_with(source, Strings::ToTheEndOfTheTag))
}

fn assemble(source: &str, Scanned { pieces, is_local, .. }: Scanned) -> Tree {
    let mut tree = Tree { elements: Vec::with_capacity(pieces.len()), is_local, ..Tree::default() };
    let mut nesting = Nesting::new(source);
    for (number, piece) in pieces.iter().enumerate() {
        let context = nesting.loop_context(piece);
        let (kind, fault) = read(source, piece, context);
        tree.elements.push(Element { kind, parent: None, end: None, context });
        nesting.add(&mut tree, number, piece, fault);
    }
    nesting.finish(&mut tree);
    tree.pieces = pieces;
    tree
}

/// What replaces `{{ macros::name(a=x) }}` of Tera 1.
const CALL_OF_TERA_1: &str = "a component is called as `{{ <name a={x} /> }}`";

/// Parses a piece without its surroundings.
fn read(source: &str, piece: &Piece, context: LoopContext) -> (ElementKind, Option<Fault>) {
    match piece.kind {
        PieceKind::Text => (ElementKind::Text, None),
        PieceKind::Raw => (ElementKind::Raw, None),
        PieceKind::Comment => (ElementKind::Comment, unclosed(source, piece, "this comment", "#}")),
        PieceKind::Expression => {
            let mut cursor = cursor(source, piece, context);
            let expression = expression::expression(&mut cursor);
            if cursor.peek() == ":" && cursor.fault.is_none() {
                cursor.fail("Tera 2 has no macros to call".to_owned(), Some(CALL_OF_TERA_1));
            }
            if !cursor.is_at_end() && cursor.fault.is_none() {
                cursor.fail_expecting("`}}`");
            }
            let fault = unclosed(source, piece, "this expression", "}}").or(cursor.fault);
            (ElementKind::Output(expression), fault)
        }
        PieceKind::Tag => {
            let mut cursor = cursor(source, piece, context);
            let kind = tags::tag(&mut cursor);
            (kind, unclosed(source, piece, "this tag", "%}").or(cursor.fault))
        }
    }
}

fn cursor<'t>(source: &'t str, piece: &'t Piece, context: LoopContext) -> Cursor<'t> {
    Cursor::new(source, &piece.tokens, piece.span.start + 2, context)
}

fn unclosed(source: &str, piece: &Piece, what: &str, closing: &str) -> Option<Fault> {
    if piece.closed {
        return None;
    }
    let text = source[piece.span.clone()].trim_end();
    let line = text.lines().next().unwrap_or_default().trim_end();
    Some(Fault {
        span: piece.span.start..piece.span.start + line.len(),
        message: format!("{what} is never closed"),
        help: Some(format!("close it with `{closing}`")),
    })
}
