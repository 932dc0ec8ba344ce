//! Expressions, by the rules and limits of Tera 2.4 (`parsing/parser.rs`): operators have the same precedence, and
//! exceeding a limit of depth or length is a fault.

use super::component;
use super::cursor::{Cursor, is_boolean};
use super::tree::{
    Access, Applied, Argument, Binary, Expr, ExprKind, Item, Literal, Loop, LoopContext, Sense, Span, Unary,
};
use crate::template::scan::TokenKind;

/// How deep Tera lets expressions nest.
const MAX_RECURSION: usize = 40;
/// How many operators Tera lets one expression have.
const MAX_COMPLEXITY: usize = 256;
/// How deep Tera lets lists nest.
const MAX_DIMENSIONS: usize = 2;
/// How deep Tera lets brackets after a value nest.
const MAX_BRACKETS: usize = 4;

/// The words that Tera does not allow as names.
pub(super) const RESERVED: [&str; 16] = [
    "true", "True", "false", "False", "loop", "self", "and", "or", "not", "is", "in", "continue", "break", "none",
    "None", "null",
];

/// The fields of `loop`.
pub const LOOP_FIELDS: [&str; 5] = ["index", "index0", "first", "last", "length"];

/// The binding power of an operator to its left and right, with Tera's numbers.
#[derive(Clone, Copy)]
struct Binding {
    left: u8,
    right: u8,
}

const TERNARY: u8 = 0;
const NOT: u8 = 5;
const MINUS: u8 = 20;
const IN: Binding = Binding { left: 5, right: 6 };

fn binding(operator: &str) -> Option<Binding> {
    let (left, right) = match operator {
        "or" => (1, 2),
        "and" => (3, 4),
        "in" | "is" => (IN.left, IN.right),
        "==" | "!=" | "<" | "<=" | ">" | ">=" => (7, 8),
        "+" | "-" => (11, 12),
        "*" | "/" | "%" | "~" | "//" => (13, 14),
        "**" => (16, 15),
        "|" => (17, 18),
        _ => return None,
    };
    Some(Binding { left, right })
}

pub(super) fn expression(cursor: &mut Cursor<'_>) -> Expr {
    bound_expression(cursor, 0)
}

fn bound_expression(cursor: &mut Cursor<'_>, least: u8) -> Expr {
    if cursor.counts.recursion == 0 {
        cursor.counts.complexity = 0;
    }
    if cursor.counts.recursion == MAX_RECURSION {
        too_complex(cursor);
        return Expr::missing(cursor.position());
    }
    cursor.counts.recursion += 1;
    let start = cursor.position();
    let first = operand(cursor, start);
    let expression = operators(cursor, first, start, least);
    cursor.counts.recursion -= 1;
    expression
}

fn too_complex(cursor: &mut Cursor<'_>) {
    cursor.fail("this expression is too complex for Tera".to_owned(), Some("`set` a part of it to a name first"));
}

fn count_operator(cursor: &mut Cursor<'_>) {
    cursor.counts.complexity += 1;
    if cursor.counts.complexity > MAX_COMPLEXITY {
        too_complex(cursor);
    }
}

fn operand(cursor: &mut Cursor<'_>, start: usize) -> Expr {
    match (cursor.kind(), cursor.peek()) {
        (Some(TokenKind::Str), _) => string(cursor),
        (Some(TokenKind::Number), _) => number(cursor),
        (Some(TokenKind::Ident), word) if is_boolean(word) => literal(cursor, Literal::Boolean),
        (Some(TokenKind::Ident), "none" | "None" | "null") => literal(cursor, Literal::None),
        (Some(TokenKind::Ident), "not") => unary(cursor, Unary::Not, NOT),
        (Some(TokenKind::Ident), _) => name(cursor),
        (_, "-") => unary(cursor, Unary::Minus, MINUS),
        (_, "<") if cursor.is_name_at(1) => component::inline_call(cursor),
        (_, "{") => map(cursor),
        (_, "[") => list(cursor),
        (_, "(") => parentheses(cursor),
        _ => {
            cursor.fail_expecting("a value");
            Expr::missing(start)
        }
    }
}

fn literal(cursor: &mut Cursor<'_>, literal: Literal) -> Expr {
    Expr { span: cursor.next(), kind: ExprKind::Literal(literal) }
}

/// A string; Tera rejects all but a few escapes.
pub(super) fn string(cursor: &mut Cursor<'_>) -> Expr {
    let text = cursor.peek();
    if text.len() < 2 || !text.ends_with(&text[..1]) || ends_escaped(text) {
        cursor.fail("this string has no end".to_owned(), Some("close it with the quote that opened it"));
        return Expr::missing(cursor.position());
    }
    if let Some(escape) = unknown_escape(text) {
        let help = "Tera knows `\\\\`, `\\\"`, `\\'`, `\\/`, `\\n`, `\\r` and `\\t`";
        cursor.fail(format!("Tera does not know the escape `\\{escape}`"), Some(help));
    }
    literal(cursor, Literal::String)
}

/// Whether the closing quote is itself escaped, so that it closes nothing.
fn ends_escaped(text: &str) -> bool {
    let inner = &text[1..text.len() - 1];
    (inner.len() - inner.trim_end_matches('\\').len()) % 2 == 1
}

fn unknown_escape(text: &str) -> Option<char> {
    let mut chars = text[1..text.len() - 1].chars();
    while let Some(char) = chars.next() {
        if char == '\\' {
            match chars.next() {
                Some('"' | '\'' | '/' | '\\' | 'n' | 't' | 'r') => {}
                other => return Some(other.unwrap_or('\\')),
            }
        }
    }
    None
}

fn number(cursor: &mut Cursor<'_>) -> Expr {
    let text = cursor.peek();
    if text.contains('.') {
        return literal(cursor, Literal::Float);
    }
    if text.parse::<i64>().is_err() {
        cursor.fail(format!("`{text}` is too large a number"), None);
    }
    literal(cursor, Literal::Integer)
}

fn unary(cursor: &mut Cursor<'_>, operator: Unary, least: u8) -> Expr {
    let start = cursor.next().start;
    if cursor.eat("-") || cursor.eat("not") {
        cursor.fail("`-` and `not` cannot follow each other".to_owned(), Some("put parentheses around the second"));
    }
    let of = Box::new(bound_expression(cursor, least));
    Expr { span: start..cursor.last_end(), kind: ExprKind::Unary { operator, of } }
}

fn parentheses(cursor: &mut Cursor<'_>) -> Expr {
    let start = cursor.next().start;
    let inner = Box::new(expression(cursor));
    cursor.expect(")");
    Expr { span: start..cursor.last_end(), kind: ExprKind::Parentheses(inner) }
}

/// A function call, or a name with fields and indices after it.
fn name(cursor: &mut Cursor<'_>) -> Expr {
    let word = cursor.peek();
    let span = cursor.next();
    if cursor.peek() == "(" {
        let call = arguments(cursor, Some(span.clone()));
        return Expr { span: span.start..cursor.last_end(), kind: ExprKind::Call(call) };
    }
    let mut value = Expr { span, kind: ExprKind::Name };
    let is_loop = word == "loop" && cursor.context == LoopContext::InLoop;
    loop {
        value = match cursor.peek() {
            "." => field(cursor, value, Access::Required, is_loop),
            "?." => field(cursor, value, Access::Optional, is_loop),
            "[" => subscript(cursor, value, Access::Required),
            "?[" => subscript(cursor, value, Access::Optional),
            "(" => {
                let help = "only a name can be called: write it as a filter, `value | name`";
                cursor.fail("a field cannot be called".to_owned(), Some(help));
                return value;
            }
            _ => return value,
        };
    }
}

fn field(cursor: &mut Cursor<'_>, of: Expr, access: Access, is_loop: bool) -> Expr {
    count_operator(cursor);
    cursor.next();
    let start = of.span.start;
    let name = cursor.expect_name("a field's name");
    if let Some(name) = name.clone().filter(|name| is_loop && !LOOP_FIELDS.contains(&&cursor.source[name.clone()])) {
        let message = format!("`loop` has no field `{}`", &cursor.source[name.clone()]);
        cursor.fail_at(name, message, Some("it has `index`, `index0`, `first`, `last` and `length`"));
    }
    let end = name.as_ref().map_or(cursor.last_end(), |name| name.end);
    Expr { span: start..end, kind: ExprKind::Field { of: Box::new(of), name, access } }
}

fn subscript(cursor: &mut Cursor<'_>, of: Expr, access: Access) -> Expr {
    count_operator(cursor);
    cursor.next();
    cursor.counts.brackets += 1;
    if cursor.counts.brackets > MAX_BRACKETS {
        cursor.fail(format!("Tera allows at most {MAX_BRACKETS} nested brackets"), None);
    }
    let start = of.span.start;
    let first = (cursor.peek() != ":").then(|| expression(cursor));
    let kind = match first {
        Some(index) if cursor.peek() != ":" => ExprKind::Index { of: Box::new(of), index: Box::new(index), access },
        first => ExprKind::Slice { of: Box::new(of), bounds: first.into_iter().chain(slice_bounds(cursor)).collect() },
    };
    cursor.expect("]");
    cursor.counts.brackets -= 1;
    Expr { span: start..cursor.last_end(), kind }
}

/// The end and the step of a slice; a second colon requires a step.
fn slice_bounds(cursor: &mut Cursor<'_>) -> Vec<Expr> {
    let mut bounds = Vec::new();
    cursor.expect(":");
    if !cursor.is_at_end() && !matches!(cursor.peek(), ":" | "]") {
        bounds.push(expression(cursor));
    }
    if cursor.eat(":") {
        bounds.push(expression(cursor));
    }
    bounds
}

fn operators(cursor: &mut Cursor<'_>, mut left: Expr, start: usize, least: u8) -> Expr {
    loop {
        left = match cursor.peek() {
            "[" => subscript(cursor, left, Access::Required),
            "if" if least == TERNARY => return ternary(cursor, left, start),
            "not" if IN.left >= least => not_in(cursor, left, start),
            word => match binding(word).filter(|binding| binding.left >= least) {
                Some(binding) => operator(cursor, left, start, binding),
                None => return left,
            },
        }
    }
}

fn ternary(cursor: &mut Cursor<'_>, then: Expr, start: usize) -> Expr {
    cursor.next();
    let condition = Box::new(expression(cursor));
    cursor.expect("else");
    let otherwise = Box::new(expression(cursor));
    let kind = ExprKind::Ternary { then: Box::new(then), condition, otherwise };
    Expr { span: start..cursor.last_end(), kind }
}

fn not_in(cursor: &mut Cursor<'_>, left: Expr, start: usize) -> Expr {
    cursor.next();
    if cursor.peek() != "in" {
        cursor.fail("`not` after a value must be part of `not in`".to_owned(), None);
    }
    count_operator(cursor);
    cursor.next();
    let right = Box::new(bound_expression(cursor, IN.right));
    let kind = ExprKind::Binary { operator: Binary::NotIn, left: Box::new(left), right };
    Expr { span: start..cursor.last_end(), kind }
}

fn operator(cursor: &mut Cursor<'_>, left: Expr, start: usize, binding: Binding) -> Expr {
    count_operator(cursor);
    let word = cursor.peek();
    cursor.next();
    let of = Box::new(left);
    let kind = match word {
        "is" => {
            let sense = if cursor.eat("not") { Sense::IsNot } else { Sense::Is };
            ExprKind::Test { of, test: applied(cursor, "a test's name"), sense }
        }
        "|" => ExprKind::Filter { of, filter: applied(cursor, "a filter's name") },
        _ => {
            let right = bound_expression(cursor, binding.right);
            if word == "~" && is_operation(&right) {
                let message = "Tera allows no `-` or `not` right after `~`".to_owned();
                cursor.fail_at(right.span.clone(), message, Some("`set` it to a name first"));
            }
            ExprKind::Binary { operator: binary(word), left: of, right: Box::new(right) }
        }
    };
    Expr { span: start..cursor.last_end(), kind }
}

fn binary(word: &str) -> Binary {
    match word {
        "and" => Binary::And,
        "or" => Binary::Or,
        "~" => Binary::Concatenation,
        _ => Binary::Other,
    }
}

/// Whether Tera sees a unary operation; a signed number is a number, and a negated test is a `not`.
fn is_operation(expression: &Expr) -> bool {
    match &expression.inner().kind {
        ExprKind::Unary { .. } => !expression.is_constant_number(),
        ExprKind::Test { sense, .. } => *sense == Sense::IsNot,
        ExprKind::Binary { operator, .. } => *operator == Binary::NotIn,
        _ => false,
    }
}

/// A filter's or test's name with its arguments.
pub(super) fn applied(cursor: &mut Cursor<'_>, what: &str) -> Applied {
    match cursor.expect_name(what) {
        Some(name) if cursor.peek() == "(" => arguments(cursor, Some(name)),
        name => Applied { name, parentheses: None, arguments: Vec::new() },
    }
}

fn arguments(cursor: &mut Cursor<'_>, name: Option<Span>) -> Applied {
    let start = cursor.next().start;
    let mut arguments: Vec<Argument> = Vec::new();
    while !cursor.is_at_end() && cursor.peek() != ")" {
        if !arguments.is_empty() {
            cursor.expect(",");
            if cursor.peek() == ")" {
                break;
            }
        }
        arguments.extend(argument(cursor, &arguments));
    }
    cursor.expect(")");
    Applied { name, parentheses: Some(start..cursor.last_end()), arguments }
}

fn argument(cursor: &mut Cursor<'_>, before: &[Argument]) -> Option<Argument> {
    let source = cursor.source;
    let is_named = cursor.is_name() && cursor.peek_at(1) == "=";
    if !is_named && !cursor.is_at_end() {
        cursor.fail("an argument has no name".to_owned(), Some("write `name=value`"));
    }
    let name = cursor.expect_name("an argument's name")?;
    if before.iter().any(|other| source[other.name.clone()] == source[name.clone()]) {
        cursor.fail_at(name.clone(), format!("the argument `{}` is given twice", &source[name.clone()]), None);
    }
    cursor.expect("=");
    Some(Argument { value: expression(cursor), name })
}

fn map(cursor: &mut Cursor<'_>) -> Expr {
    let start = cursor.next().start;
    let mut items = Vec::new();
    while !cursor.is_at_end() && cursor.peek() != "}" {
        if !items.is_empty() {
            cursor.expect(",");
            if cursor.peek() == "}" {
                break;
            }
        }
        items.push(map_item(cursor));
    }
    cursor.expect("}");
    Expr { span: start..cursor.last_end(), kind: ExprKind::Map(items) }
}

fn map_item(cursor: &mut Cursor<'_>) -> Item {
    if cursor.eat("...") {
        return Item::Spread(bound_expression(cursor, 0));
    }
    match cursor.kind() {
        Some(TokenKind::Str) => drop(string(cursor)),
        Some(TokenKind::Number) if !cursor.peek().contains('.') => drop(number(cursor)),
        Some(TokenKind::Ident) if is_boolean(cursor.peek()) => drop(cursor.next()),
        _ => cursor.fail_expecting("a key in quotes, a whole number or a boolean"),
    }
    cursor.expect(":");
    Item::One(bound_expression(cursor, 0))
}

fn list(cursor: &mut Cursor<'_>) -> Expr {
    let start = cursor.next().start;
    cursor.counts.dimensions += 1;
    if cursor.counts.dimensions > MAX_DIMENSIONS {
        cursor.fail(format!("Tera allows lists in lists, but no more than {MAX_DIMENSIONS} deep"), None);
    }
    let mut items = Vec::new();
    while !cursor.is_at_end() && cursor.peek() != "]" {
        if !items.is_empty() {
            cursor.expect(",");
            if cursor.peek() == "]" {
                break;
            }
        }
        if cursor.eat("...") {
            items.push(Item::Spread(bound_expression(cursor, 0)));
            continue;
        }
        let item = bound_expression(cursor, 0);
        if items.is_empty() && cursor.peek() == "for" {
            cursor.counts.dimensions -= 1;
            return comprehension(cursor, item, start);
        }
        items.push(Item::One(item));
    }
    cursor.counts.dimensions = cursor.counts.dimensions.saturating_sub(1);
    cursor.expect("]");
    Expr { span: start..cursor.last_end(), kind: ExprKind::List(items) }
}

fn comprehension(cursor: &mut Cursor<'_>, item: Expr, start: usize) -> Expr {
    cursor.next();
    let header = Box::new(loop_header(cursor, TERNARY + 1));
    let condition = cursor.eat("if").then(|| Box::new(bound_expression(cursor, TERNARY + 1)));
    if cursor.peek() == "for" {
        cursor.fail("a list can have only one `for`".to_owned(), None);
    }
    cursor.expect("]");
    let kind = ExprKind::Comprehension { item: Box::new(item), header, condition };
    Expr { span: start..cursor.last_end(), kind }
}

/// `value in target` or `key, value in target`.
pub(super) fn loop_header(cursor: &mut Cursor<'_>, least: u8) -> Loop {
    let mut value = bound_name(cursor, "a name for the loop's values");
    let key = if cursor.eat(",") {
        std::mem::replace(&mut value, bound_name(cursor, "a name for the loop's values"))
    } else {
        None
    };
    cursor.expect("in");
    Loop { key, value, target: bound_expression(cursor, least) }
}

/// A name that the template binds; reserved words are faults.
pub(super) fn bound_name(cursor: &mut Cursor<'_>, what: &str) -> Option<Span> {
    let name = cursor.expect_name(what)?;
    let word = &cursor.source[name.clone()];
    if RESERVED.contains(&word) {
        cursor.fail_at(name.clone(), format!("`{word}` is a word of Tera and cannot be bound"), None);
    }
    Some(name)
}

/// A literal, a signed number, a list or a map, without an operator after it.
pub(super) fn constant(cursor: &mut Cursor<'_>) -> Expr {
    let start = cursor.position();
    operand(cursor, start)
}
