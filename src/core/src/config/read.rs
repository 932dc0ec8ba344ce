//! Parses the text of a file into a [`Config`], or into all of its problems.
//!
//! `tgen.toml` and the tables of a `pyproject.toml` or a `Cargo.toml` are read by the same code, so places are exact in
//! all.

use std::collections::BTreeMap;

use camino::Utf8Path;
use semver::{Version, VersionReq};
use toml::de::{DeTable, DeValue};

use super::keys;
use super::suites::suites;
use super::values::{Reader, Section};
use super::{Config, ModelFacts};
use crate::base::conflict::Conflicts;
use crate::base::files::{Files, reason};
use crate::base::problem::{Code, Problem};
use crate::base::text::{Range, with_unix_line_ends};

/// Where a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file of its own.
    TgenToml,
    /// The table `[tool.tgen]` of a `pyproject.toml`.
    PyProjectTool,
    /// The table `[workspace.metadata.tgen]` of a `Cargo.toml`.
    CargoWorkspaceMetadata,
    /// The table `[package.metadata.tgen]` of a `Cargo.toml`.
    CargoPackageMetadata,
}

impl Origin {
    /// The name of the file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::TgenToml => "tgen.toml",
            Self::PyProjectTool => "pyproject.toml",
            Self::CargoWorkspaceMetadata | Self::CargoPackageMetadata => "Cargo.toml",
        }
    }

    /// The path of keys to the table; empty if it is the whole file.
    #[must_use]
    pub const fn table(self) -> &'static [&'static str] {
        match self {
            Self::TgenToml => &[],
            Self::PyProjectTool => &["tool", "tgen"],
            Self::CargoWorkspaceMetadata => &["workspace", "metadata", "tgen"],
            Self::CargoPackageMetadata => &["package", "metadata", "tgen"],
        }
    }
}

/// The tables of a `Cargo.toml` that hold a configuration, a package's before a workspace's; `None` if the text is not TOML.
#[must_use]
pub fn origins_in(cargo_toml: &str) -> Option<Vec<Origin>> {
    tables_in(cargo_toml, &[Origin::CargoPackageMetadata, Origin::CargoWorkspaceMetadata])
}

/// Whether a `pyproject.toml` holds a configuration; `None` if the text is not TOML.
#[must_use]
pub fn is_in_pyproject(pyproject_toml: &str) -> Option<bool> {
    tables_in(pyproject_toml, &[Origin::PyProjectTool]).map(|origins| !origins.is_empty())
}

fn tables_in(text: &str, origins: &[Origin]) -> Option<Vec<Origin>> {
    let document = DeTable::parse(text).ok()?;
    let holds = |origin: &&Origin| descend(document.get_ref(), origin.table()).is_some();
    Some(origins.iter().filter(holds).copied().collect())
}

/// Reads the configuration of a project from its root's file.
///
/// # Errors
/// The problem that the file cannot be read, or all problems of its content.
pub fn load(files: &dyn Files, origin: Origin) -> Result<Config, Vec<Problem>> {
    let path = Utf8Path::new(origin.file_name());
    let text = files.read_text(path).map_err(|error| {
        let message = format!("cannot read `{path}`: {}", reason(&error));
        vec![
            Problem::error(Code::UnreadableFile, message)
                .in_file(path)
                .help("check the file, its encoding and its permissions"),
        ]
    })?;
    read(&text, path, origin)
}

/// Reads a configuration. `path` is the file as the user would name it, for the problems.
///
/// # Errors
/// All problems of the configuration, in the order of the file.
pub fn read(text: &str, path: &Utf8Path, origin: Origin) -> Result<Config, Vec<Problem>> {
    // A checkout with `core.autocrlf` must not change the value of a string of several lines.
    let text = &*with_unix_line_ends(text);
    let mut reader = Reader::new(text, path, origin.table());
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        if let Some(found) = Conflicts::read(text.as_bytes()) {
            reader.report_conflict(found.first_marker);
            return Err(reader.into_problems());
        }
        for error in &errors {
            reader.report_syntax(error);
        }
        return Err(reader.into_problems());
    }
    let section = top(&mut reader, document.get_ref(), origin);
    if let Some(fault) = section.and_then(|section| wrong_version(&mut reader, section)) {
        // Another version may know other keys and values, so this is the only problem reported.
        return Err(vec![fault]);
    }
    let config = section.map(|section| Config { path: Some(path.to_owned()), ..config(&mut reader, section) });
    let problems = reader.into_problems();
    config.filter(|_| problems.is_empty()).ok_or(problems)
}

/// The section that holds the top keys.
fn top<'toml>(reader: &mut Reader<'_>, document: &'toml DeTable<'toml>, origin: Origin) -> Option<Section<'toml>> {
    let Some((last, _)) = origin.table().split_last() else {
        let section = Section { keys: keys::TOP, table: document, range: Range::default() };
        reader.check_keys(section);
        return Some(section);
    };
    let Some(value) = descend(document, origin.table()) else {
        let header = origin.table().join(".");
        reader.report(Range::default(), format!("`[{header}]` is missing"), "add the table, or write a `tgen.toml`");
        return None;
    };
    let DeValue::Table(table) = value.get_ref() else {
        reader.report(
            reader.range(value),
            format!("`{last}` is not a table"),
            format!("write its keys below a header `[{}]`", origin.table().join(".")),
        );
        return None;
    };
    let section = Section { keys: keys::TOP, table, range: reader.range(value) };
    reader.check_keys(section);
    Some(section)
}

fn descend<'toml>(table: &'toml DeTable<'toml>, path: &[&str]) -> Option<&'toml super::values::Value<'toml>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { descend(value.get_ref().as_table()?, rest) }
}

/// The problem that the project requires another version of cargo-tgen.
fn wrong_version(reader: &mut Reader<'_>, section: Section<'_>) -> Option<Problem> {
    const THIS: &str = env!("CARGO_PKG_VERSION");
    let required = reader.text(section, &keys::REQUIRED_VERSION)?;
    let requirement = match VersionReq::parse(&required.value) {
        Ok(requirement) => requirement,
        Err(error) => {
            let help = format!("write it like `{} = {}`", keys::REQUIRED_VERSION.name, keys::REQUIRED_VERSION.example);
            reader.report(required.range, format!("`{}` is no version requirement: {error}", required.value), help);
            return None;
        }
    };
    let this = Version::parse(THIS).ok()?;
    let fault = || {
        let message = format!("the project requires cargo-tgen `{}`, but this is {THIS}", required.value);
        reader
            .error(required.range, message)
            .help("install a version that the project requires, or change `required-version`")
    };
    (!requirement.matches(&this)).then(fault)
}

fn config(reader: &mut Reader<'_>, section: Section<'_>) -> Config {
    Config {
        path: None,
        pipeline_map: reader.path(section, &keys::PIPELINE_MAP),
        skillset: reader.path(section, &keys::SKILLSET),
        templates: reader.path(section, &keys::TEMPLATES),
        template_db: reader.path(section, &keys::TEMPLATE_DB),
        placeholders: reader.placeholders(section, &keys::PROJECT_PLACEHOLDERS),
        models: models(reader, section),
        suites: suites(reader, section),
    }
}

fn models(reader: &mut Reader<'_>, section: Section<'_>) -> BTreeMap<String, ModelFacts> {
    let Some(value) = section.value(&keys::MODEL_FACTS) else { return BTreeMap::new() };
    let DeValue::Table(table) = value.get_ref() else {
        reader.report_type(&keys::MODEL_FACTS, value);
        return BTreeMap::new();
    };
    let mut models = BTreeMap::new();
    for (name, value) in table {
        let range = reader.range(name);
        if let Some(section) = reader.section(&keys::MODEL_FACTS, keys::MODEL, value) {
            models.insert(name.get_ref().to_string(), model_facts(reader, section, range));
        }
    }
    models
}

fn model_facts(reader: &mut Reader<'_>, section: Section<'_>, range: Range) -> ModelFacts {
    ModelFacts {
        range,
        family: reader.text(section, &keys::FAMILY),
        model_type: reader.text(section, &keys::MODEL_TYPE),
        tasks: reader.texts(section, &keys::TASKS),
        memory_gb: reader.number(section, &keys::MODEL_MEMORY_GB),
        placeholders: reader.placeholders(section, &keys::MODEL_PLACEHOLDERS),
    }
}
