//! Moves the spans of a piece and its element after an edit before it.
//!
//! Every span of the tree is listed here, so the compiler asks for a line when a kind of expression or tag is added.

use super::tree::{
    Applied, Argument, Assignment, Attribute, ComponentCall, Definition, ElementKind, Expr, ExprKind, Item, Loop,
    Parameter, Span,
};
use crate::template::scan::Piece;

/// The distance by which an edit moved the text after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::template) struct Shift {
    /// The old offset of the text after the edit.
    before: usize,
    /// Its new offset.
    after: usize,
}

impl Shift {
    pub(super) const fn new(before: usize, after: usize) -> Self {
        Self { before, after }
    }

    /// The new offset of an old offset after the edit.
    pub(super) const fn offset(self, offset: usize) -> usize {
        offset - self.before + self.after
    }

    /// The old offset of a new offset; `None` if it is before the end of the edit.
    pub(super) const fn offset_before(self, offset: usize) -> Option<usize> {
        match offset.checked_sub(self.after) {
            Some(behind) => Some(behind + self.before),
            None => None,
        }
    }

    /// Moves an offset, unless it is before the text after the edit.
    pub(in crate::template) fn move_offset(self, offset: &mut usize) {
        if *offset >= self.before {
            *offset = self.offset(*offset);
        }
    }

    pub(in crate::template) fn span(self, span: &mut Span) {
        *span = self.offset(span.start)..self.offset(span.end);
    }

    pub(super) fn piece(self, piece: &mut Piece) {
        self.span(&mut piece.span);
        for token in &mut piece.tokens {
            self.span(&mut token.span);
        }
    }

    pub(super) fn element(self, kind: &mut ElementKind) {
        match kind {
            ElementKind::Text
            | ElementKind::Raw
            | ElementKind::Comment
            | ElementKind::Else
            | ElementKind::Break
            | ElementKind::Continue
            | ElementKind::Unknown => {}
            ElementKind::Output(value) | ElementKind::If(value) | ElementKind::Elif(value) => self.expression(value),
            ElementKind::Extends(name)
            | ElementKind::Include(name)
            | ElementKind::Block(name)
            | ElementKind::End(name) => self.optional(name),
            ElementKind::Set(assignment, value) => {
                self.assignment(assignment);
                self.expression(value);
            }
            ElementKind::SetBlock(assignment, filters) => {
                self.assignment(assignment);
                for filter in filters {
                    self.applied(filter);
                }
            }
            ElementKind::For(header) => self.header(header),
            ElementKind::Filter(filters) => filters.iter_mut().for_each(|filter| self.applied(filter)),
            ElementKind::Component(definition) => self.definition(definition),
            ElementKind::ComponentBody(call) => self.call(call),
        }
    }

    fn optional(self, span: &mut Option<Span>) {
        if let Some(span) = span {
            self.span(span);
        }
    }

    fn assignment(self, Assignment { name, reach: _ }: &mut Assignment) {
        self.optional(name);
    }

    fn header(self, Loop { key, value, target }: &mut Loop) {
        self.optional(key);
        self.optional(value);
        self.expression(target);
    }

    fn applied(self, Applied { name, parentheses, arguments }: &mut Applied) {
        self.optional(name);
        self.optional(parentheses);
        for Argument { name, value } in arguments {
            self.span(name);
            self.expression(value);
        }
    }

    fn definition(self, Definition { name, parameters, rest }: &mut Definition) {
        self.optional(name);
        self.optional(rest);
        for Parameter { name, source: _, kind, default } in parameters {
            self.span(name);
            self.optional(kind);
            if let Some(default) = default {
                self.expression(default);
            }
        }
    }

    fn call(self, ComponentCall { name, attributes }: &mut ComponentCall) {
        self.optional(name);
        for attribute in attributes {
            match attribute {
                Attribute::Named { name, value } => {
                    self.span(name);
                    self.expression(value);
                }
                Attribute::Spread(value) => self.expression(value),
            }
        }
    }

    fn items(self, items: &mut [Item]) {
        for item in items {
            match item {
                Item::One(value) | Item::Spread(value) => self.expression(value),
            }
        }
    }

    fn expression(self, Expr { span, kind }: &mut Expr) {
        self.span(span);
        match kind {
            ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Name => {}
            ExprKind::Field { of, name, access: _ } => {
                self.expression(of);
                self.optional(name);
            }
            ExprKind::Index { of, index, access: _ } => {
                self.expression(of);
                self.expression(index);
            }
            ExprKind::Slice { of, bounds } => {
                self.expression(of);
                for bound in bounds {
                    self.expression(bound);
                }
            }
            ExprKind::Call(call) => self.applied(call),
            ExprKind::Filter { of, filter: applied } | ExprKind::Test { of, test: applied, sense: _ } => {
                self.expression(of);
                self.applied(applied);
            }
            ExprKind::Unary { operator: _, of } | ExprKind::Parentheses(of) => self.expression(of),
            ExprKind::Binary { operator: _, left, right } => {
                self.expression(left);
                self.expression(right);
            }
            ExprKind::Ternary { then, condition, otherwise } => {
                self.expression(then);
                self.expression(condition);
                self.expression(otherwise);
            }
            ExprKind::List(items) | ExprKind::Map(items) => self.items(items),
            ExprKind::Comprehension { item, header, condition } => {
                self.expression(item);
                self.header(header);
                if let Some(condition) = condition {
                    self.expression(condition);
                }
            }
            ExprKind::Component(call) => self.call(call),
        }
    }
}
