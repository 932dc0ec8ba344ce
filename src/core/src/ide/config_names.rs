//! Names of placeholders in the configuration: where they are declared, and where patterns use them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Location;
use crate::project::Project;
use crate::template::analysis::{self, Meaning};
use crate::template::syntax;
use crate::text::LineIndex;

/// A name that is looked for.
pub(super) enum ConfigName<'n> {
    /// The declaration of a placeholder: a key of some `placeholders`.
    Placeholder(&'n str),
    /// A placeholder in the pattern of a path.
    Use(&'n str),
}

/// Where a name stands in the project's configuration.
pub(super) fn find(project: &Project<'_>, name: &ConfigName<'_>) -> Vec<Location> {
    let Some(path) = &project.config.path else { return Vec::new() };
    let Ok(text) = project.files.read_text(path) else { return Vec::new() };
    let Ok(document) = DeTable::parse(&text) else { return Vec::new() };
    let mut spans = Vec::new();
    match name {
        ConfigName::Placeholder(name) => keys_in(document.get_ref(), name, &mut spans),
        ConfigName::Use(name) => uses_in(document.get_ref(), &text, name, &mut spans),
    }
    let lines = LineIndex::new(&text);
    spans.into_iter().map(|span| Location { path: path.clone(), range: lines.range(span) }).collect()
}

/// The keys of that name in every table `placeholders`, at any depth.
fn keys_in(table: &DeTable<'_>, name: &str, spans: &mut Vec<std::ops::Range<usize>>) {
    for (key, value) in table {
        if key.get_ref() == "placeholders"
            && let DeValue::Table(placeholders) = value.get_ref()
        {
            let declared = placeholders.keys().filter(|declared| declared.get_ref() == name);
            spans.extend(declared.map(Spanned::span));
        }
        each_table(value.get_ref(), &mut |table| keys_in(table, name, spans));
    }
}

/// Hands a table, or each table of a list, to `visit`.
fn each_table(value: &DeValue<'_>, visit: &mut dyn FnMut(&DeTable<'_>)) {
    match value {
        DeValue::Table(table) => visit(table),
        DeValue::Array(items) => items.iter().for_each(|item| each_table(item.get_ref(), visit)),
        _ => {}
    }
}

/// The uses of a placeholder in `template` and `output` patterns, which are small templates.
fn uses_in(table: &DeTable<'_>, text: &str, name: &str, spans: &mut Vec<std::ops::Range<usize>>) {
    for (key, value) in table {
        if matches!(key.get_ref().as_ref(), "template" | "output") {
            each_string(value, &mut |span| pattern_uses(text, span, name, spans));
        }
        each_table(value.get_ref(), &mut |table| uses_in(table, text, name, spans));
    }
}

fn each_string(value: &Spanned<DeValue<'_>>, visit: &mut dyn FnMut(std::ops::Range<usize>)) {
    match value.get_ref() {
        DeValue::String(_) => visit(value.span()),
        DeValue::Array(items) => items.iter().for_each(|item| each_string(item, visit)),
        _ => {}
    }
}

/// A pattern is read as it is written, quotes included, so that its places are those of the file.
fn pattern_uses(text: &str, span: std::ops::Range<usize>, name: &str, spans: &mut Vec<std::ops::Range<usize>>) {
    let pattern = &text[span.clone()];
    let analysis = analysis::of_tera(pattern, &syntax::parse(pattern));
    let uses = analysis.uses.iter().filter(|found| found.name == name && found.meaning == Meaning::Placeholder);
    spans.extend(uses.map(|found| span.start + found.span.start..span.start + found.span.end));
}
