//! Classifies the word at a place of a template, for hover, definition, references and renaming.

use super::Template;
use crate::template::analysis::{CalleeKind, Meaning};
use crate::template::syntax::tree::{ElementKind, Expr, ExprKind, Span};

/// What a word refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A placeholder's name.
    Placeholder(String),
    /// A name that the template binds, by its index in the analysis.
    Local(usize),
    /// A filter, test or function.
    Callee(CalleeKind, String),
    /// A component.
    Component(String),
    /// A block.
    Block(String),
    /// Another template's name.
    Template(String),
    /// The pipeline map, by its path in the configuration.
    PipelineMap,
    /// A field of a value, by the span of the whole expression.
    Field(Span),
}

impl Template<'_> {
    /// The target at an offset and its span. The offset may be at the word's end.
    pub(super) fn target(&self, offset: usize) -> Option<(Target, Span)> {
        let analysis = self.source.analysis();
        let is_here = |span: &Span| span.start <= offset && offset <= span.end;
        if let Some((binding, span)) = self.binding_at(offset) {
            return Some((Target::Local(binding), span));
        }
        if let Some(found) = analysis.uses.iter().find(|found| is_here(&found.span)) {
            let target = match found.meaning {
                Meaning::Placeholder | Meaning::OutOfReach => Target::Placeholder(found.name.clone()),
                Meaning::Local(binding) => Target::Local(binding),
                Meaning::Content => return None,
            };
            return Some((target, found.span.clone()));
        }
        if let Some(found) = analysis.callees.iter().find(|found| is_here(&found.span)) {
            return Some((Target::Callee(found.kind, found.name.clone()), found.span.clone()));
        }
        if let Some(found) = analysis.calls.iter().chain(&analysis.defines).find(|found| is_here(&found.span)) {
            return Some((Target::Component(found.name.clone()), found.span.clone()));
        }
        if let Some(found) = analysis.blocks.iter().find(|found| is_here(&found.span)) {
            return Some((Target::Block(found.name.clone()), found.span.clone()));
        }
        if let Some(found) = analysis.builds_on.iter().find(|found| is_here(&found.span)) {
            return Some((Target::Template(found.name.clone()), found.span.clone()));
        }
        self.end_at(offset).or_else(|| self.field_at(offset))
    }

    /// The name that a tag binds at an offset.
    fn binding_at(&self, offset: usize) -> Option<(usize, Span)> {
        let analysis = self.source.analysis();
        let bound = analysis.bindings.iter().enumerate().map(|(number, binding)| (number, &binding.span));
        let again = analysis.rebindings.iter().map(|(number, span)| (*number, span));
        let mut all = bound.chain(again);
        all.find(|(_, span)| span.start <= offset && offset <= span.end).map(|(number, span)| (number, span.clone()))
    }

    /// The name in an end tag.
    fn end_at(&self, offset: usize) -> Option<(Target, Span)> {
        let tree = self.source.tree();
        let element = tree.element_at(offset)?;
        let ElementKind::End(Some(span)) = &tree.elements[element].kind else { return None };
        let name = self.source.slice(span).to_owned();
        let opening = tree.elements[element].parent?;
        let is_here = span.start <= offset && offset <= span.end;
        let target = match tree.elements[opening].kind {
            ElementKind::Block(_) => Target::Block(name),
            _ => Target::Component(name),
        };
        is_here.then(|| (target, span.clone()))
    }

    fn field_at(&self, offset: usize) -> Option<(Target, Span)> {
        let tree = self.source.tree();
        let element = tree.element_at(offset)?;
        let mut found = None;
        tree.elements[element].kind.each_expression(&mut |value| field_in(value, offset, &mut found));
        found
    }

    /// The expression with a span.
    pub(super) fn expression(&self, span: &Span) -> Option<&Expr> {
        let tree = self.source.tree();
        let mut found = None;
        tree.elements[tree.element_at(span.start)?]
            .kind
            .each_expression(&mut |value| with_span(value, span, &mut found));
        found
    }
}

fn field_in(value: &Expr, offset: usize, found: &mut Option<(Target, Span)>) {
    let name = match &value.kind {
        ExprKind::Field { name: Some(name), .. } => Some(name.clone()),
        ExprKind::Index { of, .. } => Some(of.span.end..value.span.end),
        _ => None,
    };
    if let Some(name) = name.filter(|name| name.start <= offset && offset <= name.end) {
        *found = Some((Target::Field(value.span.clone()), name));
    }
    value.each_child(&mut |child| field_in(child, offset, found));
}

fn with_span<'t>(value: &'t Expr, span: &Span, found: &mut Option<&'t Expr>) {
    if value.span == *span {
        *found = Some(value);
    }
    value.each_child(&mut |child| with_span(child, span, found));
}
