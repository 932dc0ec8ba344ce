//! Where a name comes from, where else it stands, and what it is renamed to.

use camino::Utf8Path;

use super::config_names::{self, ConfigName};
use super::target::Target;
use super::{FileEdit, Location, Template, TextEdit, View, generated};
use crate::problem::{Code, Problem};
use crate::strictness::fault;
use crate::template::TemplateName;
use crate::template::analysis::{Analysis, BindingKind, Meaning, Reference};
use crate::template::library::Source;
use crate::template::syntax::tree::{ElementKind, Span};
use crate::text::Range;
use crate::vocabulary;

/// Whether the place where a name is declared is one of its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declaration {
    /// It is.
    Include,
    /// It is not.
    Exclude,
}

/// Where the word at a byte offset comes from; of a line of a generated file, the line of a template that wrote it.
#[must_use]
pub fn definition(view: &View<'_>, path: &Utf8Path, offset: usize) -> Vec<Location> {
    let Some(template) = view.template(path) else {
        return generated::definition(view, path, offset).into_iter().collect();
    };
    let Some((target, _)) = template.target(offset) else { return Vec::new() };
    match &target {
        Target::Placeholder(name) => of_placeholder(view, &template, name),
        Target::Template(name) => of_template(view, name).into_iter().collect(),
        Target::Block(name) => of_block(view, &template, name).into_iter().collect(),
        Target::Callee(..) | Target::Field(_) => Vec::new(),
        target => declarations(view, &template, target),
    }
}

/// Where the word at a byte offset stands, in all templates and the configuration.
#[must_use]
pub fn references(view: &View<'_>, path: &Utf8Path, offset: usize, declaration: Declaration) -> Vec<Location> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let Some((target, _)) = template.target(offset) else { return Vec::new() };
    let mut found = occurrences(view, &template, &target);
    if declaration == Declaration::Exclude {
        let declared = declarations(view, &template, &target);
        found.retain(|location| !declared.contains(location));
    }
    found
}

/// The range and the name of what stands at a byte offset, if it can be renamed.
#[must_use]
pub fn prepare_rename(view: &View<'_>, path: &Utf8Path, offset: usize) -> Option<(Range, String)> {
    let template = view.template(path)?;
    let (target, span) = template.target(offset)?;
    refusal(&template, &target)
        .is_none()
        .then(|| (template.source.range(&span), template.source.slice(&span).to_owned()))
}

/// The edits that give what stands at a byte offset another name everywhere.
///
/// # Errors
/// A problem that says why it cannot have that name.
pub fn rename(view: &View<'_>, path: &Utf8Path, offset: usize, new_name: &str) -> Result<Vec<FileEdit>, Problem> {
    let refuse = |message: String| Err(Problem::error(Code::InvalidConfig, message));
    let found = view.template(path).and_then(|template| Some((template.target(offset)?.0, template)));
    let Some((target, template)) = found else {
        return refuse("there is nothing here that can be renamed".to_owned());
    };
    if let Some(message) = refusal(&template, &target).or_else(|| unfit(view, &target, new_name)) {
        return refuse(message);
    }
    let mut edits: Vec<FileEdit> = Vec::new();
    for location in occurrences(view, &template, &target) {
        let edit = TextEdit { range: location.range, text: new_name.to_owned() };
        match edits.iter_mut().find(|file| file.path == location.path) {
            Some(file) => file.edits.push(edit),
            None => edits.push(FileEdit { path: location.path, edits: vec![edit] }),
        }
    }
    if edits.iter().any(|edit| edit.path.as_str().starts_with("built-in:")) {
        return refuse("it stands in a built-in template, which cannot be changed".to_owned());
    }
    Ok(edits)
}

fn refusal(template: &Template<'_>, target: &Target) -> Option<String> {
    let is_parameter = |binding: usize| template.source.analysis().bindings[binding].kind == BindingKind::Parameter;
    match target {
        Target::Local(binding) if is_parameter(*binding) => {
            Some("the name of a parameter is part of every call of its component".to_owned())
        }
        Target::Placeholder(name) if vocabulary::entry(name).is_some() => {
            Some(format!("`{name}` is a built-in placeholder and keeps its name"))
        }
        Target::Callee(kind, name) => Some(format!("`{name}` is a built-in {} and keeps its name", kind.name())),
        Target::Template(_) => Some("a template is renamed by renaming its file".to_owned()),
        Target::Field(_) => Some("a field is part of a value and keeps its name".to_owned()),
        _ => None,
    }
}

/// Why a name does not fit what is renamed.
fn unfit(view: &View<'_>, target: &Target, new_name: &str) -> Option<String> {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && part.chars().all(|char| char == '_' || char.is_ascii_alphanumeric())
    };
    let fits = match target {
        Target::Component(_) => new_name.split('.').all(is_name),
        _ => is_name(new_name),
    };
    if !fits {
        return Some(format!("`{new_name}` is no name: use letters, digits and `_`"));
    }
    let is_taken = match target {
        Target::Placeholder(_) => fault(&view.project.config, new_name, |_| true).is_none(),
        Target::Component(_) => view.project.library.components().contains_key(new_name),
        _ => false,
    };
    is_taken.then(|| format!("there is a `{new_name}` already"))
}

/// Where a placeholder's value comes from: its place in the configuration, the pipeline map or the reference.
fn of_placeholder(view: &View<'_>, template: &Template<'_>, name: &str) -> Vec<Location> {
    let project = view.project;
    let model = view.shown_case(&template.name).and_then(|case| case.model);
    match name {
        "tasks" | "primary_task" | "auto_classes" | "model_type" => {
            let map = project.config.pipeline_map.as_ref();
            let place = model.and_then(|model| project.pipeline_map.range_of(model.type_name()));
            map.zip(place).map(|(map, range)| Location { path: map.value.clone(), range }).into_iter().collect()
        }
        "reference" | "class_name" => {
            let path = model.and_then(|model| project.reference_path(model));
            path.map(|path| Location { path: path.to_owned(), range: Range::default() }).into_iter().collect()
        }
        name => config_names::find(project, &ConfigName::Placeholder(name)),
    }
}

fn of_template(view: &View<'_>, name: &str) -> Option<Location> {
    let path = view.project.library.path_of(&TemplateName::new(name))?;
    Some(Location { path: path.to_owned(), range: Range::default() })
}

/// The block that is overridden, or else the block itself.
fn of_block(view: &View<'_>, template: &Template<'_>, name: &str) -> Option<Location> {
    let library = &view.project.library;
    let parents = library.parents(&template.name);
    let mut sources = parents.iter().filter_map(|parent| library.source(parent).ok()).chain([template.source]);
    sources.find_map(|source| {
        Some(location(source, &source.analysis().blocks.iter().find(|block| block.name == name)?.span))
    })
}

fn location(source: &Source, span: &Span) -> Location {
    Location { path: source.path.clone(), range: source.range(span) }
}

/// Where a name is declared.
fn declarations(view: &View<'_>, template: &Template<'_>, target: &Target) -> Vec<Location> {
    match target {
        Target::Placeholder(name) => config_names::find(view.project, &ConfigName::Placeholder(name)),
        Target::Local(binding) => {
            vec![location(template.source, &template.source.analysis().bindings[*binding].span)]
        }
        Target::Component(name) => {
            let components = view.project.library.components();
            let declared = components
                .get(name.as_str())
                .and_then(|(source, definition)| Some((*source, definition.name.as_ref()?)));
            declared.map(|(source, span)| location(source, span)).into_iter().collect()
        }
        Target::Block(name) => of_block(view, template, name).into_iter().collect(),
        Target::Template(name) => of_template(view, name).into_iter().collect(),
        Target::Callee(..) | Target::Field(_) => Vec::new(),
    }
}

/// Every place where a name stands, its declaration included.
fn occurrences(view: &View<'_>, template: &Template<'_>, target: &Target) -> Vec<Location> {
    let library = &view.project.library;
    let everywhere: Vec<&TemplateName> = library.names().collect();
    match target {
        Target::Local(binding) => spans_of_local(template.source.analysis(), *binding)
            .iter()
            .map(|span| location(template.source, span))
            .collect(),
        Target::Placeholder(name) => {
            let mut found = config_names::find(view.project, &ConfigName::Placeholder(name));
            found.extend(config_names::find(view.project, &ConfigName::Use(name)));
            found.extend(in_templates(view, &everywhere, |source| placeholder_spans(source, name)));
            found
        }
        Target::Component(name) => in_templates(view, &everywhere, |source| component_spans(source, name)),
        Target::Block(name) => {
            let family = family(view, &template.name);
            in_templates(view, &family.iter().collect::<Vec<_>>(), |source| block_spans(source, name))
        }
        Target::Template(name) => {
            in_templates(view, &everywhere, |source| spans_of(source.analysis().builds_on.iter(), name))
        }
        Target::Callee(kind, name) => in_templates(view, &everywhere, |source| {
            let callees =
                source.analysis().callees.iter().filter(|callee| callee.kind == *kind && callee.name == *name);
            callees.map(|callee| callee.span.clone()).collect()
        }),
        Target::Field(_) => Vec::new(),
    }
}

fn in_templates(view: &View<'_>, names: &[&TemplateName], spans: impl Fn(&Source) -> Vec<Span>) -> Vec<Location> {
    let sources = names.iter().filter_map(|name| view.project.library.source(name).ok());
    sources
        .flat_map(|source| spans(source).into_iter().map(|span| location(source, &span)).collect::<Vec<_>>())
        .collect()
}

fn spans_of<'a>(references: impl Iterator<Item = &'a Reference>, name: &str) -> Vec<Span> {
    references.filter(|found| found.name == name).map(|found| found.span.clone()).collect()
}

fn spans_of_local(analysis: &Analysis, binding: usize) -> Vec<Span> {
    let again = analysis.rebindings.iter().filter(|(number, _)| *number == binding).map(|(_, span)| span.clone());
    let uses =
        analysis.uses.iter().filter(|found| found.meaning == Meaning::Local(binding)).map(|found| found.span.clone());
    let mut spans: Vec<_> = std::iter::once(analysis.bindings[binding].span.clone()).chain(again).chain(uses).collect();
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    spans
}

fn placeholder_spans(source: &Source, name: &str) -> Vec<Span> {
    let uses = source.analysis().uses.iter();
    uses.filter(|found| found.name == name && found.meaning == Meaning::Placeholder)
        .map(|found| found.span.clone())
        .collect()
}

fn component_spans(source: &Source, name: &str) -> Vec<Span> {
    let analysis = source.analysis();
    let mut spans = spans_of(analysis.calls.iter().chain(&analysis.defines), name);
    spans.extend(end_spans(source, name, |kind| !matches!(kind, ElementKind::Block(_))));
    spans
}

fn block_spans(source: &Source, name: &str) -> Vec<Span> {
    let blocks = source.analysis().blocks.iter().filter(|block| block.name == name);
    let mut spans: Vec<_> = blocks.map(|block| block.span.clone()).collect();
    spans.extend(end_spans(source, name, |kind| matches!(kind, ElementKind::Block(_))));
    spans
}

/// Where end tags repeat the name of what they end.
fn end_spans(source: &Source, name: &str, is_opening: impl Fn(&ElementKind) -> bool) -> Vec<Span> {
    let elements = &source.tree().elements;
    let ends = elements.iter().filter_map(|element| match (&element.kind, element.parent) {
        (ElementKind::End(Some(span)), Some(opening)) if is_opening(&elements[opening].kind) => Some(span),
        _ => None,
    });
    ends.filter(|span| source.slice(span) == name).cloned().collect()
}

/// The templates that share their blocks with this one: its parents, and all that extend one of them.
fn family(view: &View<'_>, name: &TemplateName) -> Vec<TemplateName> {
    let library = &view.project.library;
    let root = library.parents(name).pop().unwrap_or_else(|| name.clone());
    library.names().filter(|other| **other == root || library.parents(other).contains(&root)).cloned().collect()
}
