//! Extracts the class and function headers of a Python module with syntax errors.
//!
//! The parser recovers from most errors, but a line with the wrong indentation ends a class. Without the bodies, where
//! the errors are, the headers can still be parsed. This module knows Python's tokens, not what they are for.

use ruff_python_ast::ModModule;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_parser::Parsed;
use ruff_text_size::Ranged;

use crate::python;

/// The source with each byte outside headers replaced by a space, so that offsets and lines stay the same.
pub(crate) fn of(source: &str, parsed: &Parsed<ModModule>) -> String {
    let tokens: &[Token] = parsed.tokens();
    let mut bones: Vec<u8> = source.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
    for (at, token) in tokens.iter().enumerate() {
        if begins_header(tokens, at) {
            let header = python::span(token.range()).start..end_of_header(&tokens[at..]);
            bones[header.clone()].copy_from_slice(&source.as_bytes()[header]);
        }
    }
    String::from_utf8(bones).unwrap_or_default()
}

fn begins_header(tokens: &[Token], at: usize) -> bool {
    match tokens[at].kind() {
        TokenKind::Class | TokenKind::Def => true,
        TokenKind::Async => tokens.get(at + 1).is_some_and(|next| next.kind() == TokenKind::Def),
        TokenKind::At => at.checked_sub(1).is_none_or(|before| ends_line(tokens[before].kind())),
        _ => false,
    }
}

fn ends_line(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Indent | TokenKind::Dedent)
}

/// The end of the header that starts at the first token: after its colon, or at the end of the line if it has none.
fn end_of_header(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    let mut end = 0;
    for token in tokens {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth = depth.saturating_sub(1),
            TokenKind::Newline => break,
            TokenKind::Colon if depth == 0 => return python::span(token.range()).end,
            _ => {}
        }
        end = python::span(token.range()).end;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let bones = of(source, &python::parse(source));
        assert_eq!(bones.len(), source.len());
        let lines: Vec<_> = bones.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn headers_stay_where_they_are_and_bodies_go() {
        check(
            "import x\nclass A(B):\n  'é'\n  def f(self,\n    x=1) -> int: return 1\n",
            "class A(B):\n  def f(self,\n    x=1) -> int:",
        );
        check(
            "class A:\n  @staticmethod\n  async def f(): await g(a @ b)\n",
            "class A:\n  @staticmethod\n  async def f():",
        );
    }

    #[test]
    fn errors_between_headers_go_with_the_bodies() {
        check(
            "class A:\n def f(self):\n   x = 1\n     y = 2\n def g(self): pass\n",
            "class A:\n def f(self):\n def g(self):",
        );
        check("class A:\n<<<<<<< mine\n def f(self): pass\n=======\n", "class A:\n def f(self):");
    }

    proptest! {
        #[test]
        fn any_source_keeps_its_length_and_lines(source in "(class A|def f|async |@|[:()\\[\\]\n é'\"]){0,30}") {
            let bones = of(&source, &python::parse(&source));
            prop_assert_eq!(bones.len(), source.len());
            prop_assert_eq!(bones.matches('\n').count(), source.matches('\n').count());
        }
    }
}
