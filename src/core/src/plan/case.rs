//! One case of a suite's matrix, and the values it gives to placeholders.
//!
//! A case knows where values come from; it must not know which template uses them.

use tera::Value;

use crate::config::{Placeholders, Suite};
use crate::model::catalogue::Model;
use crate::model::hardware::HardwareType;
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::renderer::Values;
use crate::template::vocabulary::{self, Builtin};

/// The axes of a suite, as configured or requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes {
    /// The hardware types.
    pub hardware: Vec<HardwareType>,
    /// The batch sizes.
    pub batch_sizes: Vec<u32>,
}

/// The context in which a template is rendered. A support template has no model, suite or axes.
#[derive(Clone, Copy)]
pub struct Case<'p> {
    /// The project.
    pub project: &'p Project<'p>,
    /// The suite.
    pub suite: Option<&'p Suite>,
    /// The suite's axes.
    pub axes: Option<&'p Axes>,
    /// The model.
    pub model: Option<&'p Model>,
    /// The hardware type, if the output path expands that axis.
    pub hardware: Option<HardwareType>,
    /// The batch size, if the output path expands that axis.
    pub batch_size: Option<u32>,
    /// The template that is rendered.
    pub template: Option<&'p TemplateName>,
}

impl Values for Case<'_> {
    fn value(&self, placeholder: &str) -> Option<Value> {
        match vocabulary::entry(placeholder) {
            Some(entry) => self.builtin_value(entry.value),
            None => self.own_value(placeholder),
        }
    }
}

impl<'p> Case<'p> {
    /// The value of a built-in placeholder; `None` if the case has none.
    #[must_use]
    pub fn builtin_value(&self, placeholder: Builtin) -> Option<Value> {
        match placeholder {
            Builtin::ModelName => self.model.map(|model| model.name.as_str().into()),
            Builtin::ModelType => self.model.map(|model| model.type_name().into()),
            Builtin::NormalizedName => self.model.map(|model| model.name.normalized_name().into()),
            Builtin::CamelCaseName => self.model.map(|model| model.name.camel_case_name().into()),
            Builtin::ClassName => self.model.map(|model| model.name.class_name().into()),
            Builtin::ModelFamily => self.model.map(|model| model.family.name().into()),
            Builtin::Modality => self.model.map(|model| model.modality.name().into()),
            Builtin::Tasks => self.model.map(|model| strings(model.tasks.iter().map(String::as_str))),
            Builtin::PrimaryTask => self.model.map(|model| model.primary_task().into()),
            Builtin::AutoClasses => self.model.map(|model| self.project.auto_classes(model)),
            Builtin::HardwareType => self.hardware.map(|hardware| hardware.name().into()),
            Builtin::BatchSize => self.batch_size.map(Value::from),
            Builtin::HardwareBackends => {
                self.axes.map(|axes| strings(axes.hardware.iter().map(|hardware| hardware.name())))
            }
            Builtin::BatchSizes => {
                self.axes.map(|axes| axes.batch_sizes.iter().copied().map(Value::from).collect::<Vec<_>>().into())
            }
            Builtin::Reference => self.model.map(|model| self.project.reference(model)),
            Builtin::Suite => self.suite.map(|suite| suite.name.value.as_str().into()),
            Builtin::TemplateName => self.template_name().map(Into::into),
            Builtin::GeneratorVersion => Some(env!("CARGO_PKG_VERSION").into()),
        }
    }

    /// The value of a placeholder that the project defines: the model's, else the suite's, else the project's.
    fn own_value(&self, placeholder: &str) -> Option<Value> {
        let config = &self.project.config;
        let of_model = self.model.and_then(|model| config.facts_of(model)).map(|facts| &facts.placeholders);
        let of_suite = self.suite.map(|suite| &suite.placeholders);
        let find = |placeholders: &Placeholders| {
            placeholders.get(placeholder).map(|spot| Value::from_serializable(&spot.value))
        };
        of_model.and_then(find).or_else(|| of_suite.and_then(find)).or_else(|| find(&config.placeholders))
    }

    /// The template's name as its author knows it; a registered template has another name in the plan.
    pub(crate) fn template_name(&self) -> Option<&str> {
        let name = self.template?;
        let registered = self.project.registry.as_ref().and_then(|registry| registry.find(name));
        Some(registered.map_or(name.as_str(), |template| &template.name))
    }

    /// The case of a support template, which serves all outputs of its folder.
    #[must_use]
    pub fn of_support(project: &'p Project<'p>, template: &'p TemplateName) -> Self {
        let template = Some(template);
        Self { project, suite: None, axes: None, model: None, hardware: None, batch_size: None, template }
    }

    /// The formatter for its output.
    #[must_use]
    pub fn formatter(&self) -> Option<&'p [String]> {
        self.suite.and_then(|suite| suite.format.as_deref())
    }

    /// What its output is generated from, for a signature: ``skillset.py.tera for bert on cuda, batch size 4``.
    #[must_use]
    pub fn origin(&self) -> String {
        let template = self.template.map_or("", TemplateName::as_str);
        let Some(model) = self.model else { return format!("{template} for the tests beside it") };
        let model = model.name.as_str();
        // Called once an output, so it allocates once.
        let mut origin = String::with_capacity(template.len() + model.len() + 48);
        for word in [template, " for ", model] {
            origin.push_str(word);
        }
        if let Some(hardware) = self.hardware {
            origin.push_str(" on ");
            origin.push_str(hardware.name());
        }
        if let Some(size) = self.batch_size {
            origin.push_str(", batch size ");
            origin.push_str(&size.to_string());
        }
        origin
    }

    /// The names and values that are specific to this case, for recognising the same difference in two cases.
    #[must_use]
    pub fn telling_values(&self) -> Vec<(&'static str, String)> {
        const TELLING: [&str; 10] = [
            "model_name",
            "model_type",
            "normalized_name",
            "camel_case_name",
            "class_name",
            "model_family",
            "primary_task",
            "hardware_type",
            "batch_size",
            "modality",
        ];
        let value = |name: &'static str| Some((name, self.builtin_value(vocabulary::entry(name)?.value)?.to_string()));
        TELLING.into_iter().filter_map(value).collect()
    }
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    items.map(Value::from).collect::<Vec<_>>().into()
}
