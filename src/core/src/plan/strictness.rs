//! Which placeholders a template may use: a name without a value is an error, never an empty string.
//!
//! This module checks names against the vocabulary and the configuration; it renders nothing.

use std::cell::LazyCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::base::problem::{Code, Problem};
use crate::base::suggest::closest;
use crate::config::Config;
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::analysis::{Meaning, Use, UseKind};
use crate::template::check::is_allowed;
use crate::template::compiled::{Compiled, Placeholder};
use crate::template::library::Library;
use crate::template::vocabulary::{self, VOCABULARY, ValueSource};

/// The placeholders of the axes; they have a value only if the output path names them.
pub const AXES: [&str; 2] = ["hardware_type", "batch_size"];

/// The problems of the placeholders that a template uses in a suite whose output path is `output`.
#[must_use]
pub fn check_placeholders(config: &Config, template: &Compiled, output: &Compiled) -> Vec<Problem> {
    template
        .placeholders
        .iter()
        .filter(|placeholder| !placeholder.bound)
        .filter_map(|placeholder| Some((placeholder, fault(config, &placeholder.name, |axis| expands(output, axis))?)))
        .flat_map(|(placeholder, problem)| at_each_place(&problem, placeholder))
        .collect()
}

/// The problems of the placeholders in one template's text; `expands` says whether the suites that use the template
/// expand an axis.
#[must_use]
pub fn problems_of_template(
    project: &Project<'_>,
    name: &TemplateName,
    expands: impl Fn(&str) -> bool,
) -> Vec<Problem> {
    let Ok(source) = project.library.source(name) else { return Vec::new() };
    let uses = source.analysis().uses.iter();
    let end = source.tree().first_unknown_tag().unwrap_or(source.text.len());
    // `macros::call()` of Tera 1 names no placeholder.
    let is_readable = |found: &&Use| found.span.start < end && !source.text[found.span.end..].starts_with("::");
    let unguarded = uses
        .filter(|found| found.meaning == Meaning::Placeholder && found.kind != UseKind::Guarded)
        .filter(is_readable);
    let relatives = LazyCell::new(|| project.library.relatives(name));
    let mut faults: HashMap<&str, Option<Problem>, RandomState> = HashMap::default();
    let mut problems = Vec::new();
    for found in unguarded {
        let fault = faults.entry(&found.name).or_insert_with(|| {
            let config = &project.config;
            let meant = || project.placeholders_meant.closest(&found.name, placeholders(config));
            let fault = fault_with(config, &found.name, &expands, meant)?;
            let together = std::iter::once(name).chain(relatives.iter());
            (!is_bound(&project.library, together, &found.name)).then_some(fault)
        });
        if let Some(fault) = fault {
            problems.push(fault.clone().in_file(&source.path).at(source.range(&found.span)));
        }
    }
    problems.retain(|problem| !is_allowed(&project.library, problem));
    problems
}

/// Whether one of these templates, which are rendered together, binds a name.
fn is_bound<'n>(library: &Library<'_>, mut templates: impl Iterator<Item = &'n TemplateName>, name: &str) -> bool {
    templates.any(|template| library.source(template).is_ok_and(|source| source.analysis().binds_for_others(name)))
}

/// Whether a suite with that output path has one output for each value of an axis.
#[must_use]
pub fn expands(output: &Compiled, axis: &str) -> bool {
    output.placeholder(axis).is_some()
}

/// The problem of a placeholder's name, if any; `expands` says whether the suite expands an axis.
#[must_use]
pub fn fault(config: &Config, name: &str, expands: impl Fn(&str) -> bool) -> Option<Problem> {
    fault_with(config, name, expands, || closest(name, placeholders(config)).map(str::to_owned))
}

/// See [`fault`]; `meant` gives the placeholder that an unknown name may stand for.
fn fault_with(
    config: &Config,
    name: &str,
    expands: impl Fn(&str) -> bool,
    meant: impl FnOnce() -> Option<String>,
) -> Option<Problem> {
    match vocabulary::entry(name).map(|entry| entry.source) {
        Some(ValueSource::HardwareAxis | ValueSource::BatchAxis) if !expands(name) => Some(not_expanded(name)),
        Some(_) => None,
        None if is_configured(config, name) => None,
        None if vocabulary::is_non_deterministic(name) => Some(
            Problem::error(
                Code::NonDeterministic,
                format!("there is no `{name}`: an output is a function of its inputs"),
            )
            .help("take it out, or let the test find it when it runs"),
        ),
        None => Some(unknown(name, meant())),
    }
}

fn not_expanded(name: &str) -> Problem {
    let list = if name == "hardware_type" { "hardware_backends" } else { "batch_sizes" };
    let message = format!("`{name}` has no value here: the suite's output path does not expand that axis");
    Problem::error(Code::AxisNotExpanded, message)
        .help(format!("name `{{{{ {name} }}}}` in the suite's `output`, or use the list `{list}`"))
}

fn unknown(name: &str, meant: Option<String>) -> Problem {
    let help = meant.map_or_else(
        || "run `cargo tgen placeholders` to see all, or add it to `[placeholders]` in tgen.toml".to_owned(),
        |known| format!("did you mean `{known}`?"),
    );
    Problem::error(Code::UnknownPlaceholder, format!("there is no placeholder `{name}`")).help(help)
}

/// The placeholders that are suggested: the built-in ones and the project's own.
fn placeholders(config: &Config) -> impl Iterator<Item = &str> {
    VOCABULARY.iter().map(|entry| entry.name).chain(config.placeholders.keys().map(String::as_str))
}

/// Whether the project, a suite or a model defines a placeholder of that name.
fn is_configured(config: &Config, name: &str) -> bool {
    config.placeholders.contains_key(name)
        || config.suites.iter().any(|suite| suite.placeholders.contains_key(name))
        || config.models.values().any(|facts| facts.placeholders.contains_key(name))
}

/// One problem for each place of the placeholder. A name that Tera uses but the text does not contain gives one without
/// a place.
fn at_each_place(problem: &Problem, placeholder: &Placeholder) -> Vec<Problem> {
    if placeholder.places.is_empty() {
        return vec![problem.clone()];
    }
    placeholder.unguarded.iter().map(|place| problem.clone().in_file(&place.path).at(place.range)).collect()
}
