//! Decides which values of an expression are weighed: those that Tera copies, compares or iterates over, and those that
//! are added to lists and maps.

use super::insertions::Insertions;
use super::member::{Member, Writing};
use super::sections::{after, nodes};
use crate::template::budget;
use crate::template::scan::{Piece, TokenKind};
use crate::template::syntax::tree::{
    Applied, Attribute, Binary, ComponentCall, Element, ElementKind, Expr, ExprKind, Item, Literal, Span,
};

/// Filters whose cost does not depend on the size of the value, and those that spend the budget themselves.
const FREE_FILTERS: [&str; 19] = [
    "default",
    "safe",
    "first",
    "last",
    "nth",
    "get",
    "int",
    "float",
    "abs",
    "round",
    "py_str",
    "py_ident",
    "snake_case",
    "camel_case",
    "replace",
    "indent",
    "join",
    "unique",
    "truncate",
];

/// Filters whose result or running time is this many times as large as the value.
const DEAR_FILTERS: [(&str, u64); 7] = [
    ("escape", 6),
    ("escape_html", 6),
    ("escape_xml", 6),
    ("newlines_to_br", 5),
    ("sort", 16),
    ("split", 8),
    ("pairs", 4),
];

/// Tests that scan a text or a list.
const DEAR_TESTS: [&str; 1] = ["containing"];

/// Inserts the weighing of values in a template's expressions.
pub(super) fn meter(member: &Member<'_>, writing: Writing, insertions: &mut Insertions) {
    for (element, piece) in member.tree.elements.iter().zip(&member.tree.pieces) {
        let mut metering = Metering { source: member.text, piece, insertions };
        metering.element(element, writing);
    }
}

struct Metering<'m> {
    source: &'m str,
    piece: &'m Piece,
    insertions: &'m mut Insertions,
}

impl Metering<'_> {
    fn element(&mut self, element: &Element, writing: Writing) {
        match &element.kind {
            ElementKind::SetBlock(_, filters) | ElementKind::Filter(filters) => {
                for filter in filters {
                    self.before_filter(filter);
                }
            }
            ElementKind::Set(_, value) => self.weigh_context(value),
            ElementKind::ComponentBody(call) => self.attributes(call),
            _ => {}
        }
        // Tera evaluates only constants inside a definition.
        if !matches!(element.kind, ElementKind::Component(_)) {
            element.kind.each_expression(&mut |value| self.expression(value));
        }
        match &element.kind {
            ElementKind::Output(value) if writing == Writing::MaybeCaptured => self.weigh(value),
            _ => {}
        }
    }

    /// Nested expressions come first, so that of two insertions at one offset the inner one is first.
    fn expression(&mut self, value: &Expr) {
        if value.is_constant() {
            return;
        }
        if let ExprKind::Binary { operator: Binary::Concatenation, left, right } = &value.kind {
            return self.concatenation(left, right, 1);
        }
        value.each_child(&mut |child| self.expression(child));
        match &value.kind {
            ExprKind::Binary { operator: Binary::NotIn, right, .. } => self.weigh(right),
            ExprKind::Binary { operator: Binary::Other, left, right } => self.comparison(left, right),
            ExprKind::Index { of, index, .. } if !is_text(index) => self.index(of, index),
            ExprKind::Slice { of, bounds } => self.slice(of, bounds),
            ExprKind::Filter { filter, .. } => self.before_filter(filter),
            ExprKind::Test { of, test, .. } if self.is_named(test, &DEAR_TESTS) => self.weigh(of),
            ExprKind::List(items) | ExprKind::Map(items) => items.iter().for_each(|item| match item {
                Item::One(item) => self.nest(item),
                Item::Spread(spread) => self.weigh(spread),
            }),
            ExprKind::Component(call) => self.attributes(call),
            ExprKind::Comprehension { item, header, condition } => {
                let body = nodes(item) + condition.as_ref().map_or(0, |condition| nodes(condition)) + 2;
                self.nest(item);
                after(self.insertions, &header.target, &format!("{}(body={body})", budget::LOOP));
            }
            _ => {}
        }
    }

    /// Every `~` copies its left operand, so the first operand of a long chain is copied many times.
    fn concatenation(&mut self, left: &Expr, right: &Expr, copies: u64) {
        if let ExprKind::Binary { operator: Binary::Concatenation, left, right } = &left.kind {
            self.concatenation(left, right, copies + 1);
        } else {
            self.expression(left);
            self.weigh_times(left, copies);
        }
        self.expression(right);
        self.weigh_times(right, copies);
    }

    /// `==` and similar operators compare deeply, and `in` searches; comparing with a literal is cheap.
    fn comparison(&mut self, left: &Expr, right: &Expr) {
        let operator = self.source[left.span.end..right.span.start].trim();
        let compares = matches!(operator, "==" | "!=" | "<" | "<=" | ">" | ">=");
        if operator == "in" || (compares && !left.is_constant() && !right.is_constant()) {
            self.weigh(right);
        }
    }

    fn attributes(&mut self, call: &ComponentCall) {
        for attribute in &call.attributes {
            if let Attribute::Spread(spread) = attribute {
                self.weigh(spread);
            }
        }
    }

    fn weigh(&mut self, value: &Expr) {
        self.weigh_times(value, 1);
    }

    fn weigh_times(&mut self, value: &Expr, times: u64) {
        if is_small(value) {
            return;
        }
        let filter = if times == 1 { budget::WEIGH.to_owned() } else { format!("{}(times={times})", budget::WEIGH) };
        after(self.insertions, value, &filter);
    }

    fn nest(&mut self, value: &Expr) {
        if !is_small(value) {
            after(self.insertions, value, budget::NEST);
        }
    }

    /// `__tera_context` contains everything that is set, so setting it adds a level of nesting.
    fn weigh_context(&mut self, value: &Expr) {
        if value.kind == ExprKind::Name && &self.source[value.span.clone()] == "__tera_context" {
            self.nest(value);
        }
    }

    fn before_filter(&mut self, filter: &Applied) {
        let Some(name) = &filter.name else { return };
        let word = &self.source[name.clone()];
        if FREE_FILTERS.contains(&word) {
            return;
        }
        filter.arguments.iter().for_each(|argument| self.weigh(&argument.value));
        let times = DEAR_FILTERS.iter().find(|(dear, _)| *dear == word).map(|(_, times)| *times);
        let weigh = match times {
            Some(times) => format!("{}(times={times})|", budget::WEIGH),
            None => format!("{}|", budget::WEIGH),
        };
        self.insertions.add(name.start, weigh, name);
    }

    fn index(&mut self, of: &Expr, index: &Expr) {
        let filter = format!("{}(of={})", budget::INDEX, self.on_one_line(&of.span));
        after(self.insertions, index, &filter);
    }

    fn slice(&mut self, of: &Expr, bounds: &[Expr]) {
        if let Some(bound) = bounds.first() {
            return self.index(of, bound);
        }
        let bracket = self.source[of.span.end..].find('[').map(|found| of.span.end + found + 1);
        let filter = format!("0|{}(of={})", budget::INDEX, self.on_one_line(&of.span));
        if let Some(bracket) = bracket {
            self.insertions.add(bracket, filter, &of.span);
        }
    }

    /// The tokens of a part of the piece, joined on one line.
    fn on_one_line(&self, span: &Span) -> String {
        let tokens =
            self.piece.tokens.iter().filter(|token| span.start <= token.span.start && token.span.end <= span.end);
        let words = tokens.map(|token| {
            let text = token.text(self.source);
            match token.kind {
                TokenKind::Str => text.replace('\n', "\\n").replace('\r', "\\r"),
                _ => text.to_owned(),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn is_named(&self, applied: &Applied, names: &[&str]) -> bool {
        applied.name.as_ref().is_some_and(|name| names.contains(&&self.source[name.clone()]))
    }
}

fn is_text(value: &Expr) -> bool {
    matches!(value.inner().kind, ExprKind::Literal(Literal::String))
}

/// Whether a value is a number, a boolean or a literal.
fn is_small(value: &Expr) -> bool {
    if value.is_constant() {
        return true;
    }
    match &value.inner().kind {
        ExprKind::Literal(_) | ExprKind::Missing | ExprKind::Test { .. } | ExprKind::Unary { .. } => true,
        ExprKind::Binary { operator, .. } => !matches!(operator, Binary::And | Binary::Or | Binary::Concatenation),
        _ => false,
    }
}
