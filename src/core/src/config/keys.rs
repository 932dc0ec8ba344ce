//! The keys of the configuration: one row each, with its type, its default, a description and an example.
//!
//! Reading, the JSON schema, the documentation and the editor's completion all follow this table. It must not know how
//! a value is read or shown.

/// One key of a table in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The name, as written.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// What happens if it is left out.
    pub omitted: Omitted,
    /// What it is for: one or two sentences of Markdown.
    pub doc: &'static str,
    /// An example value, as TOML.
    pub example: &'static str,
}

/// What happens if a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omitted {
    /// The key is required.
    IsAProblem,
    /// This default, as TOML, applies.
    IsTheValue(&'static str),
    /// What this phrase says.
    Means(&'static str),
}

/// What the value of a key looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A path, relative to the project's root or absolute.
    Path,
    /// The pattern of an output's path, relative to the project's root.
    OutputPath,
    /// A number above zero.
    Number,
    /// An integer of at least 1.
    Count,
    /// A list of strings.
    Texts,
    /// A list of different integers of at least 1.
    Counts,
    /// A list of different hardware types.
    HardwareTypes,
    /// A template's name, a list of them, or `"database"`.
    Templates,
    /// A selection of models: a string, a table, or a list of these.
    Models,
    /// Placeholders with their values.
    Placeholders,
    /// A table of models' names, each with a table of these keys.
    ModelTables(&'static [Key]),
    /// A list of tables of these keys, written `[[name]]`.
    Tables(&'static [Key]),
}

impl Kind {
    /// The type in a phrase that follows "is": `a list of strings`.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Text | Self::Path | Self::OutputPath => "a string",
            Self::Number => "a number",
            Self::Count => "an integer",
            Self::Texts => "a list of strings",
            Self::Counts => "a list of integers",
            Self::HardwareTypes => "a list of hardware types",
            Self::Templates => "a string or a list of strings",
            Self::Models => "a string, a table, or a list of these",
            Self::Placeholders => "a table of placeholders and their values",
            Self::ModelTables(_) => "a table of models' names and tables",
            Self::Tables(_) => "a list of tables",
        }
    }
}

/// The key called `name` among `keys`.
#[must_use]
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}

/// The keys at the top of `tgen.toml`.
pub const TOP: &[Key] =
    &[REQUIRED_VERSION, PIPELINE_MAP, SKILLSET, TEMPLATES, TEMPLATE_DB, PROJECT_PLACEHOLDERS, MODEL_FACTS, SUITES];

/// The keys of `[models."name"]`.
pub const MODEL: &[Key] = &[FAMILY, MODEL_TYPE, TASKS, MODEL_MEMORY_GB, MODEL_PLACEHOLDERS];

/// The keys of `[[suite]]`.
pub const SUITE: &[Key] = &[
    NAME,
    TEMPLATE,
    MODELS,
    OUTPUT,
    HARDWARE,
    BATCH_SIZES,
    FORMAT,
    SUITE_MEMORY_GB,
    TEST_TIMEOUT_SECONDS,
    SUITE_PLACEHOLDERS,
];

/// The keys of a table that selects models; exactly one of them must be present.
pub const SELECTOR: &[Key] = &[SELECT_FAMILY, SELECT_TASK];

/// The versions of cargo-tgen that can read the project.
pub const REQUIRED_VERSION: Key = Key {
    name: "required-version",
    kind: Kind::Text,
    omitted: Omitted::Means("any version"),
    doc: "The versions of cargo-tgen that may be used, as Cargo writes requirements: `0.1` is any compatible version, `=0.1.0` exactly that \
          one. Any other version refuses the configuration.",
    example: r#"">=0.1, <0.3""#,
};

/// The path of the pipeline map.
pub const PIPELINE_MAP: Key = Key {
    name: "pipeline-map",
    kind: Kind::Path,
    omitted: Omitted::Means("the built-in map"),
    doc: "The pipeline map: a JSON file of model types and their tasks, as `cargo tgen map sync` writes it.",
    example: r#""huggingface_model_pipeline_map.json""#,
};

/// The folder of reference implementations.
pub const SKILLSET: Key = Key {
    name: "skillset",
    kind: Kind::Path,
    omitted: Omitted::Means("no reference implementations"),
    doc: "The folder of reference implementations, `hf_<normalized_name>.py`, that generated tests must agree with.",
    example: r#""ipfs_accelerate_py/worker/skillset""#,
};

/// The folder of the project's templates.
pub const TEMPLATES: Key = Key {
    name: "templates",
    kind: Kind::Path,
    omitted: Omitted::Means("the built-in templates alone"),
    doc: "The folder of the project's templates. It is laid over the built-in pack: of two templates with one path, the project's wins.",
    example: r#""templates""#,
};

/// The template database.
pub const TEMPLATE_DB: Key = Key {
    name: "template-db",
    kind: Kind::Path,
    omitted: Omitted::Means("no template database"),
    doc: "The template database, a DuckDB file. It is opened only where a suite has `template = \"database\"`, and by the commands that manage it.",
    example: r#""templates.duckdb""#,
};

/// The project's own placeholders.
pub const PROJECT_PLACEHOLDERS: Key = Key {
    name: "placeholders",
    kind: Kind::Placeholders,
    omitted: Omitted::Means("none"),
    doc: "The project's own placeholders, typed by their TOML values: strings, numbers, booleans, lists and tables.",
    example: r#"{ organisation = "acme" }"#,
};

/// Facts about individual models.
pub const MODEL_FACTS: Key = Key {
    name: "models",
    kind: Kind::ModelTables(MODEL),
    omitted: Omitted::Means("everything is derived from the models' names and the pipeline map"),
    doc: "Facts about individual models, which take precedence over what is derived from their names and the pipeline map.",
    example: r#"{ "bert-base-uncased" = { family = "text_embedding" } }"#,
};

/// The suites.
pub const SUITES: Key = Key {
    name: "suite",
    kind: Kind::Tables(SUITE),
    omitted: Omitted::Means("one suite, `skillset`, that renders the sample models with the built-in templates"),
    doc: "Rules that say which template renders which models to which files.",
    example: r#"[{ name = "skillset", template = "skillset.py.tera", models = "all", output = "test/test_hf_{{ normalized_name }}.py" }]"#,
};

/// A model's family.
pub const FAMILY: Key = Key {
    name: "family",
    kind: Kind::Text,
    omitted: Omitted::Means("derived from the model's primary task, then from its name"),
    doc: "The model's family.",
    example: r#""text_embedding""#,
};

/// A model's type.
pub const MODEL_TYPE: Key = Key {
    name: "model-type",
    kind: Kind::Text,
    omitted: Omitted::Means("the longest known model type in the model's name"),
    doc: "The model's transformers model type.",
    example: r#""bert""#,
};

/// A model's tasks.
pub const TASKS: Key = Key {
    name: "tasks",
    kind: Kind::Texts,
    omitted: Omitted::Means("what the pipeline map says of the model type"),
    doc: "The model's transformers pipeline tasks; the first is its primary task.",
    example: r#"["fill-mask", "text-classification"]"#,
};

/// A model's memory.
pub const MODEL_MEMORY_GB: Key = Key {
    name: "memory-gb",
    kind: Kind::Number,
    omitted: Omitted::Means("what the suite says, else an estimate"),
    doc: "The memory that a test of this model needs, in gigabytes.",
    example: "0.5",
};

/// A model's placeholders.
pub const MODEL_PLACEHOLDERS: Key = Key {
    name: "placeholders",
    kind: Kind::Placeholders,
    omitted: Omitted::Means("none"),
    doc: "Placeholders for this model. They win over those of a suite and of the project.",
    example: "{ checkpoint_mb = 440 }",
};

/// A suite's name.
pub const NAME: Key = Key {
    name: "name",
    kind: Kind::Text,
    omitted: Omitted::IsAProblem,
    doc: "The suite's name, for `--suite` and for messages; no two suites share one.",
    example: r#""skillset""#,
};

/// A suite's template.
pub const TEMPLATE: Key = Key {
    name: "template",
    kind: Kind::Templates,
    omitted: Omitted::IsAProblem,
    doc: "The template, or a list of which the first that exists is taken, case by case; the names may hold placeholders. `\"database\"` takes templates from the template database, by family and hardware type.",
    example: r#"["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"]"#,
};

/// A suite's models.
pub const MODELS: Key = Key {
    name: "models",
    kind: Kind::Models,
    omitted: Omitted::IsAProblem,
    doc: "The models: `\"all\"` of the pipeline map, `\"sample\"` (bert, vit, whisper, llava), `\"skillset\"` (those with a reference implementation), a name, a glob, `{ family = \"...\" }`, `{ task = \"...\" }`, or a list of these.",
    example: r#"["bert-base-uncased", "vit*", { family = "audio" }]"#,
};

/// A suite's output path.
pub const OUTPUT: Key = Key {
    name: "output",
    kind: Kind::OutputPath,
    omitted: Omitted::IsAProblem,
    doc: "The path of the output, relative to the project's root. An axis that it names, `{{ hardware_type }}` or `{{ batch_size }}`, is expanded to one output per value; an axis that it does not name stays a list inside one output.",
    example: r#""test/skills/test_hf_{{ normalized_name }}.py""#,
};

/// A suite's hardware axis.
pub const HARDWARE: Key = Key {
    name: "hardware",
    kind: Kind::HardwareTypes,
    omitted: Omitted::IsTheValue(r#"["cpu", "cuda", "openvino", "mps", "qualcomm"]"#),
    doc: "The hardware types that the tests are for; `apple` is another name for `mps`.",
    example: r#"["cpu", "cuda"]"#,
};

/// A suite's batch size axis.
pub const BATCH_SIZES: Key = Key {
    name: "batch-sizes",
    kind: Kind::Counts,
    omitted: Omitted::IsTheValue("[1]"),
    doc: "The batch sizes that the tests use.",
    example: "[1, 4]",
};

/// A suite's formatter.
pub const FORMAT: Key = Key {
    name: "format",
    kind: Kind::Texts,
    omitted: Omitted::Means("outputs stay as rendered"),
    doc: "A formatter, as a program and its arguments. It is run once over all rendered files of the suite, before they are compared.",
    example: r#"["ruff", "format"]"#,
};

/// A suite's memory.
pub const SUITE_MEMORY_GB: Key = Key {
    name: "memory-gb",
    kind: Kind::Number,
    omitted: Omitted::Means("an estimate from the model and the batch size"),
    doc: "The memory that a test of this suite needs, in gigabytes, for `cargo tgen plan` and `cargo tgen run`.",
    example: "16",
};

/// A suite's time limit.
pub const TEST_TIMEOUT_SECONDS: Key = Key {
    name: "test-timeout-seconds",
    kind: Kind::Count,
    omitted: Omitted::Means("600 seconds"),
    doc: "How long a planned test may run. A file that holds several, one for each batch size, may run that long for each of them.",
    example: "600",
};

/// A suite's placeholders.
pub const SUITE_PLACEHOLDERS: Key = Key {
    name: "placeholders",
    kind: Kind::Placeholders,
    omitted: Omitted::Means("none"),
    doc: "Placeholders for this suite. They win over those of the project.",
    example: r#"{ tier = "nightly" }"#,
};

/// Selects models by family.
pub const SELECT_FAMILY: Key = Key {
    name: "family",
    kind: Kind::Text,
    omitted: Omitted::Means("`task` selects"),
    doc: "Selects the models of a family.",
    example: r#""vision""#,
};

/// Selects models by task.
pub const SELECT_TASK: Key = Key {
    name: "task",
    kind: Kind::Text,
    omitted: Omitted::Means("`family` selects"),
    doc: "Selects the models that have a task.",
    example: r#""fill-mask""#,
};
