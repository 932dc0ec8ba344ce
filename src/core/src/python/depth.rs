//! Python that is nested so deeply that parsing it would exhaust the memory, or reading its tree a thread's stack.

use std::iter::Peekable;
use std::str::CharIndices;

use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, ModModule};
use ruff_python_parser::Parsed;

use super::{parse_whole, with_stack_for};

/// The most levels of a module that is read. No module that people have written comes near it.
pub const MOST_LEVELS: usize = 400;

/// A module whose tree may be walked on any thread's stack; `None` if it has more than [`MOST_LEVELS`].
#[must_use]
pub fn parse_shallow(source: &str) -> Option<Parsed<ModModule>> {
    with_stack_for(source, || {
        if too_deep(source).is_some() {
            return None;
        }
        let parsed = parse_whole(source);
        let mut depth = Depth::default();
        depth.visit_body(&parsed.syntax().body);
        // Dropped here, where the stack is large enough.
        if depth.most > MOST_LEVELS { None } else { Some(parsed) }
    })
}

/// Sources of so many bytes are too small to take much memory, however they are nested.
const SMALL: usize = 16 * 1024;
/// Python refuses more brackets in each other.
const MOST_BRACKETS: usize = 200;
/// The most operators that may be nested in an expression. Python gives up at about 3,000, or 10,000 from 3.12 on.
const MOST_OPERATORS: usize = 10_000;

/// How a source is nested too deeply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooDeep {
    /// More than [`MOST_BRACKETS`] brackets.
    Brackets,
    /// More than [`MOST_OPERATORS`] operators.
    Operators,
}

impl std::fmt::Display for TooDeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Brackets => {
                write!(f, "more than {MOST_BRACKETS} brackets are open, which is more than Python allows")
            }
            Self::Operators => {
                write!(f, "the expression nests more than {MOST_OPERATORS} operators, which is more than Python allows")
            }
        }
    }
}

/// Where a source becomes nested more deeply than Python allows, as a byte offset. A parser takes up to a kilobyte for
/// each level.
///
/// What it takes for code, operators or strings need not be exact: it is looked for in large sources only, and real ones
/// are a hundred times less deep.
pub(super) fn too_deep(source: &str) -> Option<(usize, TooDeep)> {
    if source.len() <= SMALL {
        return None;
    }
    let mut nesting = Nesting::default();
    let mut rest = source.char_indices().peekable();
    while let Some((offset, char)) = rest.next() {
        match char {
            '#' => while rest.next_if(|(_, char)| *char != '\n').is_some() {},
            '\\' => _ = rest.next(),
            '"' | '\'' => {
                let braces = skip_string(&mut rest, char);
                if may_be_interpolated(&source[..offset]) {
                    nesting.in_string = braces;
                }
            }
            char if is_of_word(char) => {
                let mut end = offset + char.len_utf8();
                while let Some((start, char)) = rest.next_if(|(_, char)| is_of_word(*char)) {
                    end = start + char.len_utf8();
                }
                nesting.word(&source[offset..end]);
            }
            char => nesting.sign(char),
        }
        if let Some(how) = nesting.too_deep() {
            return Some((offset, how));
        }
    }
    None
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Whether a string that begins after some code is an f-string or a t-string. It may be none.
fn may_be_interpolated(before: &str) -> bool {
    before.bytes().rev().take(2).any(|byte| matches!(byte, b'f' | b'F' | b't' | b'T'))
}

/// Skips the rest of a string whose first quote was read. Gives the most braces that are open in it.
fn skip_string(rest: &mut Peekable<CharIndices<'_>>, quote: char) -> usize {
    let mut length = 1;
    if rest.next_if(|(_, char)| *char == quote).is_some() {
        if rest.next_if(|(_, char)| *char == quote).is_none() {
            return 0;
        }
        length = 3;
    }
    let (mut quotes, mut open, mut most) = (0, 0_usize, 0);
    while let Some((_, char)) = rest.next() {
        quotes = if char == quote { quotes + 1 } else { 0 };
        match char {
            _ if quotes == length => break,
            '\n' if length == 1 => break,
            '\\' => _ = rest.next(),
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// How many brackets are open, and operators nested, at a place of a source.
#[derive(Default)]
struct Nesting {
    /// The operators before each open bracket.
    before: Vec<usize>,
    operators: usize,
    /// The most braces that were open in the last f-string.
    in_string: usize,
}

impl Nesting {
    fn word(&mut self, word: &str) {
        if matches!(word, "not" | "lambda" | "else" | "await" | "yield" | "and" | "or" | "in" | "is") {
            self.operators += 1;
        }
    }

    fn sign(&mut self, sign: char) {
        match sign {
            '(' | '[' | '{' => {
                self.operators += 1;
                self.before.push(self.operators);
            }
            // What follows in the same line may be called or indexed, so the operators of a bracket count on.
            ')' | ']' | '}' => self.operators = self.before.pop().unwrap_or_default(),
            ',' | ';' => self.operators = self.before.last().copied().unwrap_or_default(),
            '\n' if self.before.is_empty() => self.operators = 0,
            '-' | '+' | '~' | '*' | '/' | '%' | '@' | '&' | '|' | '^' | '<' | '>' | '.' => self.operators += 1,
            _ => {}
        }
    }

    fn too_deep(&self) -> Option<TooDeep> {
        if self.before.len().max(self.in_string) > MOST_BRACKETS {
            return Some(TooDeep::Brackets);
        }
        (self.operators > MOST_OPERATORS).then_some(TooDeep::Operators)
    }
}

#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl<'a> SourceOrderVisitor<'a> for Depth {
    fn enter_node(&mut self, _: AnyNodeRef<'a>) -> TraversalSignal {
        self.now += 1;
        self.most = self.most.max(self.now);
        if self.now > MOST_LEVELS { TraversalSignal::Skip } else { TraversalSignal::Traverse }
    }

    fn leave_node(&mut self, _: AnyNodeRef<'a>) {
        self.now -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, is_read: bool) {
        assert_eq!(parse_shallow(source).is_some(), is_read, "{source:.40}");
    }

    #[test]
    fn only_what_is_nested_deeply_is_not_read() {
        check(&"x = 1\n".repeat(100_000), true);
        check(&format!("x = {}1{}\n", "[".repeat(100), "]".repeat(100)), true);
        check(&format!("x = [{}]\n", "1, ".repeat(100_000)), true);
        for deep in ["-".repeat(100_000) + "1", "1+".repeat(50_000) + "1", "x".to_owned() + &".y".repeat(50_000)] {
            check(&deep, false);
        }
    }

    #[test]
    fn what_python_refuses_is_found_where_it_becomes_too_deep() {
        let long = format!("x = [{}]\n", "-f(1)[0].y + 2 ** 3, ".repeat(20_000));
        let braces = format!("x = '{}'\n", "{".repeat(20_000));
        let strings = "x = '((' + \"\\\"((\" + \'\'\'(\n'(\'\'\' + '' # ((\n".repeat(2_000);
        let lines = "if not a and b:\n    x = -1 \\\n        - f(2)\n".repeat(2_000);
        for shallow in [long, braces, strings, lines, "(".repeat(1_000)] {
            assert_eq!(too_deep(&shallow), None, "{shallow:.60}");
        }
        let brackets = |offset| Some((offset, TooDeep::Brackets));
        assert_eq!(too_deep(&"(".repeat(20_000)), brackets(200));
        assert_eq!(too_deep(&("x = 1\n".to_owned() + &"${".repeat(10_000))), brackets(6 + 401));
        assert_eq!(too_deep(&format!("f'{}'", "{x:".repeat(20_000))), brackets(1));
        assert_eq!(too_deep(&"x = (1\n".repeat(10_000)), brackets(200 * 7 + 4));
        for (part, operator) in [("-", 0), ("not ", 0), ("1 if 1 else ", 7), ("x\\\n.", 3), ("x()", 1)] {
            let first_too_many = part.len() * MOST_OPERATORS + operator;
            assert_eq!(too_deep(&part.repeat(20_000)), Some((first_too_many, TooDeep::Operators)), "{part}");
        }
    }
}
