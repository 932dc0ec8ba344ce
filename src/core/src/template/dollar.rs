//! The `${}` dialect: `${name}` is a placeholder, `$${` a literal `${`, and everything else is text.

use std::ops::Range;

/// One piece of a `${}` template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DollarPiece {
    /// Text that is written unchanged.
    Text(Range<usize>),
    /// `$${`, which writes `${`.
    Escape(Range<usize>),
    /// `${name}`: the span of the whole and the span of the name.
    Placeholder {
        /// From `$` to `}`.
        span: Range<usize>,
        /// The name alone.
        name: Range<usize>,
    },
    /// `${` without a following `name}`.
    Broken(Range<usize>),
}

impl DollarPiece {
    /// Byte offsets of the whole piece.
    #[must_use]
    pub fn span(&self) -> &Range<usize> {
        match self {
            Self::Text(span) | Self::Escape(span) | Self::Broken(span) | Self::Placeholder { span, .. } => span,
        }
    }
}

/// Scans a whole template. It never fails, and the pieces leave no gaps.
#[must_use]
pub fn scan(source: &str) -> Vec<DollarPiece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut braces = Braces { source, without_until: 0 };
    while at < source.len() {
        let special = next_special(source, at);
        if special > at {
            pieces.push(DollarPiece::Text(at..special));
        }
        at = special;
        if at < source.len() {
            let piece = special_piece(source, at, &mut braces);
            at = piece.span().end;
            pieces.push(piece);
        }
    }
    pieces
}

/// The next `$${` or `${` at or after `from`.
fn next_special(source: &str, from: usize) -> usize {
    match source[from..].find("${") {
        Some(found) if found > 0 && source.as_bytes()[from + found - 1] == b'$' => from + found - 1,
        Some(found) => from + found,
        None => source.len(),
    }
}

fn special_piece(source: &str, at: usize, braces: &mut Braces<'_>) -> DollarPiece {
    let rest = &source[at..];
    if rest.starts_with("$${") {
        return DollarPiece::Escape(at..at + 3);
    }
    let len = rest[2..].bytes().take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()).count();
    let name = at + 2..at + 2 + len;
    let named = len > 0 && !source.as_bytes()[name.start].is_ascii_digit();
    if named && source[name.end..].starts_with('}') {
        return DollarPiece::Placeholder { span: at..name.end + 1, name };
    }
    // A broken placeholder is underlined up to its brace, if the brace is on the same line.
    DollarPiece::Broken(at..braces.end_on_line(at).unwrap_or(at + 2))
}

/// Finds closing braces; each line is searched once, however many broken placeholders it has.
struct Braces<'s> {
    source: &'s str,
    /// There is no brace on this line before this offset.
    without_until: usize,
}

impl Braces<'_> {
    /// The end of the first brace after an offset, if it is on the same line.
    fn end_on_line(&mut self, at: usize) -> Option<usize> {
        if at < self.without_until {
            return None;
        }
        let found = memchr::memchr2(b'}', b'\n', &self.source.as_bytes()[at..]).map(|found| at + found);
        match found {
            Some(found) if self.source.as_bytes()[found] == b'}' => Some(found + 1),
            line_end => {
                self.without_until = line_end.unwrap_or(self.source.len());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(source: &str, expected: &[(&str, &str)]) {
        let seen: Vec<(&str, &str)> = scan(source)
            .into_iter()
            .map(|piece| {
                let kind = match &piece {
                    DollarPiece::Text(_) => "text",
                    DollarPiece::Escape(_) => "escape",
                    DollarPiece::Placeholder { .. } => "placeholder",
                    DollarPiece::Broken(_) => "broken",
                };
                (kind, &source[piece.span().clone()])
            })
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_dollar_brace_is_special() {
        check(
            "f\"{x}\" {{y}} ${model_name} $5",
            &[("text", "f\"{x}\" {{y}} "), ("placeholder", "${model_name}"), ("text", " $5")],
        );
    }

    #[test]
    fn a_doubled_dollar_escapes_the_brace() {
        check("$${HOME} $$${x}", &[("escape", "$${"), ("text", "HOME} $"), ("escape", "$${"), ("text", "x}")]);
    }

    #[test]
    fn what_no_name_follows_is_broken_up_to_its_brace() {
        check("${a b} ${", &[("broken", "${a b}"), ("text", " "), ("broken", "${")]);
        check("${1x}\n}", &[("broken", "${1x}"), ("text", "\n}")]);
    }

    proptest! {
        #[test]
        fn pieces_rejoin_to_their_source(source in r"([$\{}a 1\né]|\$\{|\$\$\{){0,40}") {
            let joined: String = scan(&source).iter().map(|piece| &source[piece.span().clone()]).collect();
            prop_assert_eq!(joined, source);
        }
    }
}
