//! An error-tolerant scanner of Tera templates: pieces and tokens with their exact byte spans.
//!
//! Tera is the authority on what is valid. The scanner must agree with Tera on valid templates, and return something
//! useful for broken ones: a half-typed tag ends at the next tag and hides nothing else. It never fails, and the pieces
//! always rejoin to the source. The rules follow `parsing/lexer.rs` of Tera 2.4.

use std::ops::Range;

/// One piece of a template, in the order of the source; the pieces leave no gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its kind.
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
    /// Text that is copied to the output.
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
    /// Its kind.
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
    /// A character that Tera does not accept.
    Unknown,
}

/// Where a string ends if its closing quote comes after the end of its tag. Tera accepts such a string, but usually the
/// user is still typing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// At its closing quote, as in Tera.
    ToTheirEnd,
    /// At the end of the tag.
    ToTheEndOfTheTag,
}

/// The result of scanning a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The pieces.
    pub pieces: Vec<Piece>,
    /// Whether the result depends on the choice of [`Strings`].
    pub ambiguous: bool,
    /// Whether the extent of each piece depends only on its own text and the beginning of the next piece: no string,
    /// comment or raw block was searched for up to the end of the source.
    pub is_local: bool,
}

/// Scans a whole template.
#[must_use]
pub fn scan(source: &str) -> Vec<Piece> {
    scan_with(source, Strings::ToTheirEnd).pieces
}

/// Scans a whole template, with a rule for strings that extend beyond their tag.
#[must_use]
pub fn scan_with(source: &str, strings: Strings) -> Scanned {
    Scanner::new(source, strings, 0).scan(|_| false)
}

/// Scans from the start of a piece to an offset at which `ends` returns true; it is called at the start of every later
/// piece.
pub(super) fn scan_from(source: &str, start: usize, ends: impl Fn(usize) -> bool) -> Scanned {
    Scanner::new(source, Strings::ToTheirEnd, start).scan(ends)
}

struct Scanner<'source> {
    source: &'source str,
    strings: Strings,
    at: usize,
    pieces: Vec<Piece>,
    ambiguous: bool,
    /// Delimiters that are known not to occur in the rest of the source. Not searching for them again keeps the scan
    /// linear.
    lost: Vec<Closing>,
}

/// Closing delimiters that are searched for up to the end of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    Comment,
    Raw,
    Quote(u8),
}

impl<'source> Scanner<'source> {
    const fn new(source: &'source str, strings: Strings, at: usize) -> Self {
        Self { source, strings, at, pieces: Vec::new(), ambiguous: false, lost: Vec::new() }
    }

    fn scan(mut self, ends: impl Fn(usize) -> bool) -> Scanned {
        while self.at < self.source.len() {
            self.piece();
            if ends(self.at) {
                break;
            }
        }
        let is_local = !self.ambiguous && self.lost.is_empty();
        Scanned { pieces: self.pieces, ambiguous: self.ambiguous, is_local }
    }

    fn piece(&mut self) {
        match self.rest().as_bytes() {
            [b'{', b'{', ..] => self.tag(PieceKind::Expression, "}}"),
            [b'{', b'%', ..] => match self.raw_block() {
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

    fn raw_block(&mut self) -> Option<usize> {
        let opening = named_tag(self.rest(), "raw")?;
        self.find(Closing::Raw, |rest| raw_end(rest, opening))
    }

    /// An unclosed comment ends with its line, so that it hides nothing after it.
    fn comment(&mut self) {
        let closed = self.find(Closing::Comment, |rest| Some(rest[2..].find("#}")? + 4));
        let len = closed.unwrap_or_else(|| line_len(self.rest()));
        self.push(PieceKind::Comment, self.at + len, Vec::new(), closed.is_some());
    }

    fn find(&mut self, what: Closing, search: impl FnOnce(&str) -> Option<usize>) -> Option<usize> {
        if self.lost.contains(&what) {
            return None;
        }
        let found = search(self.rest());
        if found.is_none() {
            self.lost.push(what);
        }
        found
    }

    fn tag(&mut self, kind: PieceKind, closing: &str) {
        let mut at = self.at + 2;
        if self.source[at..].starts_with('-') {
            at += 1;
        }
        let mut tokens: Vec<Token> = Vec::new();
        loop {
            at += self.source[at..].len() - self.source[at..].trim_ascii_start().len();
            let rest = &self.source[at..];
            let dashed = rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(closing));
            if dashed || rest.starts_with(closing) {
                return self.push(kind, at + usize::from(dashed) + closing.len(), tokens, true);
            }
            if rest.is_empty() || (opens_a_piece(rest) && !self.is_attribute(&tokens, at)) {
                return self.push(kind, at, tokens, false);
            }
            let token = self.token(at, closing);
            at = token.span.end;
            tokens.push(token);
        }
    }

    /// `={{` in a component's call starts the value `{…}` of an attribute, which is a map.
    fn is_attribute(&self, tokens: &[Token], at: usize) -> bool {
        let is_last = |token: &Token| token.span.end == at && token.text(self.source) == "=";
        self.source[at..].starts_with("{{")
            && tokens.last().is_some_and(is_last)
            && tokens.iter().any(|token| token.text(self.source) == "<")
    }

    fn token(&mut self, at: usize, closing: &str) -> Token {
        let rest = &self.source[at..];
        let (kind, len) = match rest.as_bytes()[0] {
            quote @ (b'"' | b'\'' | b'`') => (TokenKind::Str, self.string_len(at, quote, closing)),
            b'0'..=b'9' => (TokenKind::Number, number_len(rest)),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => (TokenKind::Ident, run_len(rest, |byte| is_ident(*byte))),
            _ => punctuation(rest),
        };
        Token { kind, span: at..at + len }
    }

    /// The length of a string with its quotes; one that is never closed ends with its tag, or at the latest with its
    /// line.
    fn string_len(&mut self, at: usize, quote: u8, closing: &str) -> usize {
        let rest = &self.source[at..];
        let is_lost = self.lost.contains(&Closing::Quote(quote));
        let closed = if is_lost { None } else { closed_string_len(rest, quote) };
        match closed {
            Some(len) if !rest[..len].contains(closing) => len,
            Some(len) => {
                self.ambiguous = true;
                if self.strings == Strings::ToTheirEnd { len } else { half_typed_len(rest, closing) }
            }
            None => {
                self.lost.push(Closing::Quote(quote));
                half_typed_len(rest, closing)
            }
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

/// Inside a tag, these mean that the tag was left open: no expression contains `{%`, and `{{` does not begin a map.
fn opens_a_piece(rest: &str) -> bool {
    rest.starts_with("{{") || rest.starts_with("{%") || rest.starts_with("{#")
}

fn next_delimiter(source: &str, from: usize) -> usize {
    let bytes = source.as_bytes();
    memchr::memchr_iter(b'{', &bytes[from..])
        .map(|found| from + found)
        .find(|at| matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')))
        .unwrap_or(source.len())
}

/// The length of a raw block, given the length of its opening tag; `None` if it is not closed.
fn raw_end(rest: &str, opening: usize) -> Option<usize> {
    let mut at = opening;
    loop {
        at += rest[at..].find("{%")?;
        match named_tag(&rest[at..], "endraw") {
            Some(len) => return Some(at + len),
            None => at += 2,
        }
    }
}

/// The length of the first line, without its end.
fn line_len(rest: &str) -> usize {
    memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())
}

/// The length of `{% name %}` at the start of `rest`, with any whitespace control.
fn named_tag(rest: &str, name: &str) -> Option<usize> {
    let inner = rest.strip_prefix("{%")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner).trim_ascii_start();
    let inner = inner.strip_prefix(name)?.trim_ascii_start();
    let inner = inner.strip_prefix('-').unwrap_or(inner).strip_prefix("%}")?;
    Some(rest.len() - inner.len())
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

/// The length of a string with its quotes; `None` if it is not closed.
fn closed_string_len(rest: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a string that ends with its tag or its line, whichever comes first.
fn half_typed_len(rest: &str, closing: &str) -> usize {
    let ends = |at: &usize| rest.as_bytes()[*at] == b'\n' || rest.as_bytes()[*at..].starts_with(closing.as_bytes());
    let end = (1..rest.len()).find(ends).unwrap_or(rest.len());
    rest[..end].trim_end().len().max(1)
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
            "Expression \"{{ 'oops }}\" [\"'oops\"]\nText \"\\n\"\nExpression \"{{ x }}\" [\"x\"]",
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
