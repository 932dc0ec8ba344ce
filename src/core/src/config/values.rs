//! Reads typed values from TOML, with their places. A value of the wrong type becomes a problem, and reading continues.
//!
//! This module follows the table of keys; it must not know what the configuration as a whole means.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::{self, Key, Kind, Omitted};
use super::rules::{self, Fault, shown};
use super::{Literal, Placeholders, Spot};
use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest;
use crate::base::text::{LineIndex, Range};
use crate::model::hardware::HardwareType;

/// A TOML value with its span.
pub(super) type Value<'toml> = Spanned<DeValue<'toml>>;

/// A table of the file, with the keys that are allowed in it.
#[derive(Clone, Copy)]
pub(super) struct Section<'toml> {
    /// The allowed keys.
    pub(super) keys: &'static [Key],
    /// The parsed table.
    pub(super) table: &'toml DeTable<'toml>,
    /// The place of its header, or of the whole table if it is inline.
    pub(super) range: Range,
}

impl<'toml> Section<'toml> {
    /// The value of a key, if present.
    pub(super) fn value(&self, key: &Key) -> Option<&'toml Value<'toml>> {
        self.table.get(key.name)
    }
}

/// Reads the values of one file and collects its problems.
pub(super) struct Reader<'file> {
    path: &'file Utf8Path,
    lines: LineIndex,
    /// The prefix of a table's header: `workspace.metadata.tgen.` in a `Cargo.toml`.
    header_prefix: String,
    problems: Vec<Problem>,
}

impl<'file> Reader<'file> {
    /// A reader of `text`, in which the configuration is the table at the path `table`.
    pub(super) fn new(text: &str, path: &'file Utf8Path, table: &[&str]) -> Self {
        let header_prefix: Vec<String> = table.iter().map(|key| format!("{key}.")).collect();
        let header_prefix = header_prefix.concat();
        Self { path, lines: LineIndex::new(text), header_prefix, problems: Vec::new() }
    }

    /// The problems, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.range);
        self.problems
    }

    pub(super) fn range<T>(&self, spanned: &Spanned<T>) -> Range {
        self.lines.range(spanned.span())
    }

    /// Reports a problem at a place of this file.
    pub(super) fn report(
        &mut self,
        range: impl Into<Option<Range>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(self.error(range, message).help(help));
    }

    /// Reports a duplicate value.
    pub(super) fn report_twice(&mut self, first: Option<Range>, second: Option<Range>, message: String, help: &str) {
        let first = Related { path: self.path.to_owned(), range: first, message: "the first one is here".to_owned() };
        self.problems.push(self.error(second, message).help(help).related(first));
    }

    /// Reports an invalid string; an output path has a problem code of its own.
    fn report_fault(&mut self, range: impl Into<Option<Range>>, code: Code, fault: Fault) {
        let problem = Problem::error(code, fault.message).in_file(self.path).help(fault.help);
        self.problems.push(Problem { range: range.into(), ..problem });
    }

    /// Reports that the file is not TOML.
    pub(super) fn report_syntax(&mut self, error: &toml::de::Error) {
        let range = self.lines.range(error.span().unwrap_or_default());
        self.report(range, error.message(), syntax_help(error.message()));
    }

    /// Reports a merge that is not finished, at the bytes of git's first marker.
    pub(super) fn report_conflict(&mut self, marker: std::ops::Range<usize>) {
        let range = self.lines.range(marker);
        self.report(
            range,
            "the configuration has git's conflict markers",
            "merge the two sides, and delete the markers",
        );
    }

    /// Reports that a value is not of its key's type.
    pub(super) fn report_type(&mut self, key: &Key, value: &Value<'_>) {
        let message = format!("`{}` is {}, not {}", key.name, key.kind.phrase(), type_name(value.get_ref()));
        let help = self.example_help(key);
        self.report(self.range(value), message, help);
    }

    fn report_element_type(&mut self, key: &Key, element: &Value<'_>) {
        let message = format!("`{}` is {}, but this is {}", key.name, key.kind.phrase(), type_name(element.get_ref()));
        let help = self.example_help(key);
        self.report(self.range(element), message, help);
    }

    fn example_help(&self, key: &Key) -> String {
        match key.kind {
            Kind::Tables(_) => format!("write each table below a header `[[{}{}]]`", self.header_prefix, key.name),
            Kind::ModelTables(_) => {
                format!("write each table below a header `[{}{}.\"model name\"]`", self.header_prefix, key.name)
            }
            _ => format!("write it like `{} = {}`", key.name, key.example),
        }
    }

    pub(super) fn error(&self, range: impl Into<Option<Range>>, message: impl Into<String>) -> Problem {
        Problem { range: range.into(), ..Problem::error(Code::InvalidConfig, message).in_file(self.path) }
    }
}

/// Sections and their keys.
impl Reader<'_> {
    /// The value as a section; anything but a table is a problem.
    pub(super) fn section<'toml>(
        &mut self,
        key: &Key,
        keys: &'static [Key],
        value: &'toml Value<'toml>,
    ) -> Option<Section<'toml>> {
        let DeValue::Table(table) = value.get_ref() else {
            self.report_element_type(key, value);
            return None;
        };
        let section = Section { keys, table, range: self.range(value) };
        self.check_keys(section);
        Some(section)
    }

    /// Reports unknown keys and missing required keys.
    pub(super) fn check_keys(&mut self, section: Section<'_>) {
        for key in section.table.keys().filter(|key| keys::find(section.keys, key.get_ref()).is_none()) {
            let message = format!("unknown key `{}`", shown(key.get_ref()));
            let help = self.unknown_key_help(section.keys, key.get_ref());
            self.report(self.range(key), message, help);
        }
        let is_missing = |key: &&Key| key.omitted == Omitted::IsAProblem && section.value(key).is_none();
        for key in section.keys.iter().filter(is_missing) {
            let help = format!("add it, for example `{} = {}`", key.name, key.example);
            self.report(section.range, format!("`{}` is missing", key.name), help);
        }
    }

    /// The help for an unknown key: the closest known key, the table where the key belongs, or the allowed keys.
    fn unknown_key_help(&self, keys: &'static [Key], name: &str) -> String {
        let names = keys.iter().map(|key| key.name);
        let is_block = keys != keys::SELECTOR;
        let home = if is_block && suggest::closest(name, names.clone()).is_none() { self.home(name) } else { None };
        home.or_else(|| suggest::did_you_mean(name, names)).unwrap_or_default()
    }

    /// The description of the table where a key of that name belongs.
    fn home(&self, name: &str) -> Option<String> {
        let prefix = &self.header_prefix;
        let top = match prefix.strip_suffix('.') {
            Some(header) => format!("directly below the header `[{header}]`"),
            None => "above the first header".to_owned(),
        };
        let homes = [
            (keys::TOP, top),
            (keys::SUITE, format!("below a header `[[{prefix}suite]]`")),
            (keys::MODEL, format!("below a header `[{prefix}models.\"model name\"]`")),
        ];
        let (_, place) = homes.into_iter().find(|(keys, _)| keys::find(keys, name).is_some())?;
        Some(format!("`{name}` belongs {place}"))
    }
}

/// Single values.
impl Reader<'_> {
    /// A string that is not empty.
    pub(super) fn text(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<String>> {
        let value = section.value(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return self.filled(key, text, self.range(value));
        }
        self.report_type(key, value);
        None
    }

    /// A path, exactly as written.
    pub(super) fn path(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<Utf8PathBuf>> {
        self.text(section, key).map(|text| Spot::new(Utf8PathBuf::from(text.value), text.range))
    }

    /// The pattern of an output's path.
    pub(super) fn output_path(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<String>> {
        let pattern = self.text(section, key)?;
        match rules::output_fault(&pattern.value) {
            None => Some(pattern),
            Some(fault) => {
                self.report_fault(pattern.range, Code::InvalidOutputPath, fault);
                None
            }
        }
    }

    /// A number above zero, integer or not.
    pub(super) fn number(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<f64>> {
        let value = section.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => integer(digits).map(|number| number.to_string()),
            DeValue::Float(digits) => Some(digits.as_str().to_owned()),
            _ => {
                self.report_type(key, value);
                return None;
            }
        };
        let number = number.and_then(|digits| digits.parse().ok()).filter(|number: &f64| number.is_finite());
        self.in_bounds(key, value, number.filter(|number| *number > 0.0), "a number above 0")
    }

    /// An integer of at least 1.
    pub(super) fn count(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<u32>> {
        let value = section.value(key)?;
        if let DeValue::Integer(digits) = value.get_ref() {
            return self.in_bounds(key, value, count(digits), COUNT_PHRASE);
        }
        self.report_type(key, value);
        None
    }

    fn in_bounds<T>(&mut self, key: &Key, value: &Value<'_>, read: Option<T>, phrase: &str) -> Option<Spot<T>> {
        let range = self.range(value);
        if read.is_none() {
            let help = self.example_help(key);
            self.report(range, format!("`{}` holds {phrase}", key.name), help);
        }
        read.map(|read| Spot::new(read, range))
    }

    /// The text unchanged; a blank one is a problem.
    pub(super) fn filled(&mut self, key: &Key, text: &str, range: Range) -> Option<Spot<String>> {
        if text.trim().is_empty() {
            let help = self.example_help(key);
            self.report(range, format!("`{}` holds an empty string", key.name), help);
            return None;
        }
        Some(Spot::new(text.to_owned(), range))
    }

    /// A model's name or a glob over names.
    pub(super) fn glob(&mut self, key: &Key, text: &str, range: Range) -> Option<String> {
        let text = self.filled(key, text, range)?;
        match rules::glob_fault(&text.value) {
            None => Some(text.value),
            Some(fault) => {
                self.report_fault(range, Code::InvalidConfig, fault);
                None
            }
        }
    }
}

/// Lists.
impl Reader<'_> {
    /// The elements of a list that is not empty.
    pub(super) fn elements<'toml>(&mut self, key: &Key, value: &'toml Value<'toml>) -> Option<&'toml [Value<'toml>]> {
        let DeValue::Array(elements) = value.get_ref() else {
            self.report_type(key, value);
            return None;
        };
        if elements.is_empty() {
            let help = format!("name at least one, or leave `{}` out", key.name);
            let help = if key.omitted == Omitted::IsAProblem { "name at least one".to_owned() } else { help };
            self.report(self.range(value), format!("`{}` is empty", key.name), help);
            return None;
        }
        Some(elements)
    }

    /// A list of strings that are not empty.
    pub(super) fn texts(&mut self, section: Section<'_>, key: &Key) -> Option<Spot<Vec<String>>> {
        let value = section.value(key)?;
        let elements = self.elements(key, value)?;
        let texts = elements.iter().filter_map(|element| self.element_text(key, element));
        let texts = texts.map(|text| text.value).collect();
        Some(Spot::new(texts, self.range(value)))
    }

    /// An element that is a string and not empty.
    pub(super) fn element_text(&mut self, key: &Key, element: &Value<'_>) -> Option<Spot<String>> {
        if let DeValue::String(text) = element.get_ref() {
            return self.filled(key, text, self.range(element));
        }
        self.report_element_type(key, element);
        None
    }

    /// A list of different integers of at least 1.
    pub(super) fn counts(&mut self, section: Section<'_>, key: &Key) -> Option<Vec<u32>> {
        let mut counts = Vec::new();
        for element in self.elements(key, section.value(key)?)? {
            let DeValue::Integer(digits) = element.get_ref() else {
                self.report_element_type(key, element);
                continue;
            };
            if let Some(count) = self.in_bounds(key, element, count(digits), COUNTS_PHRASE) {
                counts.push(Word { value: count.value, written: count.value.to_string(), range: count.range });
            }
        }
        Some(self.different(key, counts))
    }

    /// A list of different hardware types.
    pub(super) fn hardware_types(&mut self, section: Section<'_>, key: &Key) -> Option<Vec<HardwareType>> {
        let mut types = Vec::new();
        for element in self.elements(key, section.value(key)?)? {
            let Some(name) = self.element_text(key, element) else { continue };
            match HardwareType::from_name(&name.value) {
                Some(value) => types.push(Word { value, written: name.value, range: name.range }),
                None => self.report_hardware(&name),
            }
        }
        Some(self.different(key, types))
    }

    fn report_hardware(&mut self, name: &Spot<String>) {
        let names: Vec<_> = HardwareType::ALL.iter().map(|hardware| hardware.name()).chain(["apple"]).collect();
        let help = match HardwareType::meant_by(&name.value) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => suggest::did_you_mean(&name.value, names.iter().copied()).unwrap_or_default(),
        };
        self.report(name.range, format!("unknown hardware type `{}`", shown(&name.value)), help);
    }

    /// The values of a list without duplicates; each duplicate is a problem.
    fn different<T: Copy + Eq + Hash>(&mut self, key: &Key, words: Vec<Word<T>>) -> Vec<T> {
        let mut seen: HashMap<T, (String, Option<Range>)> = HashMap::with_capacity(words.len());
        let mut different = Vec::with_capacity(words.len());
        for Word { value, written, range } in words {
            let Some((first, first_range)) = seen.get(&value) else {
                seen.insert(value, (written, range));
                different.push(value);
                continue;
            };
            let message = if *first == written {
                format!("`{written}` stands twice in `{}`", key.name)
            } else {
                format!("`{written}` in `{}` is the same as `{first}`", key.name)
            };
            self.report_twice(*first_range, range, message, "remove one of the two");
        }
        different
    }
}

/// A value with its spelling and its place.
struct Word<T> {
    value: T,
    written: String,
    range: Option<Range>,
}

/// Placeholders.
impl Reader<'_> {
    /// A table of placeholders; without the key, an empty one.
    pub(super) fn placeholders(&mut self, section: Section<'_>, key: &Key) -> Placeholders {
        let Some(value) = section.value(key) else { return Placeholders::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.report_type(key, value);
            return Placeholders::new();
        };
        table.iter().filter_map(|(name, value)| self.placeholder(name, value)).collect()
    }

    fn placeholder(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Value<'_>,
    ) -> Option<(String, Spot<Literal>)> {
        if let Some(fault) = rules::placeholder_fault(name.get_ref()) {
            self.report_fault(self.range(name), Code::InvalidConfig, fault);
        }
        let literal = self.literal(value)?;
        Some((name.get_ref().to_string(), Spot::new(literal, self.range(value))))
    }

    fn literal(&mut self, value: &Value<'_>) -> Option<Literal> {
        match value.get_ref() {
            DeValue::String(text) => Some(Literal::String(text.to_string())),
            DeValue::Boolean(value) => Some(Literal::Boolean(*value)),
            DeValue::Integer(digits) => self.finite(value, integer(digits).map(Literal::Integer)),
            DeValue::Float(digits) => {
                let number = digits.as_str().parse().ok().filter(|number: &f64| number.is_finite());
                self.finite(value, number.map(Literal::Float))
            }
            DeValue::Array(items) => Some(Literal::List(items.iter().filter_map(|item| self.literal(item)).collect())),
            DeValue::Table(table) => Some(Literal::Map(self.literals(table))),
            DeValue::Datetime(_) => {
                self.report(self.range(value), "a placeholder cannot be a date", "write it as a string, in quotes");
                None
            }
        }
    }

    fn literals(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Literal> {
        let entries = table.iter();
        entries.filter_map(|(name, value)| Some((name.get_ref().to_string(), self.literal(value)?))).collect()
    }

    fn finite(&mut self, value: &Value<'_>, literal: Option<Literal>) -> Option<Literal> {
        if literal.is_none() {
            let help = "write a finite number that fits 64 bits, or a string in quotes";
            self.report(self.range(value), "a placeholder cannot be this number", help);
        }
        literal
    }
}

const COUNT_PHRASE: &str = "an integer from 1 to 4294967295";
const COUNTS_PHRASE: &str = "integers from 1 to 4294967295";

fn integer(digits: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(digits.as_str(), digits.radix()).ok()
}

fn count(digits: &DeInteger<'_>) -> Option<u32> {
    u32::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|count| *count > 0)
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn syntax_help(message: &str) -> &'static str {
    if message.starts_with("duplicate key") {
        "a key, and a table's header, stands once: remove one of the two"
    } else {
        "the file is TOML: see https://toml.io for its syntax"
    }
}
