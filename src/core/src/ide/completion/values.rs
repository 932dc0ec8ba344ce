//! Names of values, and their fields.

use tera::Value;

use super::names::callable;
use super::{Completion, CompletionKind, CompletionPoint};
use crate::ide::values::shown;
use crate::plan::case::Case;
use crate::template::analysis::{Binding, BindingKind, CalleeKind};
use crate::template::callees;
use crate::template::filters::is_python_identifier;
use crate::template::renderer::Values;
use crate::template::syntax::LOOP_FIELDS;
use crate::template::syntax::tree::{ElementId, ElementKind, Expr};
use crate::template::vocabulary::{self, VOCABULARY};

/// The search for keys ends after this many models without a new one, because each reference implementation has to be
/// parsed.
const PATIENCE: usize = 40;

/// Local names first, then placeholders, functions and literals.
pub(super) fn values(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let case = place.view.shown_case(&place.template.name);
    let mut items = if place.is_dollar() { Vec::new() } else { locals(place, case.as_ref()) };
    let is_local = |items: &[Completion], name: &str| items.iter().any(|item| item.label == name);
    for name in placeholder_names(place) {
        if !is_local(&items, &name) {
            items.push(placeholder(place, &name, case.as_ref()));
        }
    }
    if place.is_dollar() {
        let is_closed = place.template.source.text[place.replaced.end..].starts_with('}');
        for item in items.iter_mut().filter(|_| !is_closed) {
            item.edit.text.push('}');
        }
        return items;
    }
    items.extend(callees::of_kind(CalleeKind::Function).map(|callee| callable(place, callee)));
    items.extend(place.keywords(&["not", "true", "false", "none"]));
    items
}

/// The built-in placeholders in table order, then the project's by name.
fn placeholder_names(place: &CompletionPoint<'_, '_>) -> Vec<String> {
    let config = &place.view.project.config;
    let suites = config.suites.iter().flat_map(|suite| suite.placeholders.keys());
    let models = config.models.values().flat_map(|facts| facts.placeholders.keys());
    let mut own: Vec<_> = config.placeholders.keys().chain(suites).chain(models).cloned().collect();
    own.sort();
    own.dedup();
    let built_in = VOCABULARY.iter().map(|entry| entry.name).filter(|name| match *name {
        "hardware_type" | "batch_size" => place.view.expands(&place.template.name, name),
        _ => true,
    });
    built_in.map(str::to_owned).chain(own).collect()
}

fn placeholder(place: &CompletionPoint<'_, '_>, name: &str, case: Option<&Case<'_>>) -> Completion {
    let entry = vocabulary::entry(name);
    let kind = entry.map_or("of the project", |entry| entry.kind.name());
    let value = case.and_then(|case| Some(format!("{kind} = {}", shown(&case.value(name)?))));
    let mut documentation =
        entry.map_or_else(|| "A placeholder of the project.".to_owned(), |entry| entry.description.to_owned());
    if let Some(count) = place.view.planned.distinct_values(place.view.project, name) {
        let models = place.view.planned.models.len();
        documentation = format!("{documentation}\n\n{count} different values over {models} models");
    }
    place
        .item(name, CompletionKind::Placeholder)
        .detail(value.unwrap_or_else(|| kind.to_owned()))
        .documentation(documentation)
}

/// The names that the template binds in this scope, the nearest first.
fn locals(place: &CompletionPoint<'_, '_>, case: Option<&Case<'_>>) -> Vec<Completion> {
    let analysis = place.template.source.analysis();
    let in_reach = analysis
        .bindings
        .iter()
        .filter(|binding| binding.scope.contains(&place.offset) || binding.scope.end == place.offset);
    let mut reached: Vec<&Binding> = in_reach.collect();
    reached.sort_by_key(|binding| binding.scope.len());
    let mut items: Vec<Completion> = Vec::new();
    for binding in reached {
        if !items.iter().any(|item| item.label == binding.name) {
            items.push(local(place, binding, case));
        }
    }
    if is_in_loop(place) {
        items.push(place.item("loop", CompletionKind::Variable).detail("the loop around this place"));
    }
    items
}

fn local(place: &CompletionPoint<'_, '_>, binding: &Binding, case: Option<&Case<'_>>) -> Completion {
    let what = match binding.kind {
        BindingKind::Set => "set here",
        BindingKind::Loop => "of the loop",
        BindingKind::Parameter => "parameter",
    };
    let value = case.and_then(|case| place.template.bound_value(case, binding));
    let detail = value.map_or_else(|| what.to_owned(), |value| format!("{what} = {}", shown(&value)));
    place.item(binding.name.as_str(), CompletionKind::Variable).detail(detail)
}

fn is_in_loop(place: &CompletionPoint<'_, '_>) -> bool {
    let tree = place.template.source.tree();
    let after = tree.pieces.partition_point(|piece| piece.span.start < place.offset);
    let is_loop = |section: ElementId| matches!(tree.elements[section].kind, ElementKind::For(_));
    after.checked_sub(1).is_some_and(|element| tree.sections_around(element).any(is_loop))
}

/// The fields of the value that ends at an offset.
pub(super) fn fields(place: &CompletionPoint<'_, '_>, of_end: usize) -> Vec<Completion> {
    let Some(expression) = expression_before(place, of_end) else { return Vec::new() };
    if place.template.source.slice(&expression.span) == "loop" && is_in_loop(place) {
        return LOOP_FIELDS.iter().map(|field| place.item(*field, CompletionKind::Field)).collect();
    }
    entries(place, expression).into_iter().filter(|item| is_python_identifier(&item.label)).collect()
}

/// The keys of the value that ends at an offset, in quotes.
pub(super) fn keys(place: &CompletionPoint<'_, '_>, of_end: usize) -> Vec<Completion> {
    expression_before(place, of_end).map(|expression| entries(place, expression)).unwrap_or_default()
}

/// The entries of a map over all models: those of the previewed case first, with their values.
fn entries(place: &CompletionPoint<'_, '_>, expression: &Expr) -> Vec<Completion> {
    let (view, template) = (place.view, place.template);
    let mut items: Vec<Completion> = Vec::new();
    let mut add = |value: &Value, is_shown: bool| {
        let before = items.len();
        for (key, value) in value.as_map().into_iter().flat_map(|map| map.iter()) {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            if !items.iter().any(|item| item.label == key) {
                let detail = if is_shown { format!("= {}", shown(value)) } else { "for other models".to_owned() };
                items.push(place.item(key, CompletionKind::Field).detail(detail));
            }
        }
        items.len() > before
    };
    let shown_value = view.shown_case(&template.name).and_then(|case| template.evaluate(&case, expression));
    if let Some(value) = &shown_value {
        add(value, true);
    }
    let mut fruitless = 0;
    for case in view.case_by_model(&template.name) {
        let value = template.evaluate(&case, expression).filter(Value::is_map);
        let is_new = value.as_ref().map(|value| add(value, false));
        fruitless = match is_new {
            Some(true) => 0,
            Some(false) => fruitless + 1,
            None => fruitless,
        };
        if fruitless == PATIENCE {
            break;
        }
    }
    items
}

/// The longest expression of the piece that ends at an offset.
fn expression_before<'p>(place: &'p CompletionPoint<'_, '_>, end: usize) -> Option<&'p Expr> {
    let tree = place.template.source.tree();
    let after = tree.pieces.partition_point(|piece| piece.span.start < place.offset);
    let mut found = None;
    tree.elements[after.checked_sub(1)?].kind.each_expression(&mut |value| longest(value, end, &mut found));
    found
}

fn longest<'t>(value: &'t Expr, end: usize, found: &mut Option<&'t Expr>) {
    if value.span.end == end && found.is_none_or(|known: &Expr| known.span.len() < value.span.len()) {
        *found = Some(value);
    }
    value.each_child(&mut |child| longest(child, end, found));
}
