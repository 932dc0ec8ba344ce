//! The configuration: what `tgen.toml`, or the `metadata.tgen` table of a `Cargo.toml`, says.
//!
//! This module knows the keys and the types of their values, and keeps the place of each value so that later problems
//! can point at it. It does not find the file, and does not know which models, templates or files exist.
//!
//! To add a key: a row in [`keys`], a field here, a line in `read`; the schema and the documentation follow.

pub mod docs;
pub mod init;
pub mod keys;
mod read;
mod rules;
pub mod schema;
mod suites;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::base::files::Files;
use crate::base::problem::Problem;
use crate::base::text::Range;
use crate::model::catalogue::Model;
use crate::model::hardware::HardwareType;

pub use crate::model::catalogue::Selector;
pub use read::{Origin, is_in_pyproject, load, origins_in, read};

/// What a project configures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The file it was read from, for problems; `None` for the built-in configuration.
    pub path: Option<Utf8PathBuf>,
    /// The pipeline map; `None` for the built-in one.
    pub pipeline_map: Option<Spot<Utf8PathBuf>>,
    /// The folder of reference implementations.
    pub skillset: Option<Spot<Utf8PathBuf>>,
    /// The folder of templates that is laid over the built-in pack.
    pub templates: Option<Spot<Utf8PathBuf>>,
    /// The template database.
    pub template_db: Option<Spot<Utf8PathBuf>>,
    /// The project's own placeholders.
    pub placeholders: Placeholders,
    /// Facts about individual models, by the model's name.
    pub models: BTreeMap<String, ModelFacts>,
    /// The suites, in the order of the file; never empty.
    pub suites: Vec<Arc<Suite>>,
}

impl Config {
    /// The configuration of a project that has none: one suite that renders the sample models with the built-in
    /// templates.
    #[must_use]
    pub fn built_in() -> Self {
        Self { suites: vec![Arc::new(Suite::built_in())], ..Self::default() }
    }

    /// The configuration of a folder that has none: the built-in one, plus the folder `templates` if it exists.
    #[must_use]
    pub fn unconfigured(files: &dyn Files) -> Self {
        let folder = Utf8Path::new(Self::USUAL_TEMPLATES);
        let templates = files.is_folder(folder).then(|| Spot::nowhere(folder));
        Self { templates, ..Self::built_in() }
    }

    /// Reads the configuration again from the file that this one was read from.
    ///
    /// # Errors
    /// All problems of the configuration.
    pub fn reread(&self, files: &dyn Files) -> Result<Self, Vec<Problem>> {
        match self.origin(files) {
            Some(origin) => load(files, origin),
            None => Ok(Self::unconfigured(files)),
        }
    }

    /// The kind of file that it was read from; `None` for the built-in configuration.
    #[must_use]
    pub fn origin(&self, files: &dyn Files) -> Option<Origin> {
        let path = self.path.as_ref()?;
        let in_cargo_toml = || files.read_text(path).ok().and_then(|text| origins_in(&text)?.first().copied());
        Some(match path.as_str() {
            "pyproject.toml" => Origin::PyProjectTool,
            "Cargo.toml" => in_cargo_toml().unwrap_or(Origin::CargoPackageMetadata),
            _ => Origin::TgenToml,
        })
    }

    /// The default folder of templates.
    pub const USUAL_TEMPLATES: &'static str = "templates";

    /// The default file name of the template database.
    pub const USUAL_TEMPLATE_DATABASE: &'static str = "templates.duckdb";

    /// The path of the template database, configured or default.
    #[must_use]
    pub fn template_database(&self) -> &Utf8Path {
        self.template_db.as_ref().map_or(Utf8Path::new(Self::USUAL_TEMPLATE_DATABASE), |spot| &spot.value)
    }

    /// Adds the place in the configuration to a problem; a built-in value has no place.
    #[must_use]
    pub fn place(&self, problem: Problem, range: Option<Range>) -> Problem {
        match (&self.path, range) {
            (Some(path), Some(range)) => problem.in_file(path).at(range),
            _ => Problem { path: None, range: None, ..problem },
        }
    }

    /// Whether no suite is configured, so that the built-in one applies.
    #[must_use]
    pub fn has_only_built_in_suite(&self) -> bool {
        matches!(self.suites.as_slice(), [only] if **only == Suite::built_in())
    }

    /// The configured facts of a model, looked up by its own name only.
    #[must_use]
    pub fn facts_of(&self, model: &Model) -> Option<&ModelFacts> {
        self.models.get(model.name.as_str())
    }
}

/// A value and its place in the file that [`Config::path`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spot<T> {
    /// The value.
    pub value: T,
    /// Its place; `None` for a value that is not from a file.
    pub range: Option<Range>,
}

impl<T> Spot<T> {
    /// A value at `range`.
    #[must_use]
    pub fn new(value: T, range: impl Into<Option<Range>>) -> Self {
        Self { value, range: range.into() }
    }

    /// A value that is not from a file.
    #[must_use]
    pub fn nowhere(value: impl Into<T>) -> Self {
        Self { value: value.into(), range: None }
    }
}

/// Placeholders by name.
pub type Placeholders = BTreeMap<String, Spot<Literal>>;

/// Configured facts about one model; they take precedence over what its name and the pipeline map say.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFacts {
    /// The place of the model's name.
    pub range: Range,
    /// Its family.
    pub family: Option<Spot<String>>,
    /// Its transformers model type.
    pub model_type: Option<Spot<String>>,
    /// Its tasks, the primary one first.
    pub tasks: Option<Spot<Vec<String>>>,
    /// The memory that a test of it needs, in gigabytes.
    pub memory_gb: Option<Spot<f64>>,
    /// Placeholders for this model; they win over those of a suite and of the project.
    pub placeholders: Placeholders,
}

/// A rule: which template, which models, which axes, which output path.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// Its name, unique within the configuration.
    pub name: Spot<String>,
    /// Where its template comes from.
    pub template: TemplateSource,
    /// The models, as a union; never empty.
    pub models: Vec<Spot<Selector>>,
    /// The pattern of the output's path, relative to the project's root.
    pub output: Spot<String>,
    /// The hardware axis: without duplicates, never empty.
    pub hardware: Vec<HardwareType>,
    /// The batch size axis: without duplicates, each at least 1, never empty.
    pub batch_sizes: Vec<u32>,
    /// A formatter: a program and its arguments; never empty.
    pub format: Option<Vec<String>>,
    /// The memory that a test of it needs, in gigabytes.
    pub memory_gb: Option<Spot<f64>>,
    /// How long one test of it may run.
    pub test_timeout_seconds: Option<u32>,
    /// Placeholders for this suite; they win over those of the project.
    pub placeholders: Placeholders,
}

impl Suite {
    /// The default hardware axis.
    pub const DEFAULT_HARDWARE: &'static [HardwareType] =
        &[HardwareType::Cpu, HardwareType::Cuda, HardwareType::Openvino, HardwareType::Mps, HardwareType::Qualcomm];

    /// The default batch size axis.
    pub const DEFAULT_BATCH_SIZES: &'static [u32] = &[1];

    /// The templates of the built-in suite: the first that exists is taken.
    pub const BUILT_IN_TEMPLATES: &'static [&'static str] =
        &["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"];

    /// The output path of the built-in suite.
    pub const BUILT_IN_OUTPUT: &'static str = "test/skills/test_hf_{{ normalized_name }}.py";

    /// The output path of the built-in suite of the template database.
    pub const BUILT_IN_DATABASE_OUTPUT: &'static str =
        "test/database/test_{{ normalized_name }}_{{ hardware_type }}_b{{ batch_size }}.py";

    /// Whether it takes its templates from the template database.
    #[must_use]
    pub fn takes_registered(&self) -> bool {
        matches!(self.template, TemplateSource::Database(_))
    }

    /// The suite of a project that configures none.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            name: Spot::nowhere("skillset"),
            template: TemplateSource::Files(Self::BUILT_IN_TEMPLATES.iter().copied().map(Spot::nowhere).collect()),
            models: vec![Spot::nowhere(Selector::Sample)],
            output: Spot::nowhere(Self::BUILT_IN_OUTPUT),
            hardware: Self::DEFAULT_HARDWARE.to_vec(),
            batch_sizes: Self::DEFAULT_BATCH_SIZES.to_vec(),
            format: None,
            memory_gb: None,
            test_timeout_seconds: None,
            placeholders: Placeholders::new(),
        }
    }

    /// The suite of a project that configures none, for a run that names a template database.
    #[must_use]
    pub fn built_in_database() -> Self {
        Self {
            name: Spot::nowhere("database"),
            template: TemplateSource::Database(None),
            output: Spot::nowhere(Self::BUILT_IN_DATABASE_OUTPUT),
            hardware: vec![HardwareType::Cpu],
            ..Self::built_in()
        }
    }
}

/// Where a suite's template comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateSource {
    /// The first of these names that exists, case by case; never empty. The names may hold placeholders.
    Files(Vec<Spot<String>>),
    /// The template database, by family and hardware type; the place of the word `database` in the configuration.
    Database(Option<Range>),
}

/// The value of a placeholder that the project defines, with its TOML type. Dates are not allowed: write them as
/// strings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Literal {
    /// A string.
    String(String),
    /// An integer.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A list.
    List(Vec<Literal>),
    /// A table.
    Map(BTreeMap<String, Literal>),
}

#[cfg(test)]
mod tests;
