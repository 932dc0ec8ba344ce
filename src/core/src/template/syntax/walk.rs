//! Visits the expressions of an element, and the direct children of an expression.

use super::tree::{Applied, Attribute, ComponentCall, ElementKind, Expr, ExprKind, Item};

impl ElementKind {
    /// Calls `visit` with every outermost expression of a tag, in the order of the source.
    pub fn each_expression<'t>(&'t self, visit: &mut dyn FnMut(&'t Expr)) {
        match self {
            Self::Output(value) | Self::Set(_, value) | Self::If(value) | Self::Elif(value) => visit(value),
            Self::For(header) => visit(&header.target),
            Self::SetBlock(_, filters) | Self::Filter(filters) => {
                for filter in filters {
                    filter.each_argument(visit);
                }
            }
            Self::Component(definition) => {
                definition.parameters.iter().filter_map(|parameter| parameter.default.as_ref()).for_each(visit);
            }
            Self::ComponentBody(call) => call.each_value(visit),
            _ => {}
        }
    }
}

impl Expr {
    /// Calls `visit` with every direct child of this expression, roughly in the order of the source.
    pub fn each_child<'t>(&'t self, visit: &mut dyn FnMut(&'t Expr)) {
        match &self.kind {
            ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Name => {}
            ExprKind::Field { of, .. } | ExprKind::Unary { of, .. } | ExprKind::Parentheses(of) => visit(of),
            ExprKind::Index { of, index, .. } => {
                visit(of);
                visit(index);
            }
            ExprKind::Slice { of, bounds } => {
                visit(of);
                bounds.iter().for_each(visit);
            }
            ExprKind::Call(call) => call.each_argument(visit),
            ExprKind::Filter { of, filter: applied } | ExprKind::Test { of, test: applied, .. } => {
                visit(of);
                applied.each_argument(visit);
            }
            ExprKind::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            ExprKind::Ternary { then, condition, otherwise } => {
                visit(then);
                visit(condition);
                visit(otherwise);
            }
            ExprKind::List(items) | ExprKind::Map(items) => items.iter().for_each(|item| visit(item.value())),
            ExprKind::Comprehension { item, header, condition } => {
                visit(item);
                visit(&header.target);
                if let Some(condition) = condition {
                    visit(condition);
                }
            }
            ExprKind::Component(call) => call.each_value(visit),
        }
    }
}

impl Applied {
    fn each_argument<'t>(&'t self, visit: &mut dyn FnMut(&'t Expr)) {
        self.arguments.iter().for_each(|argument| visit(&argument.value));
    }
}

impl ComponentCall {
    fn each_value<'t>(&'t self, visit: &mut dyn FnMut(&'t Expr)) {
        self.attributes.iter().for_each(|attribute| visit(attribute.value()));
    }
}

impl Attribute {
    /// The contained expression.
    #[must_use]
    pub fn value(&self) -> &Expr {
        match self {
            Self::Named { value, .. } | Self::Spread(value) => value,
        }
    }
}

impl Item {
    /// The contained expression.
    #[must_use]
    pub fn value(&self) -> &Expr {
        match self {
            Self::One(value) | Self::Spread(value) => value,
        }
    }
}
