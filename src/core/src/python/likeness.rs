//! Whether two modules are the same program, written differently.
//!
//! This module must not know which formatter may have written one of them.

use ruff_python_ast::ModModule;
use ruff_python_ast::comparable::ComparableModModule;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_parser::Parsed;
use ruff_text_size::Ranged;

use super::{parse, with_stack_for};

/// Statements with more tokens are not compared: a tree may be as deep as its statement has tokens.
const MOST_TOKENS: usize = 8192;
/// Stack for a level of a tree while trees are compared, in a build without optimization.
const STACK_PER_TOKEN: usize = 16 * 1024;
/// Stack for the levels that do not come from tokens, such as indentation.
const STACK: usize = 4 * 1024 * 1024;

/// Whether two modules differ in formatting only: they have the same syntax tree and the same comments, but for blanks
/// in comments and docstrings. Not told of modules with syntax errors or with huge statements.
#[must_use]
pub fn is_same_but_for_formatting(left: &str, right: &str) -> bool {
    let longer = if left.len() > right.len() { left } else { right };
    with_stack_for(longer, || match (Module::read(left), Module::read(right)) {
        (Some(left), Some(right)) => left.is(&right),
        _ => false,
    })
}

/// A valid module, as it is compared.
struct Module {
    /// The comments' texts, without the blanks around them.
    comments: Vec<String>,
    /// The module, without the blanks around the lines of its docstrings.
    parsed: Parsed<ModModule>,
}

impl Module {
    fn read(source: &str) -> Option<Self> {
        let parsed = valid(source)?;
        let comments = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
        let text = |token: &Token| source[token.range()].trim_start_matches('#').trim().to_owned();
        let comments = comments.map(text).collect();
        let plain = with_plain_docstrings(source, parsed.tokens());
        Some(Self { comments, parsed: valid(&plain)? })
    }

    fn is(&self, other: &Self) -> bool {
        let tokens = self.tokens_of_longest_statement().max(other.tokens_of_longest_statement());
        tokens <= MOST_TOKENS
            && self.comments == other.comments
            && stacker::grow(STACK + tokens * STACK_PER_TOKEN, || self.tree() == other.tree())
    }

    fn tree(&self) -> ComparableModModule<'_> {
        self.parsed.syntax().into()
    }

    fn tokens_of_longest_statement(&self) -> usize {
        let statements = self.parsed.tokens().split(|token| token.kind() == TokenKind::Newline);
        statements.map(<[_]>::len).max().unwrap_or_default()
    }
}

fn valid(source: &str) -> Option<Parsed<ModModule>> {
    Some(parse(source)).filter(|parsed| parsed.errors().is_empty())
}

/// The source without blanks around the lines of strings that are statements, which formatters indent anew.
fn with_plain_docstrings(source: &str, tokens: &[Token]) -> String {
    let code: Vec<_> = tokens.iter().filter(|token| !token.kind().is_trivia()).collect();
    let (mut plain, mut copied) = (String::with_capacity(source.len()), 0);
    for (at, token) in code.iter().enumerate() {
        let begins = at.checked_sub(1).is_none_or(|before| is_between_statements(code[before]));
        let ends = code.get(at + 1).is_none_or(|after| is_between_statements(after));
        if token.kind() == TokenKind::String && begins && ends {
            plain.push_str(&source[copied..token.start().to_usize()]);
            plain.push_str(&without_blanks(&source[token.range()]));
            copied = token.end().to_usize();
        }
    }
    plain.push_str(&source[copied..]);
    plain
}

fn is_between_statements(token: &Token) -> bool {
    matches!(token.kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent)
}

/// A string without blanks beside its quotes and its line ends.
fn without_blanks(string: &str) -> String {
    let is_quote = |letter: char| matches!(letter, '"' | '\'');
    let Some(start) = string.find(is_quote) else { return string.to_owned() };
    let start = start + if string[start..].starts_with("\"\"\"") || string[start..].starts_with("'''") { 3 } else { 1 };
    let lines: Vec<_> = string[start..].lines().map(str::trim).collect();
    let text = lines.join("\n");
    let quotes = text.len() - text.trim_end_matches(is_quote).len();
    let (text, quotes) = text.split_at(text.len() - quotes);
    format!("{}{}{quotes}", &string[..start], text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATED: &str = "import  os\nX = ( 'a' ,\"b\"  'c')  #note\ndef f( a,b = 1 ) :\n\n\n\n  '''Doc.'''\n  \
                             return (a+b)*2\n";

    #[track_caller]
    fn check(written: &str, expected: bool) {
        assert_eq!(is_same_but_for_formatting(GENERATED, written), expected);
    }

    #[test]
    fn what_a_formatter_changes_is_formatting() {
        check(GENERATED, true);
        check(
            "import os\n\nX = (\n    \"a\",\n    \"bc\",\n)  # note\n\n\ndef f(a, b=1):\n    \"\"\"Doc.\"\"\"\n\n    return ((a + b) * 2)\n",
            true,
        );
    }

    #[test]
    fn a_docstring_may_be_indented_anew() {
        let written = |docstring: &str| format!("class A:\n    {docstring}\n    x = 1\n");
        let generated = written("'''One.   \n  two  \n  '''");
        let is_alike = |docstring| is_same_but_for_formatting(&generated, &written(docstring));
        assert!(is_alike("\"\"\"One.\n    two\n    \"\"\""));
        assert!(is_alike("\"\"\"One.\ntwo\"\"\""));
        assert!(!is_alike("\"\"\"One. two\"\"\""));
        assert!(!is_same_but_for_formatting("x = '''a  \nb'''\n", "x = '''a\nb'''\n"));
    }

    #[test]
    fn what_changes_the_program_or_a_comment_is_not() {
        for (from, to) in
            [("(a+b)*2", "a+b*2"), ("#note", "#other"), ("  #note", ""), ("'a'", "'A'"), ("b = 1", "b = 2")]
        {
            check(&GENERATED.replace(from, to), false);
        }
        check(&GENERATED.replace("def f(", "def f(("), false);
    }

    #[test]
    fn deep_modules_exhaust_no_stack() {
        let deep = format!("X = {}1\n", "1+".repeat(4000));
        assert!(is_same_but_for_formatting(&deep, &deep.replace('+', " + ")));
        let nested = format!("X = {}1{}\n", "[".repeat(150), "]".repeat(150));
        assert!(is_same_but_for_formatting(&nested, &nested.replace('[', "[ ")));
        let huge = format!("X = {}1\n", "1+".repeat(40_000));
        assert!(!is_same_but_for_formatting(&huge, &huge));
    }
}
