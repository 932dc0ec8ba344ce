//! The built-in placeholders: the one table that rendering, `cargo tgen placeholders`, completion, hover and the
//! documentation read.
//!
//! To add a placeholder, add a row. This module knows where each value comes from; it must not know templates.

use tera::Value;

use crate::plan::case::Case;

/// One built-in placeholder.
pub struct Entry {
    /// The name in templates.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Where its value comes from.
    pub origin: Origin,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// The value for a case; none where the case has none.
    value: fn(&Case<'_>) -> Option<Value>,
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
    /// Names and values.
    Map,
    /// Fields, or none.
    Object,
}

impl Kind {
    /// The word for it.
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
pub enum Origin {
    /// The model of the case.
    Model,
    /// The hardware axis, where the output path expands it.
    HardwareAxis,
    /// The batch size axis, where the output path expands it.
    BatchAxis,
    /// The suite.
    Suite,
    /// cargo-tgen itself; support templates see these as well.
    Tool,
}

impl Origin {
    /// The words for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "the model",
            Self::HardwareAxis => "the hardware axis, where the output path expands it",
            Self::BatchAxis => "the batch size axis, where the output path expands it",
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
        origin: Origin::Model,
        description: "The model as selected: a model type, or a checkpoint of one.",
        value: |case| case.model.map(|model| model.name.as_str().into()),
    },
    Entry {
        name: "model_type",
        kind: Kind::String,
        origin: Origin::Model,
        description: "Its transformers model type; `unknown` when nothing tells.",
        value: |case| case.model.map(|model| model.type_name().into()),
    },
    Entry {
        name: "normalized_name",
        kind: Kind::String,
        origin: Origin::Model,
        description: "The model's name in lower case, with `_` for everything that is no letter or digit.",
        value: |case| case.model.map(|model| model.name.normalized_name().into()),
    },
    Entry {
        name: "camel_case_name",
        kind: Kind::String,
        origin: Origin::Model,
        description: "The model's name as words in capitals: `BigBird`.",
        value: |case| case.model.map(|model| model.name.camel_case_name().into()),
    },
    Entry {
        name: "class_name",
        kind: Kind::String,
        origin: Origin::Model,
        description: "The class of its reference implementation: `hf_big_bird`.",
        value: |case| case.model.map(|model| model.name.class_name().into()),
    },
    Entry {
        name: "model_family",
        kind: Kind::String,
        origin: Origin::Model,
        description: "Its family: `text_embedding`, `vision`, …; `unknown` when nothing tells.",
        value: |case| case.model.map(|model| model.family.name().into()),
    },
    Entry {
        name: "modality",
        kind: Kind::String,
        origin: Origin::Model,
        description: "What it takes in: `text`, `image`, `audio`, …",
        value: |case| case.model.map(|model| model.modality.name().into()),
    },
    Entry {
        name: "tasks",
        kind: Kind::List,
        origin: Origin::Model,
        description: "Its transformers pipeline tasks; `text-generation` alone where the pipeline map is silent.",
        value: |case| case.model.map(|model| strings(model.tasks.iter().map(String::as_str))),
    },
    Entry {
        name: "primary_task",
        kind: Kind::String,
        origin: Origin::Model,
        description: "The first of its tasks.",
        value: |case| case.model.map(|model| model.primary_task().into()),
    },
    Entry {
        name: "auto_classes",
        kind: Kind::Map,
        origin: Origin::Model,
        description: "Task to transformers auto class: `fill-mask` to `AutoModelForMaskedLM`.",
        value: |case| case.model.map(|model| case.project.auto_classes(model)),
    },
    Entry {
        name: "hardware_type",
        kind: Kind::String,
        origin: Origin::HardwareAxis,
        description: "The hardware type of the case.",
        value: |case| case.hardware.map(|hardware| hardware.name().into()),
    },
    Entry {
        name: "batch_size",
        kind: Kind::Integer,
        origin: Origin::BatchAxis,
        description: "The batch size of the case.",
        value: |case| case.batch_size.map(Value::from),
    },
    Entry {
        name: "hardware_backends",
        kind: Kind::List,
        origin: Origin::Suite,
        description: "The suite's hardware types.",
        value: |case| case.axes.map(|axes| strings(axes.hardware.iter().map(|hardware| hardware.name()))),
    },
    Entry {
        name: "batch_sizes",
        kind: Kind::List,
        origin: Origin::Suite,
        description: "The suite's batch sizes.",
        value: |case| {
            case.axes.map(|axes| axes.batch_sizes.iter().copied().map(Value::from).collect::<Vec<_>>().into())
        },
    },
    Entry {
        name: "reference",
        kind: Kind::Object,
        origin: Origin::Model,
        description: "Its parsed reference implementation: module, class, init and handler methods with their parameters.",
        value: |case| case.model.map(|model| case.project.reference(model)),
    },
    Entry {
        name: "suite",
        kind: Kind::String,
        origin: Origin::Suite,
        description: "The suite's name.",
        value: |case| case.suite.map(|suite| suite.name.value.as_str().into()),
    },
    Entry {
        name: "template_name",
        kind: Kind::String,
        origin: Origin::Tool,
        description: "The template's name.",
        value: |case| case.template_name().map(Into::into),
    },
    Entry {
        name: "generator_version",
        kind: Kind::String,
        origin: Origin::Tool,
        description: "The version of cargo-tgen.",
        value: |_| Some(env!("CARGO_PKG_VERSION").into()),
    },
];

impl Entry {
    /// The value for a case; none where the case has none.
    #[must_use]
    pub fn value(&self, case: &Case<'_>) -> Option<Value> {
        (self.value)(case)
    }
}

/// The built-in placeholder of that name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    VOCABULARY.iter().find(|entry| entry.name == name)
}

/// Whether a name asks for what differs from run to run; an output is a function of its inputs.
#[must_use]
pub fn is_non_deterministic(name: &str) -> bool {
    matches!(
        name,
        "timestamp" | "now" | "date" | "time" | "datetime" | "today" | "uuid" | "random" | "hostname" | "user" | "cwd"
    )
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    items.map(Value::from).collect::<Vec<_>>().into()
}
