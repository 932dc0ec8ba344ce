//! JSON with places: reads the pipeline map's files so that a problem has an exact line and column, and writes them so
//! that diffs are readable.
//!
//! It knows shapes (object, list, string), not their meaning.

use std::collections::HashMap;

use camino::Utf8Path;
use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::base::problem::{Code, Problem, Related};
use crate::base::text::{LineIndex, Range};
use crate::python::lower_first;

/// The name and the expected shape of a file, for messages.
pub(super) struct Shape {
    /// Such as `the pipeline map`.
    pub(super) subject: &'static str,
    /// An example of a small file.
    pub(super) example: &'static str,
}

/// One property of an object.
pub(super) struct Entry<'text> {
    pub(super) key: &'text str,
    /// The place of the key.
    pub(super) range: Range,
    pub(super) value: &'text Value<'text>,
}

/// Parses a text whose root must be an object, and reads it with `visit`; any other root is a problem and gives the
/// default.
pub(super) fn read<T: Default>(
    path: &Utf8Path,
    text: &str,
    shape: &Shape,
    visit: impl FnOnce(&mut Reader<'_>, &Object<'_>) -> T,
) -> (T, Vec<Problem>) {
    let mut reader = Reader { path, shape, index: LineIndex::new(text), problems: Vec::new() };
    let value = match &parse_to_ast(text, &CollectOptions::default(), &strict()) {
        Ok(parsed) => reader.root(parsed.value.as_ref()).map(|object| visit(&mut reader, object)),
        Err(error) => {
            reader.syntax_error(error);
            None
        }
    };
    (value.unwrap_or_default(), reader.problems)
}

/// Collects the problems of a text while it is read.
pub(super) struct Reader<'a> {
    path: &'a Utf8Path,
    shape: &'a Shape,
    index: LineIndex,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The properties of an object; a repeated key is a problem, and its first value counts.
    pub(super) fn entries<'text>(&mut self, object: &'text Object<'text>) -> Vec<Entry<'text>> {
        let mut entries: Vec<Entry<'text>> = Vec::with_capacity(object.properties.len());
        let mut places = HashMap::new();
        for property in &object.properties {
            let (key, range) = (property.name.as_str(), self.range(&property.name));
            match places.insert(key, range) {
                None => entries.push(Entry { key, range, value: &property.value }),
                Some(earlier) => self.repeated_key(property, earlier),
            }
        }
        entries
    }

    /// The value as an object; anything else is a problem.
    pub(super) fn object<'text>(&mut self, value: &'text Value<'text>, subject: &str) -> Option<&'text Object<'text>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong_kind(value, subject, "an object");
        }
        object
    }

    /// The value as a list; anything else is a problem.
    pub(super) fn list<'text>(&mut self, value: &'text Value<'text>, subject: &str) -> Option<&'text Array<'text>> {
        let list = value.as_array();
        if list.is_none() {
            self.wrong_kind(value, subject, "a list");
        }
        list
    }

    /// The value as a string; anything else is a problem.
    pub(super) fn string<'text>(&mut self, value: &'text Value<'text>, subject: &str) -> Option<&'text str> {
        let string = value.as_string_lit();
        if string.is_none() {
            self.wrong_kind(value, subject, "a string");
        }
        string.map(|string| string.value.as_ref())
    }

    /// Reports something odd but unambiguous as a warning.
    pub(super) fn warn(&mut self, place: &impl Ranged, message: String, help: &str) {
        let range = self.range(place);
        self.problems.push(Problem::warning(Code::InvalidPipelineMap, message).in_file(self.path).at(range).help(help));
    }

    /// Reports a wrong value or key as an error.
    pub(super) fn reject(&mut self, range: Range, message: String) {
        let Shape { subject, example } = self.shape;
        self.problems.push(
            Problem::error(Code::InvalidPipelineMap, message)
                .in_file(self.path)
                .at(range)
                .help(format!("{subject} looks like `{example}`")),
        );
    }

    fn root<'text>(&mut self, value: Option<&'text Value<'text>>) -> Option<&'text Object<'text>> {
        let subject = self.shape.subject;
        let Some(value) = value else {
            self.reject(Range::default(), format!("{subject} is empty"));
            return None;
        };
        self.object(value, subject)
    }

    fn syntax_error(&mut self, error: &ParseError) {
        let message = lower_first(&error.kind().to_string());
        self.reject(self.range(&error.range()), format!("{} is not valid JSON: {message}", self.shape.subject));
    }

    fn repeated_key(&mut self, property: &ObjectProp<'_>, earlier: Range) {
        let message = format!("`{}` stands twice in {}", property.name.as_str(), self.shape.subject);
        let related =
            Related { path: self.path.to_owned(), range: Some(earlier), message: "it stands here too".into() };
        self.problems.push(
            Problem::error(Code::InvalidPipelineMap, message)
                .in_file(self.path)
                .at(self.range(&property.name))
                .help("merge the two and remove one")
                .related(related),
        );
    }

    fn wrong_kind(&mut self, value: &Value<'_>, subject: &str, expected: &str) {
        self.reject(self.range(value), format!("{subject} must be {expected}, not {}", kind_of(value)));
    }

    fn range(&self, place: &impl Ranged) -> Range {
        let range = place.range();
        self.index.range(range.start..range.end)
    }
}

/// Plain JSON without extensions: other tools read these files too.
fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn kind_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}

/// An object with one property a line, each line indented by `indent`; the values are JSON already.
pub(super) fn object<'a>(properties: impl IntoIterator<Item = (&'a str, String)>, indent: &str) -> String {
    let lines: Vec<String> =
        properties.into_iter().map(|(key, value)| format!("{indent}  {}: {value}", string(key))).collect();
    if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n{indent}}}", lines.join(",\n")) }
}

/// An object of strings on one line.
pub(super) fn inline_object<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let properties: Vec<String> =
        properties.into_iter().map(|(key, value)| format!("{}: {}", string(key), string(value))).collect();
    format!("{{{}}}", properties.join(", "))
}

/// A list of strings on one line.
pub(super) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
