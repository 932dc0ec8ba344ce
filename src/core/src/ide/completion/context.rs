//! Determines what to complete from the tokens before the cursor, not from the tree, so that it works in a half-typed
//! tag.

use crate::template::Dialect;
use crate::template::analysis::CalleeKind;
use crate::template::library::Source;
use crate::template::scan::{Piece, PieceKind, Token, TokenKind};
use crate::template::syntax::tree::Span;

/// What to complete, and the text that a completion replaces.
pub(super) struct Context {
    pub(super) what: Asked,
    pub(super) replaced: Span,
}

/// What to complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// The first word of a tag.
    Tag,
    /// The name after `endblock` or in `</name>`.
    EndName,
    /// A block's name.
    Block,
    /// A template's name, in quotes.
    Template,
    /// A filter, test or function.
    Callee(CalleeKind),
    /// A component's name.
    Component,
    /// An argument of a filter, test or function of that name.
    Argument(String),
    /// An attribute of a component of that name.
    Attribute(String),
    /// A field of the expression that ends at an offset.
    Field(usize),
    /// A key, in quotes, of the expression that ends at an offset.
    Key(usize),
    /// A value.
    Value,
    /// An operator between two values or after one.
    Operator(&'static [&'static str]),
    /// A new name, for which nothing is offered.
    Nothing,
}

const OPERATORS: &[&str] = &["and", "or", "in", "is", "not in", "if", "else"];

/// What to complete at an offset; `None` in text and comments, and for new names.
pub(super) fn at(source: &Source, offset: usize) -> Option<Context> {
    match source.dialect() {
        Dialect::Dollar => in_dollar(&source.text, offset),
        Dialect::Tera => in_tera(source, offset),
    }
}

/// After `${` and the letters of a name.
fn in_dollar(text: &str, offset: usize) -> Option<Context> {
    let is_part = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let start = text[..offset].trim_end_matches(is_part).len();
    let opened = text[..start].strip_suffix("${")?;
    if opened.ends_with('$') {
        return None;
    }
    let end = offset + text[offset..].len() - text[offset..].trim_start_matches(is_part).len();
    Some(Context { what: Asked::Value, replaced: start..end })
}

fn in_tera(source: &Source, offset: usize) -> Option<Context> {
    let pieces = &source.tree().pieces;
    let after = pieces.partition_point(|piece| piece.span.start < offset);
    let piece = pieces.get(after.checked_sub(1)?)?;
    let is_inside = offset >= piece.span.start + 2 && (offset < piece.span.end || !piece.closed);
    if !is_inside || !matches!(piece.kind, PieceKind::Expression | PieceKind::Tag) {
        return None;
    }
    let words = Words::before(source, piece, offset);
    let what = words.in_string().or_else(|| if words.string.is_some() { None } else { words.asked(piece.kind) })?;
    Some(Context { what, replaced: words.replaced })
}

/// The tokens of a tag before the cursor, without the word that is being typed.
struct Words<'s> {
    source: &'s str,
    before: &'s [Token],
    /// The string that contains the cursor.
    string: Option<&'s Token>,
    replaced: Span,
}

impl<'s> Words<'s> {
    fn before(source: &'s Source, piece: &'s Piece, offset: usize) -> Self {
        let count = piece.tokens.partition_point(|token| token.span.start < offset);
        let last = count.checked_sub(1).map(|last| &piece.tokens[last]);
        let is_typed = |token: &&Token| token.kind == TokenKind::Ident && token.span.end >= offset;
        let is_string = |token: &&Token| {
            let text = token.text(&source.text);
            let is_open = text.len() < 2 || !text.ends_with(&text[..1]);
            token.kind == TokenKind::Str && (offset < token.span.end || is_open && offset == token.span.end)
        };
        let string = last.filter(is_string);
        let (before, replaced) = match (last.filter(is_typed), string) {
            (Some(word), _) => (&piece.tokens[..count - 1], word.span.clone()),
            (None, Some(string)) => (&piece.tokens[..count - 1], content(&source.text, string)),
            (None, None) => (&piece.tokens[..count], offset..offset),
        };
        Self { source: &source.text, before, string, replaced }
    }

    /// The `back`-th token before the cursor, from 1; empty if there is none.
    fn back(&self, back: usize) -> &'s str {
        self.token(back).map_or("", |token| token.text(self.source))
    }

    fn token(&self, back: usize) -> Option<&'s Token> {
        self.before.len().checked_sub(back).and_then(|at| self.before.get(at))
    }

    fn end_of(&self, back: usize) -> usize {
        self.token(back).map_or(0, |token| token.span.end)
    }

    /// What to complete in quotes.
    fn in_string(&self) -> Option<Asked> {
        self.string?;
        match (self.before.len(), self.back(1)) {
            (1, "extends" | "include") => Some(Asked::Template),
            (_, "[" | "?[") => Some(Asked::Key(self.end_of(2))),
            _ => None,
        }
    }

    fn asked(&self, kind: PieceKind) -> Option<Asked> {
        if kind == PieceKind::Tag
            && let Some(asked) = self.in_tag()
        {
            return Some(asked);
        }
        match self.back(1) {
            "." | "?." => return Some(Asked::Field(self.end_of(2))),
            "|" => return Some(Asked::Callee(CalleeKind::Filter)),
            "is" => return Some(Asked::Callee(CalleeKind::Test)),
            "not" if self.back(2) == "is" => return Some(Asked::Callee(CalleeKind::Test)),
            "<" if !self.is_after_value(2) => return Some(Asked::Component),
            _ => {}
        }
        match self.innermost() {
            Some(Open::Call(callee)) if matches!(self.back(1), "(" | ",") => Some(Asked::Argument(callee)),
            Some(Open::Component(component)) if self.back(1) != "=" => Some(Asked::Attribute(component)),
            Some(Open::Component(_)) => None,
            _ if self.is_after_value(1) => Some(Asked::Operator(OPERATORS)),
            _ => Some(Asked::Value),
        }
    }

    /// What to complete after the first words of a tag; `None` in an expression.
    fn in_tag(&self) -> Option<Asked> {
        let first = self.before.first().map_or("", |token| token.text(self.source));
        let is_before_in = || !self.before.iter().any(|token| token.text(self.source) == "in");
        Some(match (first, self.before.len()) {
            ("", 0) => Asked::Tag,
            ("block", 1) => Asked::Block,
            ("endblock" | "endcomponent" | "</", 1) => Asked::EndName,
            ("filter", 1) => Asked::Callee(CalleeKind::Filter),
            ("for" | "set" | "set_global", 1) => Asked::Nothing,
            ("for", _) if is_before_in() && self.back(1) == "," => Asked::Nothing,
            ("for", _) if is_before_in() => Asked::Operator(&["in"]),
            ("set" | "set_global", 2) => Asked::Operator(&["="]),
            ("set" | "set_global" | "if" | "elif" | "for" | "filter" | "<", _) => return None,
            _ => Asked::Nothing,
        })
    }

    /// Whether the token `back` tokens before the cursor ends a value.
    fn is_after_value(&self, back: usize) -> bool {
        let Some(token) = self.token(back) else { return false };
        let text = token.text(self.source);
        match token.kind {
            TokenKind::Str | TokenKind::Number => true,
            TokenKind::Ident => !matches!(text, "and" | "or" | "not" | "in" | "is" | "if" | "else" | "elif" | "for"),
            TokenKind::Punctuation => matches!(text, ")" | "]" | "}"),
            TokenKind::Unknown => false,
        }
    }

    /// The innermost call, component or bracket that is open at the cursor.
    fn innermost(&self) -> Option<Open> {
        let mut depth = 0_usize;
        for at in (0..self.before.len()).rev() {
            let text = self.before[at].text(self.source);
            match text {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" if depth > 0 => depth -= 1,
                "(" => return Some(self.called_before(at)),
                "[" | "{" | "?[" => return Some(Open::Other),
                "<" if depth == 0 && self.opens_component(at) => return Some(Open::Component(self.dotted_after(at))),
                _ => {}
            }
        }
        None
    }

    fn called_before(&self, parenthesis: usize) -> Open {
        match parenthesis.checked_sub(1).map(|name| &self.before[name]) {
            Some(name) if name.kind == TokenKind::Ident => Open::Call(name.text(self.source).to_owned()),
            _ => Open::Other,
        }
    }

    fn opens_component(&self, at: usize) -> bool {
        let is_named = self.before.get(at + 1).is_some_and(|token| token.kind == TokenKind::Ident);
        is_named && !self.is_after_value(self.before.len() - at + 1)
    }

    fn dotted_after(&self, at: usize) -> String {
        let mut name = String::new();
        for token in &self.before[at + 1..] {
            let text = token.text(self.source);
            let continues = (text == ".") != (name.is_empty() || name.ends_with('.'));
            if !continues || (text != "." && token.kind != TokenKind::Ident) {
                break;
            }
            name.push_str(text);
        }
        name
    }
}

/// Something that is open at the cursor.
enum Open {
    /// The arguments of a filter, test or function of that name.
    Call(String),
    /// The attributes of a component of that name.
    Component(String),
    /// Brackets, braces or parentheses around values.
    Other,
}

/// The content of a string, which need not be closed.
fn content(source: &str, string: &Token) -> Span {
    let text = string.text(source);
    let is_closed = text.len() >= 2 && text.ends_with(&text[..1]);
    string.span.start + 1..string.span.end - usize::from(is_closed)
}
