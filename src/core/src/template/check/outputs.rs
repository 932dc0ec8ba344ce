//! Checks what a template writes: values that may be missing, none, which is written as nothing, and placeholders of
//! the wrong dialect.

use super::checked::Checked;
use crate::base::problem::{Code, Problem};
use crate::template::Dialect;
use crate::template::syntax::tree::{Access, ElementId, ElementKind, Expr, ExprKind, Span};
use crate::template::vocabulary::{self, Kind};

pub(super) fn problems(checked: &Checked<'_, '_>) -> Vec<Problem> {
    match checked.source.dialect() {
        Dialect::Dollar => placeholder_without_dollar(checked).into_iter().collect(),
        Dialect::Tera => {
            let elements = checked.source.tree().elements.iter().enumerate();
            elements
                .filter_map(|(id, element)| match &element.kind {
                    ElementKind::Output(value) => of_output(checked, id, value),
                    _ => None,
                })
                .collect()
        }
    }
}

fn of_output(checked: &Checked<'_, '_>, element: ElementId, value: &Expr) -> Option<Problem> {
    let value = value.inner();
    let (asked, is_default) = match &value.kind {
        ExprKind::Filter { of, filter } if is_plain_default(checked, filter.name.as_ref(), filter.arguments.len()) => {
            (of.inner(), true)
        }
        _ => (value, false),
    };
    let name = &checked.source.text[root(asked)?.clone()];
    if is_asked_for(checked, element, name) {
        return None;
    }
    let shown = checked.source.slice(&asked.span);
    if asked.kind == ExprKind::Name {
        let may_be_none = vocabulary::entry(name).is_some_and(|entry| entry.kind == Kind::Object);
        return may_be_none.then(|| {
            let (message, help) = if is_default {
                (
                    format!("`default` does not replace `{name}` where it is none, and none is written as nothing"),
                    format!("add `boolean=true`, or write `{{% if {name} %}}`"),
                )
            } else {
                (
                    format!("`{name}` is none for some models, and none is written as nothing"),
                    format!("write a field of it inside of `{{% if {name} %}}`"),
                )
            };
            checked.warning(Code::EmptyOutput, &value.span, message).help(help)
        });
    }
    (!is_default && is_optional(asked)).then(|| {
        let message = format!("`{shown}` cannot be written if it has no value: `?.` makes only the look-up optional");
        let help = format!("give a default: `{{{{ {shown} | default(value=\"…\") }}}}`");
        checked.warning(Code::OptionalOutput, &value.span, message).help(help)
    })
}

/// `default(value=…)` without `boolean=…`.
fn is_plain_default(checked: &Checked<'_, '_>, name: Option<&Span>, arguments: usize) -> bool {
    arguments == 1 && name.is_some_and(|name| checked.source.slice(name) == "default")
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

/// Whether an `if` around an element tests a name.
fn is_asked_for(checked: &Checked<'_, '_>, element: ElementId, name: &str) -> bool {
    let tree = checked.source.tree();
    tree.sections_around(element).any(|section| match &tree.elements[section].kind {
        ElementKind::If(condition) => mentions(checked, condition, name),
        _ => false,
    })
}

fn mentions(checked: &Checked<'_, '_>, value: &Expr, name: &str) -> bool {
    let mut found = value.kind == ExprKind::Name && checked.source.slice(&value.span) == name;
    value.each_child(&mut |child| found = found || mentions(checked, child, name));
    found
}

/// `{model_name}` or `{{ model_name }}` in a `${}` template that has no placeholders.
fn placeholder_without_dollar(checked: &Checked<'_, '_>) -> Option<Problem> {
    let analysis = checked.analysis();
    if !analysis.uses.is_empty() || !analysis.broken.is_empty() {
        return None;
    }
    let text = &checked.source.text;
    let candidates = memchr::memchr_iter(b'{', text.as_bytes());
    let (span, name) =
        candidates.filter_map(|at| braced_name(text, at)).find(|(_, name)| vocabulary::entry(name).is_some())?;
    let message = format!("`{}` is text: this template has no placeholder", checked.source.slice(&span));
    let help = format!("write `${{{name}}}`, or name the template `*.tera` and write `{{{{ {name} }}}}`");
    Some(checked.warning(Code::LiteralPlaceholder, &span, message).help(help))
}

/// The name in braces that open at an offset, with the span of name and braces.
fn braced_name(text: &str, at: usize) -> Option<(Span, &str)> {
    let braces = text[at..].bytes().take_while(|byte| *byte == b'{').count();
    let inner = &text[at + braces..];
    let inner = inner.trim_start_matches(' ');
    let len = inner.bytes().take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()).count();
    let name = &inner[..len];
    let rest = inner[len..].trim_start_matches(' ');
    let closing = "}".repeat(braces.min(2));
    let end = text.len() - rest.len() + closing.len();
    (len > 0 && braces <= 2 && rest.starts_with(&closing)).then_some((at..end, name))
}
