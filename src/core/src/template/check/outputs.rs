//! Checks what a template writes although it may have no value, or none.

use super::checked::Checked;
use super::nones::{Nones, is_asked_for, without_default};
use crate::base::problem::{Code, Problem};
use crate::template::syntax::tree::{Access, Element, ElementId, ElementKind, Expr, ExprKind, Span};

pub(super) fn problems(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let nones = Nones::of(checked);
    let elements = checked.source.tree().elements.iter().enumerate();
    let of_element = |(id, element): (ElementId, &Element)| match &element.kind {
        ElementKind::Output(value) => optional_value(checked, id, value),
        _ => None,
    };
    let mut problems = Vec::new();
    if may_look_up_optionally(&checked.source.text) {
        problems.extend(elements.clone().filter_map(of_element));
    }
    if nones.is_any_used() {
        problems.extend(elements.flat_map(|(id, _)| nones.problems(id)));
    }
    problems
}

/// Whether a template may use `?.` or `?[`; most do not, and their elements need not be visited.
fn may_look_up_optionally(text: &str) -> bool {
    memchr::memchr_iter(b'?', text.as_bytes()).any(|at| matches!(text.as_bytes().get(at + 1), Some(b'.' | b'[')))
}

fn optional_value(checked: &Checked<'_, '_>, element: ElementId, value: &Expr) -> Option<Problem> {
    let value = value.inner();
    let (asked, is_default) = without_default(checked, value);
    let name = &checked.source.text[root(asked)?.clone()];
    if is_default || !is_optional(asked) || is_asked_for(checked, element, name) {
        return None;
    }
    let shown = checked.source.slice(&asked.span);
    let message = format!("`{shown}` cannot be written if it has no value: `?.` makes only the look-up optional");
    let help = format!("give a default: `{{{{ {shown} | default(value=\"…\") }}}}`");
    Some(checked.warning(Code::OptionalOutput, &value.span, message).help(help))
}

/// The name at the start of a chain of fields and indices.
fn root(value: &Expr) -> Option<&Span> {
    match &value.kind {
        ExprKind::Name => Some(&value.span),
        ExprKind::Field { of, .. } | ExprKind::Index { of, .. } => root(of),
        _ => None,
    }
}

fn is_optional(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Field { of, access, .. } | ExprKind::Index { of, access, .. } => {
            *access == Access::Optional || is_optional(of)
        }
        _ => false,
    }
}
