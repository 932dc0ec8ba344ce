//! An error-tolerant scanner of Tera templates: pieces and tokens with their exact byte spans.
//!
//! Tera is the authority on what is valid. The scanner only has to see what Tera sees in a valid template, and
//! something useful in a broken one: a half-typed tag ends at the next tag and hides nothing else. It never fails, and
//! the pieces always rejoin to the source. The rules follow `parsing/lexer.rs` of Tera 2.4.

use std::ops::Range;

/// One piece of a template, in the order of the source; the pieces leave no gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What the piece is.
    pub kind: PieceKind,
    /// Byte offsets of the whole piece, delimiters included.
    pub span: Range<usize>,
    /// The tokens between the delimiters; empty for text, raw text and comments.
    pub tokens: Vec<Token>,
    /// Whether the closing delimiter was found.
    pub closed: bool,
}

/// The kinds of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// Text that is written as it is.
    Text,
    /// `{% raw %}…{% endraw %}`, with its tags.
    Raw,
    /// `{# … #}`
    Comment,
    /// `{{ … }}`
    Expression,
    /// `{% … %}`
    Tag,
}

/// One token inside an expression or a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What the token is.
    pub kind: TokenKind,
    /// Byte offsets in the source.
    pub span: Range<usize>,
}

impl Token {
    /// The token's text in the source it was scanned from.
    #[must_use]
    pub fn text<'source>(&self, source: &'source str) -> &'source str {
        &source[self.span.clone()]
    }
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or a keyword.
    Ident,
    /// A string, quotes included.
    Str,
    /// A number.
    Number,
    /// An operator or a bracket.
    Punctuation,
    /// A character that Tera has no use for.
    Unknown,
}

/// Scans a whole template.
#[must_use]
pub fn scan(source: &str) -> Vec<Piece> {
    let mut scanner = Scanner { source, at: 0, pieces: Vec::new() };
    while scanner.at < source.len() {
        scanner.piece();
    }
    scanner.pieces
}

struct Scanner<'source> {
    source: &'source str,
    at: usize,
    pieces: Vec<Piece>,
}

impl Scanner<'_> {
    fn piece(&mut self) {
        match self.rest().as_bytes() {
            [b'{', b'{', ..] => self.tag(PieceKind::Expression, "}}"),
            [b'{', b'%', ..] => match raw_block(self.rest()) {
                Some(len) => self.push(PieceKind::Raw, self.at + len, Vec::new(), true),
                None => self.tag(PieceKind::Tag, "%}"),
            },
            [b'{', b'#', ..] => self.comment(),
            _ => {
                let end = next_delimiter(self.source, self.at);
                self.push(PieceKind::Text, end, Vec::new(), true);
            }
        }
    }

    fn comment(&mut self) {
        let closing = self.rest()[2..].find("#}").map(|found| self.at + 2 + found + 2);
        self.push(PieceKind::Comment, closing.unwrap_or(self.source.len()), Vec::new(), closing.is_some());
    }

    fn tag(&mut self, kind: PieceKind, closing: &str) {
        let mut at = self.at + 2;
        if self.source[at..].starts_with('-') {
            at += 1;
        }
        let mut tokens = Vec::new();
        loop {
            at += self.source[at..].len() - self.source[at..].trim_ascii_start().len();
            let rest = &self.source[at..];
            let dashed = rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(closing));
            if dashed || rest.starts_with(closing) {
                return self.push(kind, at + usize::from(dashed) + closing.len(), tokens, true);
            }
            if rest.is_empty() || opens_a_piece(rest) {
                return self.push(kind, at, tokens, false);
            }
            let token = token(rest, at);
            at = token.span.end;
            tokens.push(token);
        }
    }

    fn push(&mut self, kind: PieceKind, end: usize, tokens: Vec<Token>, closed: bool) {
        self.pieces.push(Piece { kind, span: self.at..end, tokens, closed });
        self.at = end;
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }
}

/// Inside a tag these can only mean that the tag before was left open: Tera has no `{%`, and `{{` opens no map.
fn opens_a_piece(rest: &str) -> bool {
    rest.starts_with("{{") || rest.starts_with("{%") || rest.starts_with("{#")
}

fn next_delimiter(source: &str, from: usize) -> usize {
    let bytes = source.as_bytes();
    (from..source.len().saturating_sub(1))
        .find(|at| bytes[*at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
        .unwrap_or(source.len())
}

/// The length of a complete raw block at the start of `rest`.
fn raw_block(rest: &str) -> Option<usize> {
    let mut at = named_tag(rest, "raw")?;
    loop {
        at += rest[at..].find("{%")?;
        match named_tag(&rest[at..], "endraw") {
            Some(len) => return Some(at + len),
            None => at += 2,
        }
    }
}

/// The length of `{% name %}` at the start of `rest`, with any whitespace control.
fn named_tag(rest: &str, name: &str) -> Option<usize> {
    let inner = rest.strip_prefix("{%")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner).trim_ascii_start();
    let inner = inner.strip_prefix(name)?.trim_ascii_start();
    let inner = inner.strip_prefix('-').unwrap_or(inner).strip_prefix("%}")?;
    Some(rest.len() - inner.len())
}

fn token(rest: &str, at: usize) -> Token {
    let first = rest.as_bytes()[0];
    let (kind, len) = match first {
        b'"' | b'\'' | b'`' => (TokenKind::Str, string_len(rest, first)),
        b'0'..=b'9' => (TokenKind::Number, number_len(rest)),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => (TokenKind::Ident, run_len(rest, |byte| is_ident(*byte))),
        _ => punctuation(rest),
    };
    Token { kind, span: at..at + len }
}

fn is_ident(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn run_len(rest: &str, belongs: impl Fn(&u8) -> bool) -> usize {
    rest.bytes().take_while(|byte| belongs(byte)).count()
}

fn number_len(rest: &str) -> usize {
    let whole = run_len(rest, u8::is_ascii_digit);
    match rest[whole..].strip_prefix('.') {
        Some(fraction) => whole + 1 + run_len(fraction, u8::is_ascii_digit),
        None => whole,
    }
}

/// The length of a string with its quotes; one that is never closed ends with its line.
fn string_len(rest: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.find('\n').unwrap_or(rest.len())
}

fn punctuation(rest: &str) -> (TokenKind, usize) {
    const LONG: [&str; 10] = ["...", "//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["];
    if let Some(found) = LONG.iter().find(|operator| rest.starts_with(**operator)) {
        return (TokenKind::Punctuation, found.len());
    }
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let known = "+-*/%!.,:~|=<>()[]{}@".contains(&rest[..first]);
    (if known { TokenKind::Punctuation } else { TokenKind::Unknown }, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let mut seen = String::new();
        for piece in scan(source) {
            let open = if piece.closed { "" } else { " (open)" };
            write!(seen, "{:?}{open} {:?}", piece.kind, &source[piece.span.clone()]).unwrap();
            let tokens: Vec<_> = piece.tokens.iter().map(|token| token.text(source)).collect();
            writeln!(seen, "{}", if tokens.is_empty() { String::new() } else { format!(" {tokens:?}") }).unwrap();
        }
        assert_eq!(seen.trim_end(), expected);
    }

    #[test]
    fn text_expressions_tags_and_comments_are_told_apart() {
        check(
            "a {{- x | upper -}} {# c #}{% if y.z[1.5] %}",
            "Text \"a \"\nExpression \"{{- x | upper -}}\" [\"x\", \"|\", \"upper\"]\nText \" \"\nComment \"{# c #}\"\n\
             Tag \"{% if y.z[1.5] %}\" [\"if\", \"y\", \".\", \"z\", \"[\", \"1.5\", \"]\"]",
        );
    }

    #[test]
    fn a_half_typed_tag_ends_at_the_next_one() {
        check("{{ mo {{ x }}", "Expression (open) \"{{ mo \" [\"mo\"]\nExpression \"{{ x }}\" [\"x\"]");
        check(
            "{{ 'oops }}\n{{ x }}",
            "Expression (open) \"{{ 'oops }}\\n\" [\"'oops }}\"]\nExpression \"{{ x }}\" [\"x\"]",
        );
    }

    #[test]
    fn raw_blocks_hide_their_tags() {
        check("{%- raw -%}{{ x }}{% endraw %}b", "Raw \"{%- raw -%}{{ x }}{% endraw %}\"\nText \"b\"");
        check("{% raw %}{{ x }}", "Tag \"{% raw %}\" [\"raw\"]\nExpression \"{{ x }}\" [\"x\"]");
    }

    proptest! {
        #[test]
        fn pieces_rejoin_to_their_source(source in r#"([{}%#a"' \\\n-]|raw|endraw|\{\{|\}\}|\{%|%\}|é){0,40}"#) {
            let joined: String = scan(&source).into_iter().map(|piece| source[piece.span].to_owned()).collect();
            prop_assert_eq!(joined, source);
        }
    }
}
