//! Names of things that are called or referred to: filters, tests, components and their parameters, blocks, templates.

use super::{Completion, CompletionKind, CompletionPoint};
use crate::template::analysis::CalleeKind;
use crate::template::callees::{self, CalleeSignature, Need};
use crate::template::library::Source;
use crate::template::syntax::tree::{Definition, Parameter, ParameterSource};
use crate::template::{Dialect, TemplateName};

pub(super) fn callees(place: &CompletionPoint<'_, '_>, kind: CalleeKind) -> Vec<Completion> {
    let mut items: Vec<_> = callees::of_kind(kind).map(|callee| callable(place, callee)).collect();
    if kind == CalleeKind::Test {
        items.push(place.item("not", CompletionKind::Keyword));
    }
    items
}

/// A filter, test or function, with its required arguments.
pub(super) fn callable(place: &CompletionPoint<'_, '_>, callee: CalleeSignature) -> Completion {
    let kind = match callee.kind {
        CalleeKind::Filter => CompletionKind::Filter,
        CalleeKind::Test => CompletionKind::Test,
        CalleeKind::Function => CompletionKind::Function,
    };
    let item = place.item(callee.name, kind).detail(signature(&callee)).documentation(callee.description);
    let has_arguments = place.template.source.text[place.replaced.end..].starts_with('(');
    let required: Vec<_> = callee.arguments.iter().filter(|argument| argument.need == Need::Required).collect();
    match (has_arguments, required.is_empty(), callee.kind) {
        (true, _, _) => item,
        (_, true, CalleeKind::Function) => item.text(format!("{}()", callee.name)),
        (_, true, _) => item,
        _ => {
            let arguments: Vec<_> = required
                .iter()
                .enumerate()
                .map(|(at, argument)| format!("{}=${{{}}}", argument.name, at + 1))
                .collect();
            item.snippet(format!("{}({})", callee.name, arguments.join(", ")))
        }
    }
}

/// The signature `replace(from, to)`, with `?` after optional arguments.
pub(in crate::ide) fn signature(callee: &CalleeSignature) -> String {
    let argument = |argument: &callees::Parameter| match argument.need {
        Need::Required => argument.name.to_owned(),
        Need::Optional => format!("{}?", argument.name),
    };
    let arguments: Vec<_> = callee.arguments.iter().map(argument).collect();
    match (arguments.is_empty(), callee.kind) {
        (true, CalleeKind::Filter | CalleeKind::Test) => callee.name.to_owned(),
        _ => format!("{}({})", callee.name, arguments.join(", ")),
    }
}

/// The arguments of a callee that are not given yet.
pub(super) fn arguments(place: &CompletionPoint<'_, '_>, callee: &str) -> Vec<Completion> {
    let kinds = [CalleeKind::Filter, CalleeKind::Test, CalleeKind::Function];
    let Some(signature) = kinds.into_iter().find_map(|kind| callees::find(kind, callee)) else { return Vec::new() };
    let item = |argument: &callees::Parameter| {
        let detail = if argument.need == Need::Required { "must be given" } else { "may be given" };
        place.item(argument.name, CompletionKind::Argument).detail(detail).text(format!("{}=", argument.name))
    };
    signature.arguments.iter().filter(|argument| !place.is_given(argument.name)).map(item).collect()
}

pub(super) fn components(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let components = place.view.project.library.components();
    let item = |(name, (source, definition)): (&&str, &(&Source, &Definition))| {
        let parameters: Vec<_> = definition.parameters.iter().map(|parameter| source.slice(&parameter.name)).collect();
        place
            .item(*name, CompletionKind::Component)
            .detail(format!("{name}({})", parameters.join(", ")))
            .documentation(format!("Defined in `{}`.", source.path))
    };
    components.iter().map(item).collect()
}

/// The attributes of a component that are not given yet.
pub(super) fn attributes(place: &CompletionPoint<'_, '_>, component: &str) -> Vec<Completion> {
    let components = place.view.project.library.components();
    let Some((source, definition)) = components.get(component) else { return Vec::new() };
    let item = |parameter: &Parameter| {
        let name = source.slice(&parameter.name);
        let detail = match (&parameter.default, parameter.source) {
            (Some(default), _) => format!("default {}", source.slice(&default.span)),
            (None, ParameterSource::Surroundings) => "taken from the caller's scope if it is not given".to_owned(),
            (None, ParameterSource::Attribute) => "must be given".to_owned(),
        };
        place.item(name, CompletionKind::Argument).detail(detail).snippet(format!("{name}={{${{1:{name}}}}}"))
    };
    let missing = definition.parameters.iter().filter(|parameter| !place.is_given(source.slice(&parameter.name)));
    missing.map(item).collect()
}

/// The blocks of the parents that this template does not override yet.
pub(super) fn blocks(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let library = &place.view.project.library;
    let own = &place.template.source.analysis().blocks;
    let is_typed = |name: &str| own.iter().any(|block| block.name == name && block.span != place.replaced);
    let mut items: Vec<Completion> = Vec::new();
    for parent in library.parents(&place.template.name) {
        let Ok(source) = library.source(&parent) else { continue };
        for block in &source.analysis().blocks {
            if !is_typed(&block.name) && !items.iter().any(|item| item.label == block.name) {
                items.push(place.item(block.name.as_str(), CompletionKind::Block).detail(format!("from {parent}")));
            }
        }
    }
    items
}

/// All templates of the library except this one.
pub(super) fn templates(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let library = &place.view.project.library;
    let is_tera = |name: &&TemplateName| **name != place.template.name && name.dialect() == Dialect::Tera;
    let item = |name: &TemplateName| {
        let path = library.path_of(name).map(|path| path.as_str().to_owned()).unwrap_or_default();
        place.item(name.as_str(), CompletionKind::Template).detail(path)
    };
    library.names().filter(is_tera).map(item).collect()
}
