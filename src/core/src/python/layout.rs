//! Whether two sources differ in their layout alone, as a formatter changes it: white space, line breaks, quotes, trailing
//! commas and parentheses.

use ruff_python_ast::token::TokenKind;

use super::{parse, text_of, with_stack_for};

/// Whether a formatter may have made one valid source out of the other.
#[must_use]
pub fn differ_in_layout_alone(left: &str, right: &str) -> bool {
    match (tokens(left), tokens(right)) {
        (Some(left_tokens), Some(right_tokens)) => left != right && left_tokens == right_tokens,
        _ => false,
    }
}

/// The tokens of a source, without what is layout; none where it is not valid.
fn tokens(source: &str) -> Option<Vec<(TokenKind, &str)>> {
    with_stack_for(source, || {
        let parsed = parse(source);
        if !parsed.errors().is_empty() {
            return None;
        }
        let is_layout =
            |kind: TokenKind| matches!(kind, TokenKind::NonLogicalNewline | TokenKind::Lpar | TokenKind::Rpar);
        let ends = |kind: TokenKind| matches!(kind, TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace);
        let mut found: Vec<(TokenKind, &str)> = Vec::new();
        for token in parsed.tokens() {
            let kind = token.kind();
            if ends(kind) && found.last().is_some_and(|(last, _)| *last == TokenKind::Comma) {
                found.pop();
            }
            if !is_layout(kind) {
                found.push((kind, meaning(kind, text_of(token, source))));
            }
        }
        Some(found)
    })
}

/// What of a token's text is no layout.
fn meaning(kind: TokenKind, text: &str) -> &str {
    match kind {
        TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::EndOfFile => "",
        TokenKind::String => text.trim_matches(['"', '\'']),
        TokenKind::Comment => text.trim_end(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: bool) {
        assert_eq!(differ_in_layout_alone(left, right), expected);
    }

    #[test]
    fn what_a_formatter_changes_is_layout() {
        check("x = f(1,2)\ny = 'a'\n", "x = f(\n    1,\n    2,\n)\n\n\ny = \"a\"\n", true);
        check("if (a):\n  b()\n", "if a:\n    b()\n", true);
        check("x = 1  # why\n", "x = 1 # why\n", true);
    }

    #[test]
    fn what_a_person_changes_is_not() {
        check("x = 1\n", "x = 2\n", false);
        check("x = 1\n", "x = 1  # noqa\n", false);
        check("x = 1\n", "x = 1\n", false);
        check("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", false);
        check("x = (\n", "x = ( \n", false);
    }
}
