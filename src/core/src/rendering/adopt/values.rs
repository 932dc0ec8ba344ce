//! Edits of values that come from the configuration's placeholders, or that it can state as facts of a model, become edits
//! of the configuration, whose comments and order stay. This module must not write it.

use camino::Utf8PathBuf;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::blocks::{TextReplacement, blocks, weight};
use super::search::EditReach;
use super::stretches::{Stretch, Written};
use super::subject::AdoptSubject;
use super::{ChangedFile, EditedOutput, trial};
use crate::base::layered::Layered;
use crate::base::problem::Problem;
use crate::config::{Literal, Placeholders};
use crate::model::catalogue::Model;
use crate::plan::case::Case;
use crate::plan::{Plan, PlannedOutput};
use crate::project::Project;
use crate::project::request::Request;
use crate::template::Dialect;
use crate::template::library::Source;
use crate::template::syntax::tree::{ElementKind, Expr, ExprKind};
use crate::template::vocabulary;

/// Another value for a placeholder, or for a fact.
#[derive(Debug, Clone, PartialEq)]
struct ValueEdit {
    scope: Scope,
    name: String,
    /// As TOML writes it.
    value: String,
}

/// Where a value is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Project,
    Suite(String),
    Model(String),
    /// Among the facts of a model.
    Facts(String),
}

/// How an expression writes the value of a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    AsItIs,
    AsPython,
}

/// A project whose configuration has other values, and the file of that configuration.
pub(super) struct WithValues<'p> {
    pub(super) project: Project<'p>,
    pub(super) file: ChangedFile,
}

/// The project with those values that reduce the differences of some edited outputs and increase those of none.
pub(super) fn with_values<'p>(
    plan: &'p Plan<'p>,
    edited: &[EditedOutput],
    reach: EditReach,
) -> Result<Option<WithValues<'p>>, Problem> {
    let Some(path) = plan.project.config.path.clone() else { return Ok(None) };
    let Ok(before) = plan.project.files.read_text(&path) else { return Ok(None) };
    let mut text = before.clone();
    let mut weights = weights(plan, edited);
    let mut found: Option<Project<'p>> = None;
    for edit in proposed(plan, edited, reach)? {
        let Some((changed, project)) = with_value(plan, &path, &text, &edit) else { continue };
        let after = weights_with(plan, &project, edited);
        let is_nearer = after.iter().zip(&weights).all(|(after, before)| after <= before) && after != weights;
        if is_nearer {
            (text, weights, found) = (changed, after, Some(project));
        }
    }
    Ok(found.map(|project| WithValues { project, file: ChangedFile { path, before, text } }))
}

/// How many lines of each edited output differ from its edit.
fn weights(plan: &Plan<'_>, edited: &[EditedOutput]) -> Vec<usize> {
    let of_output = |edited: &EditedOutput| {
        let output = &plan.outputs[edited.output];
        let rendered = trial::render(plan, &plan.templates[output.template], output);
        rendered.map_or(usize::MAX, |text| weight(&text, &edited.text.replace("\r\n", "\n")))
    };
    edited.iter().map(of_output).collect()
}

fn weights_with(plan: &Plan<'_>, project: &Project<'_>, edited: &[EditedOutput]) -> Vec<usize> {
    let changed = Plan::new(project, &Request::default());
    let is_same = changed.outputs.len() == plan.outputs.len()
        && edited.iter().all(|edited| changed.outputs[edited.output].path == plan.outputs[edited.output].path);
    if is_same { weights(&changed, edited) } else { vec![usize::MAX; edited.len()] }
}

/// The project with one more value, and the text of its configuration.
fn with_value<'p>(plan: &Plan<'p>, path: &Utf8PathBuf, text: &str, edit: &ValueEdit) -> Option<(String, Project<'p>)> {
    let project = plan.project;
    let changed = edit.applied(text, project.config.origin(project.files)?.table())?;
    let files = Layered::new(project.files, [(path.clone(), changed.as_str().into())].into());
    let config = project.config.reread(&files).ok()?;
    Some((changed, project.with_values_of(config)))
}

/// The values whose change may explain edits of outputs.
fn proposed(plan: &Plan<'_>, edited: &[EditedOutput], reach: EditReach) -> Result<Vec<ValueEdit>, Problem> {
    let mut all: Vec<ValueEdit> = Vec::new();
    for edited in edited {
        let subject = AdoptSubject::new(plan, edited)?;
        let found = proposed_for(plan, &subject, reach).unwrap_or_default();
        for edit in found {
            if !all.contains(&edit) {
                all.push(edit);
            }
        }
    }
    Ok(all)
}

fn proposed_for(plan: &Plan<'_>, subject: &AdoptSubject<'_>, reach: EditReach) -> Option<Vec<ValueEdit>> {
    let stretches = subject.stretches(plan)?;
    let mut proposed = Vec::new();
    for block in blocks(&subject.generated, &subject.wanted) {
        let inside = stretches.within(&block.old);
        let values: Vec<&Stretch> = inside.iter().filter(|stretch| stretch.written == Written::AsValue).collect();
        for reading in block.readings(&subject.generated, &subject.wanted, &[]) {
            let new_texts =
                values.iter().filter_map(|value| Some((*value, new_text(value, &subject.generated, &reading)?)));
            proposed
                .extend(new_texts.filter_map(|(value, text)| value_edit(plan, subject.output, value, &text, reach)));
        }
    }
    Some(proposed)
}

/// The text of a value after the edits inside of it; none if there are no such edits.
fn new_text(value: &Stretch, generated: &str, reading: &[TextReplacement]) -> Option<String> {
    // Text that is inserted right before or after a value is no part of it.
    let is_beside = |edit: &TextReplacement| {
        edit.old.is_empty() && (edit.old.start == value.wrote.start || edit.old.start == value.wrote.end)
    };
    let is_inside = |edit: &&TextReplacement| {
        value.wrote.start <= edit.old.start && edit.old.end <= value.wrote.end && !is_beside(edit)
    };
    let edits: Vec<&TextReplacement> = reading.iter().filter(is_inside).collect();
    let mut text = generated[value.wrote.clone()].to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.old.start - value.wrote.start..edit.old.end - value.wrote.start, &edit.text);
    }
    (!edits.is_empty()).then_some(text)
}

fn value_edit(
    plan: &Plan<'_>,
    output: &PlannedOutput,
    value: &Stretch,
    text: &str,
    reach: EditReach,
) -> Option<ValueEdit> {
    let source = plan.project.library.source(&value.template).ok()?;
    let (name, notation) = placeholder_at(source, value.source.start)?;
    let case = plan.case(output);
    if vocabulary::entry(name).is_some() {
        return fact_edit(case.model?, name, notation, text);
    }
    let (configured, literal) = configured(&case, name)?;
    let scope = match reach {
        EditReach::AllModels => configured,
        EditReach::OneSuite => Scope::Suite(case.suite?.name.value.clone()),
        EditReach::OneModel => Scope::Model(case.model?.name.as_str().to_owned()),
    };
    Some(ValueEdit { scope, name: name.to_owned(), value: toml_value(literal, notation, text)? })
}

/// A fact that gives a built-in placeholder another value.
fn fact_edit(model: &Model, name: &str, notation: Notation, text: &str) -> Option<ValueEdit> {
    let string = || match notation {
        Notation::AsItIs => Some(text.to_owned()),
        Notation::AsPython => text.parse::<Value>().ok()?.as_str().map(str::to_owned),
    };
    let (key, value) = match name {
        "tasks" if notation == Notation::AsPython => {
            let tasks: Value = text.parse().ok()?;
            let is_list_of_names = tasks.as_array()?.iter().all(Value::is_str);
            is_list_of_names.then_some(("tasks", tasks))?
        }
        // The primary task is the first one.
        "primary_task" => {
            let first = string()?;
            let others = model.tasks.iter().filter(|task| **task != first);
            ("tasks", std::iter::once(&first).chain(others).collect::<Value>())
        }
        "model_family" => ("family", Value::from(string()?)),
        _ => return None,
    };
    let scope = Scope::Facts(model.name.as_str().to_owned());
    Some(ValueEdit { scope, name: key.to_owned(), value: value.to_string().trim().to_owned() })
}

/// The placeholder that a tag writes, and how.
fn placeholder_at(source: &Source, at: usize) -> Option<(&str, Notation)> {
    if source.dialect() == Dialect::Dollar {
        let tag = source.text.get(at..)?.strip_prefix("${")?;
        return Some((tag.get(..tag.find('}')?)?, Notation::AsItIs));
    }
    let ElementKind::Output(expression) = &source.tree().elements.get(source.tree().element_at(at)?)?.kind else {
        return None;
    };
    let named = |expression: &Expr| matches!(expression.inner().kind, ExprKind::Name).then(|| expression.span.clone());
    match &expression.inner().kind {
        ExprKind::Name => Some((source.slice(&expression.inner().span), Notation::AsItIs)),
        ExprKind::Filter { of, filter } if filter.arguments.is_empty() => {
            let is_python = filter.name.as_ref().is_some_and(|name| source.slice(name) == "py_str");
            let name = named(of).filter(|_| is_python)?;
            Some((&source.text[name], Notation::AsPython))
        }
        _ => None,
    }
}

/// Where the value of a placeholder is configured for a case, and the value.
fn configured<'c>(case: &Case<'c>, name: &str) -> Option<(Scope, &'c Literal)> {
    let config = &case.project.config;
    let find = |placeholders: &'c Placeholders| placeholders.get(name).map(|spot| &spot.value);
    let of_model = case.model.and_then(|model| Some((model, find(&config.facts_of(model)?.placeholders)?)));
    let of_suite = || case.suite.and_then(|suite| Some((suite, find(&suite.placeholders)?)));
    if let Some((model, literal)) = of_model {
        return Some((Scope::Model(model.name.as_str().to_owned()), literal));
    }
    if let Some((suite, literal)) = of_suite() {
        return Some((Scope::Suite(suite.name.value.clone()), literal));
    }
    find(&config.placeholders).map(|literal| (Scope::Project, literal))
}

/// A value as TOML writes it, of the type that the placeholder has.
fn toml_value(literal: &Literal, notation: Notation, text: &str) -> Option<String> {
    let written = match (literal, notation) {
        (Literal::String(_), Notation::AsItIs) => Value::from(text).to_string(),
        (Literal::Boolean(_), Notation::AsPython) => text.to_ascii_lowercase(),
        (Literal::Map(_), _) | (Literal::List(_), Notation::AsItIs) => return None,
        _ => text.to_owned(),
    };
    let value: Value = written.parse().ok()?;
    let is_same_type = match literal {
        Literal::String(_) => value.is_str(),
        Literal::Integer(_) => value.is_integer(),
        Literal::Float(_) => value.is_float(),
        Literal::Boolean(_) => value.is_bool(),
        Literal::List(_) => value.is_array(),
        Literal::Map(_) => false,
    };
    is_same_type.then_some(written)
}

impl ValueEdit {
    /// The text of a configuration with the value in it; `table` leads to the configuration in the file.
    fn applied(&self, text: &str, table: &[&str]) -> Option<String> {
        let mut document: DocumentMut = text.parse().ok()?;
        let mut section = document.as_item_mut();
        for key in table {
            section = section.get_mut(*key)?;
        }
        let values = match &self.scope {
            Scope::Project => child(section.as_table_like_mut()?, "placeholders"),
            Scope::Suite(name) => {
                let suites = section.get_mut("suite")?.as_array_of_tables_mut()?;
                let is_named = |table: &&mut toml_edit::Table| table.get("name").and_then(Item::as_str) == Some(name);
                child(suites.iter_mut().find(is_named)?, "placeholders")
            }
            Scope::Model(name) => {
                let models = child(section.as_table_like_mut()?, "models").as_table_like_mut()?;
                child(child(models, name).as_table_like_mut()?, "placeholders")
            }
            Scope::Facts(name) => child(child(section.as_table_like_mut()?, "models").as_table_like_mut()?, name),
        };
        set(values.as_table_like_mut()?, &self.name, self.value.parse().ok()?);
        Some(document.to_string())
    }
}

/// A table in a table, created if it is missing.
fn child<'t>(table: &'t mut dyn TableLike, key: &str) -> &'t mut Item {
    table.entry(key).or_insert_with(|| {
        let mut table = toml_edit::Table::new();
        table.set_implicit(true);
        Item::Table(table)
    })
}

/// Sets a value. The comments of the value before it stay.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(before) => {
            *value.decor_mut() = before.decor().clone();
            *before = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}
