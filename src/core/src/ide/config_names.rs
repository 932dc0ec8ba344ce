//! Names in the configuration: declarations and uses of placeholders, templates, and the pipeline map.

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Location;
use crate::base::text::{self, LineIndex};
use crate::config::Origin;
use crate::project::Project;
use crate::template::analysis::{self, Meaning};
use crate::template::syntax;

/// A name in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigName {
    /// Its kind.
    pub(super) kind: ConfigNameKind,
    /// The name as written.
    pub(super) name: String,
    /// Its place.
    pub(super) range: text::Range,
    span: Range<usize>,
}

/// The kind of a name in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConfigNameKind {
    /// A declaration of a placeholder: a key of a `placeholders` table.
    Declaration,
    /// A placeholder in the pattern of a path.
    Use,
    /// A template's name or pattern.
    Template,
    /// The pipeline map.
    PipelineMap,
}

/// The places of a name in the project's configuration.
pub(super) fn find(project: &Project<'_>, kind: ConfigNameKind, name: &str) -> Vec<Location> {
    let Some(path) = &project.config.path else { return Vec::new() };
    let found = all(project).into_iter().filter(|found| found.kind == kind && found.name == name);
    found.map(|found| Location { path: path.clone(), range: found.range }).collect()
}

/// The name at a byte offset of a file, if the file is the project's configuration. The offset may be at the name's
/// end.
pub(super) fn at(project: &Project<'_>, path: &Utf8Path, offset: usize) -> Option<ConfigName> {
    let is_here = |found: &ConfigName| found.span.start <= offset && offset <= found.span.end;
    let names = in_file(project, path).into_iter();
    // The pattern of a template's name contains placeholders, so the shortest match is the one at the cursor.
    names.filter(is_here).min_by_key(|found| found.span.len())
}

/// All names in a file, if it is the project's configuration.
pub(super) fn in_file(project: &Project<'_>, path: &Utf8Path) -> Vec<ConfigName> {
    if project.config.path.as_deref() == Some(path) { all(project) } else { Vec::new() }
}

fn all(project: &Project<'_>) -> Vec<ConfigName> {
    let Some(path) = &project.config.path else { return Vec::new() };
    let Ok(text) = project.files.read_text(path) else { return Vec::new() };
    let Ok(document) = DeTable::parse(&text) else { return Vec::new() };
    let mut reader = Reader { lines: LineIndex::new(&text), text: &text, names: Vec::new() };
    for table in own_tables(path, document.get_ref()) {
        reader.table(table);
    }
    reader.names
}

/// The whole of a `tgen.toml`; of another file, the tables for cargo-tgen.
fn own_tables<'d, 't>(path: &Utf8PathBuf, document: &'d DeTable<'t>) -> Vec<&'d DeTable<'t>> {
    if path.file_name() == Some(Origin::TgenToml.file_name()) {
        return vec![document];
    }
    let tables = [Origin::CargoWorkspaceMetadata, Origin::CargoPackageMetadata, Origin::PyProjectTool];
    let of_this_file = tables.into_iter().filter(|origin| path.file_name() == Some(origin.file_name()));
    let own = |origin: Origin| {
        let (first, rest) = origin.table().split_first()?;
        let begin = document.get(*first)?.get_ref();
        rest.iter().try_fold(begin, |value, key| Some(value.get(*key)?.get_ref()))?.as_table()
    };
    of_this_file.filter_map(own).collect()
}

struct Reader<'t> {
    text: &'t str,
    lines: LineIndex,
    names: Vec<ConfigName>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("placeholders", DeValue::Table(placeholders)) => {
                    for (key, _) in placeholders {
                        self.add(ConfigNameKind::Declaration, key.span());
                    }
                }
                ("template", _) => each_string(value, &mut |span| {
                    self.add(ConfigNameKind::Template, span.clone());
                    self.pattern(span);
                }),
                ("output", _) => each_string(value, &mut |span| self.pattern(span)),
                ("pipeline-map", DeValue::String(_)) => self.add(ConfigNameKind::PipelineMap, value.span()),
                _ => {}
            }
            each_table(value.get_ref(), &mut |table| self.table(table));
        }
    }

    /// The placeholders in a pattern, which is a small template. It is read as written, quotes included, so that places
    /// match the file.
    fn pattern(&mut self, span: Range<usize>) {
        let pattern = &self.text[span.clone()];
        let analysis = analysis::of_tera(pattern, &syntax::parse(pattern));
        for found in analysis.uses.iter().filter(|found| found.meaning == Meaning::Placeholder) {
            self.add(ConfigNameKind::Use, span.start + found.span.start..span.start + found.span.end);
        }
    }

    /// A key or a string may be quoted; the quotes are not part of the name.
    fn add(&mut self, kind: ConfigNameKind, span: Range<usize>) {
        let written = &self.text[span.clone()];
        let name = written.trim_matches(['"', '\'']);
        let start = span.start + written.find(name).unwrap_or_default();
        let span = start..start + name.len();
        self.names.push(ConfigName { kind, name: name.to_owned(), range: self.lines.range(span.clone()), span });
    }
}

/// Calls `visit` with a table, or with each table of a list.
fn each_table(value: &DeValue<'_>, visit: &mut dyn FnMut(&DeTable<'_>)) {
    match value {
        DeValue::Table(table) => visit(table),
        DeValue::Array(items) => items.iter().for_each(|item| each_table(item.get_ref(), visit)),
        _ => {}
    }
}

fn each_string(value: &Spanned<DeValue<'_>>, visit: &mut dyn FnMut(Range<usize>)) {
    match value.get_ref() {
        DeValue::String(_) => visit(value.span()),
        DeValue::Array(items) => items.iter().for_each(|item| each_string(item, visit)),
        _ => {}
    }
}
