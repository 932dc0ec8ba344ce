//! Definitions, references and renames of names.

use camino::Utf8Path;

use super::config_names::{self, ConfigName, ConfigNameKind};
use super::locals;
use super::target::Target;
use super::{FileEdit, Location, Template, TextEdit, View, generated};
use crate::base::problem::{Code, Problem};
use crate::base::text::Range;
use crate::base::text_path::TextPath;
use crate::plan::strictness::fault;
use crate::template::TemplateName;
use crate::template::analysis::{Meaning, Reference};
use crate::template::library::Source;
use crate::template::scan::PieceKind;
use crate::template::syntax;
use crate::template::syntax::tree::{ElementKind, Span};
use crate::template::vocabulary;

/// Whether references include the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declaration {
    /// They do.
    Include,
    /// They do not.
    Exclude,
}

/// The word at the cursor.
struct Asked<'v> {
    target: Target,
    range: Range,
    written: String,
    /// The template that contains it; `None` for the configuration.
    template: Option<Template<'v>>,
}

impl<'v> Asked<'v> {
    fn at(view: &View<'v>, path: &Utf8Path, offset: usize) -> Option<Self> {
        let Some(template) = view.template(path) else { return Self::in_configuration(view, path, offset) };
        let (target, span) = template.target(offset)?;
        let (range, written) = (template.source.range(&span), template.source.slice(&span).to_owned());
        Some(Self { target, range, written, template: Some(template) })
    }

    fn in_configuration(view: &View<'v>, path: &Utf8Path, offset: usize) -> Option<Self> {
        let ConfigName { kind, name, range, .. } = config_names::at(view.project, path, offset)?;
        let target = match kind {
            ConfigNameKind::Declaration | ConfigNameKind::Use => Target::Placeholder(name.clone()),
            ConfigNameKind::Template => Target::Template(name.clone()),
            ConfigNameKind::PipelineMap => Target::PipelineMap,
        };
        Some(Self { target, range, written: name, template: None })
    }
}

/// The definition of the word at a byte offset; in a generated file, the template line that produced the line.
#[must_use]
pub fn definition(view: &View<'_>, path: &Utf8Path, offset: usize) -> Vec<Location> {
    let Some(asked) = Asked::at(view, path, offset) else {
        return generated::definition(view, path, offset).into_iter().collect();
    };
    match &asked.target {
        Target::Placeholder(name) => of_placeholder(view, asked.template.as_ref(), name),
        Target::Callee(..) | Target::Field(_) => Vec::new(),
        target => declarations(view, asked.template.as_ref(), target),
    }
}

/// The references of the word at a byte offset, in all templates and the configuration.
#[must_use]
pub fn references(view: &View<'_>, path: &Utf8Path, offset: usize, declaration: Declaration) -> Vec<Location> {
    let Some(Asked { target, template, .. }) = Asked::at(view, path, offset) else { return Vec::new() };
    let mut found = occurrences(view, template.as_ref(), &target);
    if declaration == Declaration::Exclude {
        let declared = declarations(view, template.as_ref(), &target);
        found.retain(|location| !declared.contains(location));
    }
    found
}

/// The range and the name of the word at a byte offset, if it can be renamed.
#[must_use]
pub fn prepare_rename(view: &View<'_>, path: &Utf8Path, offset: usize) -> Option<(Range, String)> {
    let asked = Asked::at(view, path, offset)?;
    refusal(view, asked.template.as_ref(), &asked.target).is_none().then_some((asked.range, asked.written))
}

/// The edits that rename the word at a byte offset everywhere.
///
/// # Errors
/// A problem that says why the new name is not possible.
pub fn rename(view: &View<'_>, path: &Utf8Path, offset: usize, new_name: &str) -> Result<Vec<FileEdit>, Problem> {
    let refuse = |message: String| Err(Problem::error(Code::InvalidConfig, message));
    let Some(Asked { target, template, .. }) = Asked::at(view, path, offset) else {
        return refuse("there is nothing here that can be renamed".to_owned());
    };
    let refusal = refusal(view, template.as_ref(), &target);
    if let Some(message) = refusal.or_else(|| unfit(view, template.as_ref(), &target, new_name)) {
        return refuse(message);
    }
    let mut edits: Vec<FileEdit> = Vec::new();
    for location in occurrences(view, template.as_ref(), &target) {
        let edit = TextEdit { range: location.range, text: new_name.to_owned() };
        match edits.iter_mut().find(|file| file.path == location.path) {
            Some(file) => file.edits.push(edit),
            None => edits.push(FileEdit { path: location.path, edits: vec![edit] }),
        }
    }
    if edits.iter().any(|edit| TextPath::of(&edit.path).file().is_none()) {
        return refuse("it stands in a built-in template, which cannot be changed".to_owned());
    }
    Ok(edits)
}

fn refusal(view: &View<'_>, template: Option<&Template<'_>>, target: &Target) -> Option<String> {
    match target {
        Target::Local(binding) => template.and_then(|template| locals::refusal(view, template, *binding)),
        Target::Placeholder(name) if vocabulary::entry(name).is_some() => {
            Some(format!("`{name}` is a built-in placeholder and keeps its name"))
        }
        Target::Placeholder(name) => locals::refusal_of_placeholder(view, name),
        Target::Callee(kind, name) => Some(format!("`{name}` is a built-in {} and keeps its name", kind.name())),
        Target::Template(_) | Target::PipelineMap => Some("a file is renamed by renaming it on disk".to_owned()),
        Target::Field(_) => Some("a field is part of a value and keeps its name".to_owned()),
        _ => None,
    }
}

/// Why a new name is not possible for the renamed thing.
fn unfit(view: &View<'_>, template: Option<&Template<'_>>, target: &Target, new_name: &str) -> Option<String> {
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
        Target::Local(binding) => template.is_some_and(|template| locals::is_taken(view, template, *binding, new_name)),
        _ => false,
    };
    is_taken.then(|| format!("there is a `{new_name}` already"))
}

/// The source of a placeholder's value: its place in the configuration, the pipeline map or the reference.
fn of_placeholder(view: &View<'_>, template: Option<&Template<'_>>, name: &str) -> Vec<Location> {
    let project = view.project;
    // A pattern in the configuration belongs to no template, so any model will do.
    let model = match template {
        Some(template) => view.shown_case(&template.name).and_then(|case| case.model),
        None => view.planned.models.first(),
    };
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
        name => config_names::find(project, ConfigNameKind::Declaration, name),
    }
}

/// The template of that name; for a pattern, all templates that match it.
fn of_template(view: &View<'_>, name: &str) -> Vec<Location> {
    let library = &view.project.library;
    let constant: Vec<_> = constant_parts(name).collect();
    let names = library.names().filter(|found| fits(found.as_str(), &constant));
    let paths = names.filter_map(|found| library.path_of(found));
    paths.map(|path| Location { path: path.to_owned(), range: Range::default() }).collect()
}

/// The constant parts of a pattern: `tasks/` and `.py.tera` of `tasks/{{ task }}.py.tera`.
fn constant_parts(pattern: &str) -> impl Iterator<Item = &str> {
    let pieces = syntax::parse(pattern).pieces.into_iter();
    let tags: Vec<_> = pieces.filter(|piece| piece.kind != PieceKind::Text).map(|piece| piece.span).collect();
    let starts: Vec<_> = std::iter::once(0).chain(tags.iter().map(|tag| tag.end)).collect();
    let ends = tags.into_iter().map(|tag| tag.start).chain([pattern.len()]);
    starts.into_iter().zip(ends).map(|(start, end)| &pattern[start..end])
}

/// Whether a name contains these parts in this order.
fn fits(name: &str, parts: &[&str]) -> bool {
    let [first, middle @ .., last] = parts else { return parts == [name] };
    let inner = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let skip = |rest: &str, part: &&str| rest.find(part).map(|at| rest[at + part.len()..].to_owned());
    inner.is_some_and(|inner| middle.iter().try_fold(inner.to_owned(), |rest, part| skip(&rest, part)).is_some())
}

/// The overridden block, or the block itself if it overrides none.
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

/// The declarations of a name.
fn declarations(view: &View<'_>, template: Option<&Template<'_>>, target: &Target) -> Vec<Location> {
    match target {
        Target::Placeholder(name) => config_names::find(view.project, ConfigNameKind::Declaration, name),
        Target::Local(binding) => template
            .map(|template| location(template.source, &template.source.analysis().bindings[*binding].span))
            .into_iter()
            .collect(),
        Target::Component(name) => {
            let components = view.project.library.components();
            let declared = components
                .get(name.as_str())
                .and_then(|(source, definition)| Some((*source, definition.name.as_ref()?)));
            declared.map(|(source, span)| location(source, span)).into_iter().collect()
        }
        Target::Block(name) => template.and_then(|template| of_block(view, template, name)).into_iter().collect(),
        Target::Template(name) => of_template(view, name),
        Target::PipelineMap => {
            let map = view.project.config.pipeline_map.as_ref();
            map.map(|map| Location { path: map.value.clone(), range: Range::default() }).into_iter().collect()
        }
        Target::Callee(..) | Target::Field(_) => Vec::new(),
    }
}

/// All occurrences of a name, including its declaration.
fn occurrences(view: &View<'_>, template: Option<&Template<'_>>, target: &Target) -> Vec<Location> {
    let library = &view.project.library;
    let everywhere: Vec<&TemplateName> = library.names().collect();
    match target {
        Target::Local(binding) => {
            let Some(source) = template.map(|template| template.source) else { return Vec::new() };
            locals::spans(source.analysis(), *binding).iter().map(|span| location(source, span)).collect()
        }
        Target::Placeholder(name) => {
            let mut found = config_names::find(view.project, ConfigNameKind::Declaration, name);
            found.extend(config_names::find(view.project, ConfigNameKind::Use, name));
            found.extend(in_templates(view, &everywhere, |source| placeholder_spans(source, name)));
            found
        }
        Target::Component(name) => in_templates(view, &everywhere, |source| component_spans(source, name)),
        Target::Block(name) => {
            let family = template.map(|template| family(view, &template.name)).unwrap_or_default();
            in_templates(view, &family.iter().collect::<Vec<_>>(), |source| block_spans(source, name))
        }
        Target::Template(name) => {
            let mut found = config_names::find(view.project, ConfigNameKind::Template, name);
            found.extend(in_templates(view, &everywhere, |source| spans_of(source.analysis().builds_on.iter(), name)));
            found
        }
        Target::Callee(kind, name) => in_templates(view, &everywhere, |source| {
            let callees =
                source.analysis().callees.iter().filter(|callee| callee.kind == *kind && callee.name == *name);
            callees.map(|callee| callee.span.clone()).collect()
        }),
        Target::Field(_) | Target::PipelineMap => Vec::new(),
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

/// The names in end tags.
fn end_spans(source: &Source, name: &str, is_opening: impl Fn(&ElementKind) -> bool) -> Vec<Span> {
    let elements = &source.tree().elements;
    let ends = elements.iter().filter_map(|element| match (&element.kind, element.parent) {
        (ElementKind::End(Some(span)), Some(opening)) if is_opening(&elements[opening].kind) => Some(span),
        _ => None,
    });
    ends.filter(|span| source.slice(span) == name).cloned().collect()
}

/// The templates that share blocks with this one: its parents, and all that extend one of them.
fn family(view: &View<'_>, name: &TemplateName) -> Vec<TemplateName> {
    let library = &view.project.library;
    let root = library.parents(name).pop().unwrap_or_else(|| name.clone());
    library.names().filter(|other| **other == root || library.parents(other).contains(&root)).cloned().collect()
}
