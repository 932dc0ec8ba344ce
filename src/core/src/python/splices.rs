//! The context of each value that is spliced into Python source: a string, a name, a comment or code; and whether a
//! value would break out of it.
//!
//! This module knows Python's tokens. It must not know where source and values come from.

use std::ops::Range;

use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_python_ast::{StringFlags, str::Quote};
use ruff_text_size::{Ranged, TextSize};

use crate::python;

/// The replacement for a value while its context is determined.
pub(super) const STAND_IN: &str = "x";

/// The context of a spliced value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Splice {
    /// A string that must end on its line.
    String(char),
    /// A triple-quoted string.
    LongString(char),
    /// A part of a name.
    Name,
    /// A comment.
    Comment,
    /// Code, where a value can be anything.
    Code,
}

impl Splice {
    /// The noun for it, in messages.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::String(_) | Self::LongString(_) => "the string",
            Self::Name => "the name",
            Self::Comment => "the comment",
            Self::Code => "the code",
        }
    }

    /// Whether a value would end its context or change it to another one.
    #[must_use]
    pub fn is_broken_by(self, value: &str) -> bool {
        let escapes_the_end = || (value.len() - value.trim_end_matches('\\').len()) % 2 == 1;
        match self {
            Self::String(quote) => has_unescaped(value, quote) || value.contains(['\n', '\r']) || escapes_the_end(),
            Self::LongString(quote) => {
                value.contains(&[quote; 3].iter().collect::<String>()) || value.ends_with(quote) || escapes_the_end()
            }
            Self::Name => !value.chars().all(|char| char == '_' || char.is_alphanumeric()),
            Self::Comment => value.contains(['\n', '\r']),
            Self::Code => false,
        }
    }
}

fn has_unescaped(value: &str, quote: char) -> bool {
    let mut escaped = false;
    for char in value.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return true,
            _ => {}
        }
    }
    false
}

/// The source with every value replaced by a name, so that the contexts do not depend on the values.
#[must_use]
pub fn without_values(source: &str, values: &[Range<usize>]) -> String {
    let mut neutral = String::with_capacity(source.len());
    let mut at = 0;
    for value in values {
        neutral.push_str(&source[at..value.start]);
        neutral.push_str(STAND_IN);
        at = value.end;
    }
    neutral.push_str(&source[at..]);
    neutral
}

/// The context of each value; `neutral` comes from [`without_values`], with the values at these places.
#[must_use]
pub fn splices(neutral: &str, values: &[Range<usize>]) -> Vec<Splice> {
    python::with_stack_for(neutral, || {
        let parsed = python::parse(neutral);
        let mut shift = 0_i64;
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            let start = offset(value.start, shift);
            shift += distance(STAND_IN.len()) - distance(value.len());
            found.push(splice(parsed.tokens(), &(start..start + STAND_IN.len())));
        }
        found
    })
}

fn distance(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn offset(at: usize, shift: i64) -> usize {
    usize::try_from(distance(at) + shift).unwrap_or_default()
}

/// The token that a value is in.
pub(super) fn token_of<'t>(tokens: &'t Tokens, value: &Range<usize>) -> Option<&'t Token> {
    tokens.get(token_after(tokens, value)).filter(|token| token.range().contains(text_size(value.start)))
}

/// The index of the first token that does not end before a value.
fn token_after(tokens: &Tokens, value: &Range<usize>) -> usize {
    tokens.partition_point(|token| python::span(token.range()).end <= value.start)
}

pub(super) fn splice(tokens: &Tokens, value: &Range<usize>) -> Splice {
    let Some(token) = token_of(tokens, value) else { return Splice::Code };
    match token.kind() {
        TokenKind::Name => {
            let is_whole = python::span(token.range()) == *value;
            let names_something = || {
                let before = token_after(tokens, value).checked_sub(1).and_then(|before| tokens.get(before));
                let before = before.map(Token::kind);
                matches!(before, Some(TokenKind::Def | TokenKind::Class | TokenKind::Dot))
            };
            if is_whole && !names_something() { Splice::Code } else { Splice::Name }
        }
        TokenKind::Comment => Splice::Comment,
        _ => token.string_flags().map_or(Splice::Code, |flags| {
            let quote = match flags.quote_style() {
                Quote::Single => '\'',
                Quote::Double => '"',
            };
            if flags.is_triple_quoted() { Splice::LongString(quote) } else { Splice::String(quote) }
        }),
    }
}

fn text_size(offset: usize) -> TextSize {
    TextSize::try_from(offset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the contexts of the values in `source`, each written `<value>`.
    #[track_caller]
    fn check(source: &str, expected: &[Splice]) {
        let mut text = String::new();
        let mut values = Vec::new();
        for (at, part) in source.split(['«', '»']).enumerate() {
            if at % 2 == 1 {
                values.push(text.len()..text.len() + part.len());
            }
            text.push_str(part);
        }
        assert_eq!(splices(&without_values(&text, &values), &values), expected);
    }

    #[test]
    fn a_value_is_put_into_what_is_around_it() {
        check("a = \"«v\"w» b\" + '«v»'\n", &[Splice::String('"'), Splice::String('\'')]);
        check("\"\"\"doc «v»\nmore\"\"\"\n", &[Splice::LongString('"')]);
        check("f\"{a} «v»\"\n", &[Splice::String('"')]);
        check(
            "def test_«a-b»(): pass\nclass «A»: pass\nx.«y» = «[1, 2]»\n# «c»\n",
            &[Splice::Name, Splice::Name, Splice::Name, Splice::Code, Splice::Comment],
        );
    }

    #[test]
    fn only_what_ends_it_breaks_it() {
        assert!(Splice::String('"').is_broken_by("a\"b") && Splice::String('"').is_broken_by("a\\"));
        assert!(!Splice::String('"').is_broken_by("it's") && !Splice::String('"').is_broken_by("a\\\"b"));
        assert!(
            Splice::LongString('"').is_broken_by("\"\"\"") && !Splice::LongString('"').is_broken_by("a\nb \"c\" d")
        );
        assert!(Splice::Name.is_broken_by("a-b") && !Splice::Name.is_broken_by("a_1"));
        assert!(Splice::Comment.is_broken_by("a\nb") && !Splice::Code.is_broken_by("[\"a\"]\n"));
    }
}
