//! Names that a template binds, as references and renaming see them: every place of a name that only together can have
//! another one, and why it cannot.

use super::{Template, View};
use crate::plan::strictness::fault;
use crate::template::TemplateName;
use crate::template::analysis::{Analysis, Binding, BindingKind, Meaning, Use};
use crate::template::library::Source;
use crate::template::syntax::tree::Span;

/// Every place where the names of a binding's chain stand, in their order.
pub(super) fn spans(analysis: &Analysis, binding: usize) -> Vec<Span> {
    let chain = analysis.chain(binding);
    let first = chain.iter().map(|number| analysis.bindings[*number].span.clone());
    let again = analysis.rebindings.iter().filter(|(number, _)| chain.contains(number)).map(|(_, span)| span.clone());
    let uses = uses_of(analysis, binding).map(|found| found.span.clone());
    let mut spans: Vec<_> = first.chain(again).chain(uses).collect();
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    spans
}

/// Why a name that the template binds cannot be renamed.
pub(super) fn refusal(view: &View<'_>, template: &Template<'_>, binding: usize) -> Option<String> {
    let analysis = template.source.analysis();
    let chain = bindings(analysis, binding);
    if chain.iter().any(|binding| binding.kind == BindingKind::Parameter) {
        return Some("the name of a parameter is part of every call of its component".to_owned());
    }
    let name = &analysis.bindings[binding].name;
    if is_known(view, template, name) && uses_of(analysis, binding).any(may_be_placeholder) {
        return Some(may_be_either(template.source, name));
    }
    let user = users_elsewhere(view, template, &chain, name)?;
    Some(format!("`{}` uses `{name}` too, and is rendered together with this template", user.path))
}

/// Why a placeholder cannot be renamed.
pub(super) fn refusal_of_placeholder(view: &View<'_>, name: &str) -> Option<String> {
    let library = &view.project.library;
    let uses = |template: &&TemplateName| library.source(template).is_ok_and(|source| uses_placeholder(source, name));
    library.names().filter(uses).find_map(|template| {
        let source = library.source(template).ok()?;
        let mut uses = source.analysis().uses.iter().filter(|found| found.name == name);
        if uses.any(|found| matches!(found.meaning, Meaning::Local(_)) && may_be_placeholder(found)) {
            return Some(may_be_either(source, name));
        }
        let relatives = library.relatives(template);
        let mut sources = relatives.iter().filter_map(|other| library.source(other).ok());
        let binder = sources.find(|source| source.analysis().binds_for_others(name))?;
        Some(format!("in `{}`, `{name}` may also be what `{}` sets", source.path, binder.path))
    })
}

/// Whether a new name for a binding means something else already where the binding can be used.
pub(super) fn is_taken(view: &View<'_>, template: &Template<'_>, binding: usize, new_name: &str) -> bool {
    let analysis = template.source.analysis();
    let chain = bindings(analysis, binding);
    if chain.iter().any(|binding| binding.name == new_name) {
        return false;
    }
    let is_near =
        |span: &Span| chain.iter().any(|binding| span.start < binding.scope.end && binding.scope.start < span.end);
    let is_bound = || analysis.bindings.iter().any(|other| other.name == new_name && is_near(&other.scope));
    let is_used = || analysis.uses.iter().any(|found| found.name == new_name && is_near(&found.span));
    is_bound() || is_used() || users_elsewhere(view, template, &chain, new_name).is_some()
}

fn bindings(analysis: &Analysis, binding: usize) -> Vec<&Binding> {
    analysis.chain(binding).into_iter().map(|number| &analysis.bindings[number]).collect()
}

/// Where the names of a binding's chain are used.
fn uses_of(analysis: &Analysis, binding: usize) -> impl Iterator<Item = &Use> {
    let chain = analysis.chain(binding);
    let is_of_chain = move |meaning: &Meaning| matches!(meaning, Meaning::Local(number) if chain.contains(number));
    analysis.uses.iter().filter(move |found| found.meanings().any(&is_of_chain))
}

fn may_be_placeholder(found: &Use) -> bool {
    found.meanings().any(|meaning| *meaning == Meaning::Placeholder)
}

/// Whether a name has a value from outside of a template: from the project, or from a template around it.
fn is_known(view: &View<'_>, template: &Template<'_>, name: &str) -> bool {
    let library = &view.project.library;
    let binds =
        |other: &TemplateName| library.source(other).is_ok_and(|source| source.analysis().binds_for_others(name));
    fault(&view.project.config, name, |_| true).is_none() || library.relatives(&template.name).iter().any(binds)
}

fn may_be_either(source: &Source, name: &str) -> String {
    format!("in `{}`, `{name}` is a placeholder where its `set` is passed over", source.path)
}

/// A template that is rendered together with this one and may use a name of that chain.
fn users_elsewhere<'v>(view: &View<'v>, template: &Template<'_>, chain: &[&Binding], name: &str) -> Option<&'v Source> {
    let is_seen = |binding: &&Binding| template.source.analysis().binds_for_others(&binding.name);
    if !chain.iter().any(is_seen) {
        return None;
    }
    let library = &view.project.library;
    let relatives = library.relatives(&template.name);
    relatives.iter().filter_map(|other| library.source(other).ok()).find(|source| uses_placeholder(source, name))
}

fn uses_placeholder(source: &Source, name: &str) -> bool {
    source.analysis().uses.iter().any(|found| found.name == name && may_be_placeholder(found))
}
