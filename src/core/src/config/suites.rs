//! Reads the suites, and checks that their names are unique.

use std::collections::HashMap;
use std::sync::Arc;

use toml::de::DeValue;

use super::keys::{self, Key};
use super::rules::shown;
use super::values::{Reader, Section, Value};
use super::{Selector, Spot, Suite, TemplateSource};

/// The value of `template` that takes templates from the template database.
const DATABASE: &str = "database";

/// The suites of a configuration; without the key `suite`, the built-in one.
pub(super) fn suites(reader: &mut Reader<'_>, top: Section<'_>) -> Vec<Arc<Suite>> {
    let Some(value) = top.value(&keys::SUITES) else { return vec![Arc::new(Suite::built_in())] };
    let Some(tables) = reader.elements(&keys::SUITES, value) else { return Vec::new() };
    let mut names = Vec::new();
    let mut suites = Vec::new();
    for table in tables {
        let Some(section) = reader.section(&keys::SUITES, keys::SUITE, table) else { continue };
        let name = reader.text(section, &keys::NAME);
        names.extend(name.clone());
        suites.extend(suite(reader, section, name).map(Arc::new));
    }
    check_names(reader, &names);
    suites
}

/// Reads one suite; `None` if a required key is missing. All keys are read first, so that their problems are reported
/// too.
fn suite(reader: &mut Reader<'_>, section: Section<'_>, name: Option<Spot<String>>) -> Option<Suite> {
    let template = template(reader, section);
    let models = models(reader, section);
    let output = reader.output_path(section, &keys::OUTPUT);
    let hardware = reader.hardware_types(section, &keys::HARDWARE);
    let batch_sizes = reader.counts(section, &keys::BATCH_SIZES);
    let format = reader.texts(section, &keys::FORMAT);
    let memory_gb = reader.number(section, &keys::SUITE_MEMORY_GB);
    let test_timeout_seconds = reader.count(section, &keys::TEST_TIMEOUT_SECONDS);
    let placeholders = reader.placeholders(section, &keys::SUITE_PLACEHOLDERS);
    Some(Suite {
        name: name?,
        template: template?,
        models: models?,
        output: output?,
        hardware: hardware.unwrap_or_else(|| Suite::DEFAULT_HARDWARE.to_vec()),
        batch_sizes: batch_sizes.unwrap_or_else(|| Suite::DEFAULT_BATCH_SIZES.to_vec()),
        format: format.map(|format| format.value),
        memory_gb,
        test_timeout_seconds: test_timeout_seconds.map(|seconds| seconds.value),
        placeholders,
    })
}

fn check_names(reader: &mut Reader<'_>, names: &[Spot<String>]) {
    let mut first_ranges = HashMap::with_capacity(names.len());
    for name in names {
        let first = *first_ranges.entry(&name.value).or_insert(name.range);
        if first != name.range {
            let message = format!("two suites have the name `{}`", shown(&name.value));
            reader.report_twice(first, name.range, message, "give each suite a name of its own");
        }
    }
}

fn template(reader: &mut Reader<'_>, section: Section<'_>) -> Option<TemplateSource> {
    let value = section.value(&keys::TEMPLATE)?;
    let range = reader.range(value);
    match value.get_ref() {
        DeValue::String(word) if word == DATABASE => Some(TemplateSource::Database(Some(range))),
        DeValue::String(name) => {
            reader.filled(&keys::TEMPLATE, name, range).map(|name| TemplateSource::Files(vec![name]))
        }
        DeValue::Array(_) => template_list(reader, &keys::TEMPLATE, value).map(TemplateSource::Files),
        _ => {
            reader.report_type(&keys::TEMPLATE, value);
            None
        }
    }
}

fn template_list(reader: &mut Reader<'_>, key: &Key, value: &Value<'_>) -> Option<Vec<Spot<String>>> {
    let elements = reader.elements(key, value)?;
    let names: Vec<_> = elements.iter().filter_map(|element| reader.element_text(key, element)).collect();
    for word in names.iter().filter(|name| name.value == DATABASE) {
        let help = "write `template = \"database\"`, or `./database` for a file of that name";
        reader.report(word.range, "`database` stands alone, not in a list", help);
    }
    Some(names)
}

fn models(reader: &mut Reader<'_>, section: Section<'_>) -> Option<Vec<Spot<Selector>>> {
    let value = section.value(&keys::MODELS)?;
    match value.get_ref() {
        DeValue::Array(_) => {
            let elements = reader.elements(&keys::MODELS, value)?;
            Some(elements.iter().filter_map(|element| selector(reader, element)).collect())
        }
        _ => selector(reader, value).map(|selector| vec![selector]),
    }
}

fn selector(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Spot<Selector>> {
    let range = reader.range(value);
    let selector = match value.get_ref() {
        DeValue::String(word) => Selector::from_word(&reader.glob(&keys::MODELS, word, range)?),
        DeValue::Table(_) => {
            let section = reader.section(&keys::MODELS, keys::SELECTOR, value)?;
            selector_table(reader, section)?
        }
        _ => {
            reader.report_type(&keys::MODELS, value);
            return None;
        }
    };
    Some(Spot::new(selector, range))
}

fn selector_table(reader: &mut Reader<'_>, section: Section<'_>) -> Option<Selector> {
    let family = reader.text(section, &keys::SELECT_FAMILY);
    let task = reader.text(section, &keys::SELECT_TASK);
    match (family, task) {
        (Some(family), None) => Some(Selector::Family(family.value)),
        (None, Some(task)) => Some(Selector::Task(task.value)),
        (Some(_), Some(_)) => {
            let help =
                "a list selects the models of each of its parts: `[{ family = \"vision\" }, { task = \"...\" }]`";
            reader.report(section.range, "a selection has `family` or `task`, not both", help);
            None
        }
        (None, None) if section.table.is_empty() => {
            reader.report(section.range, "a selection of models is empty", "write it like `{ family = \"vision\" }`");
            None
        }
        (None, None) => None,
    }
}
