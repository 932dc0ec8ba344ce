//! The built-in placeholders: one table for rendering, `cargo tgen placeholders`, completion, hover and the
//! documentation.
//!
//! To add a placeholder, add a row here and its value to `Case::builtin_value`; the compiler asks for the second. This
//! module must not know cases or how a template is rendered.

/// One built-in placeholder.
pub struct Entry {
    /// The name in templates.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Where its value comes from.
    pub source: ValueSource,
    /// Its description, in a sentence.
    pub description: &'static str,
    /// The value of a case that it stands for.
    pub value: Builtin,
}

/// The values of a case. `Case::builtin_value` computes each of them in a `match` that the compiler keeps exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is described by its row of [`VOCABULARY`]")]
pub enum Builtin {
    ModelName,
    ModelType,
    NormalizedName,
    CamelCaseName,
    ClassName,
    ModelFamily,
    Modality,
    Tasks,
    PrimaryTask,
    AutoClasses,
    HardwareType,
    BatchSize,
    HardwareBackends,
    BatchSizes,
    Reference,
    Suite,
    TemplateName,
    GeneratorVersion,
}

/// The type of a placeholder's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A list of strings or integers.
    List,
    /// A map with string keys.
    Map,
    /// A map with fixed fields, or none.
    Object,
}

impl Kind {
    /// The phrase for it, in tables and hovers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::List => "list",
            Self::Map => "map",
            Self::Object => "object or none",
        }
    }
}

/// Where a placeholder's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSource {
    /// The model of the case.
    Model,
    /// The hardware axis, if the output path expands it.
    HardwareAxis,
    /// The batch size axis, if the output path expands it.
    BatchAxis,
    /// The suite.
    Suite,
    /// cargo-tgen itself; available in support templates too.
    Tool,
}

impl ValueSource {
    /// The phrase for it, in tables and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "the model",
            Self::HardwareAxis => "the hardware axis, if the output path expands it",
            Self::BatchAxis => "the batch size axis, if the output path expands it",
            Self::Suite => "the suite",
            Self::Tool => "cargo-tgen",
        }
    }
}

/// Every built-in placeholder, in the order of the documentation.
pub const VOCABULARY: &[Entry] = &[
    Entry {
        name: "model_name",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "The model as selected: a model type, or a checkpoint of one.",
        value: Builtin::ModelName,
    },
    Entry {
        name: "model_type",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "Its transformers model type; `unknown` if it cannot be determined.",
        value: Builtin::ModelType,
    },
    Entry {
        name: "normalized_name",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "The model's name in lower case, with `_` for everything but letters and digits.",
        value: Builtin::NormalizedName,
    },
    Entry {
        name: "camel_case_name",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "The model's name as words in capitals: `BigBird`.",
        value: Builtin::CamelCaseName,
    },
    Entry {
        name: "class_name",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "The class of its reference implementation: `hf_big_bird`.",
        value: Builtin::ClassName,
    },
    Entry {
        name: "model_family",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "Its family: `text_embedding`, `vision`, …; `unknown` if it cannot be determined.",
        value: Builtin::ModelFamily,
    },
    Entry {
        name: "modality",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "Its kind of input: `text`, `image`, `audio`, …",
        value: Builtin::Modality,
    },
    Entry {
        name: "tasks",
        kind: Kind::List,
        source: ValueSource::Model,
        description: "Its transformers pipeline tasks; only `text-generation` if the pipeline map has none.",
        value: Builtin::Tasks,
    },
    Entry {
        name: "primary_task",
        kind: Kind::String,
        source: ValueSource::Model,
        description: "The first of its tasks.",
        value: Builtin::PrimaryTask,
    },
    Entry {
        name: "auto_classes",
        kind: Kind::Map,
        source: ValueSource::Model,
        description: "Task to transformers auto class: `fill-mask` to `AutoModelForMaskedLM`.",
        value: Builtin::AutoClasses,
    },
    Entry {
        name: "hardware_type",
        kind: Kind::String,
        source: ValueSource::HardwareAxis,
        description: "The hardware type of the case.",
        value: Builtin::HardwareType,
    },
    Entry {
        name: "batch_size",
        kind: Kind::Integer,
        source: ValueSource::BatchAxis,
        description: "The batch size of the case.",
        value: Builtin::BatchSize,
    },
    Entry {
        name: "hardware_backends",
        kind: Kind::List,
        source: ValueSource::Suite,
        description: "The suite's hardware types.",
        value: Builtin::HardwareBackends,
    },
    Entry {
        name: "batch_sizes",
        kind: Kind::List,
        source: ValueSource::Suite,
        description: "The suite's batch sizes.",
        value: Builtin::BatchSizes,
    },
    Entry {
        name: "reference",
        kind: Kind::Object,
        source: ValueSource::Model,
        description: "Its parsed reference implementation: module, class, init and handler methods with their parameters.",
        value: Builtin::Reference,
    },
    Entry {
        name: "suite",
        kind: Kind::String,
        source: ValueSource::Suite,
        description: "The suite's name.",
        value: Builtin::Suite,
    },
    Entry {
        name: "template_name",
        kind: Kind::String,
        source: ValueSource::Tool,
        description: "The template's name.",
        value: Builtin::TemplateName,
    },
    Entry {
        name: "generator_version",
        kind: Kind::String,
        source: ValueSource::Tool,
        description: "The version of cargo-tgen.",
        value: Builtin::GeneratorVersion,
    },
];

/// The built-in placeholder of that name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    VOCABULARY.iter().find(|entry| entry.name == name)
}

/// Whether a name stands for something that differs from run to run; an output must depend only on its inputs.
#[must_use]
pub fn is_non_deterministic(name: &str) -> bool {
    matches!(
        name,
        "__tera_context"
            | "timestamp"
            | "now"
            | "date"
            | "time"
            | "datetime"
            | "today"
            | "uuid"
            | "random"
            | "hostname"
            | "user"
            | "cwd"
    )
}
