//! The JSON schema of `tgen.toml`, for editors that complete and check TOML by schema.
//!
//! It is generated from the table of keys. It cannot express every rule (such as that suites' names are unique), but it
//! accepts whatever reading accepts.

use serde_json::{Map, Value, json};

use super::keys::{self, Key, Kind, Omitted};
use super::rules;
use crate::model::hardware::HardwareType;

/// The schema (draft 2020-12) of `tgen.toml`, as JSON text with a final newline.
#[must_use]
pub fn json_schema() -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("tgen.toml"));
    schema.insert("description".to_owned(), json!("The configuration of cargo-tgen."));
    schema.extend(table(keys::TOP));
    schema.insert("$defs".to_owned(), definitions());
    format!("{:#}\n", Value::Object(schema))
}

fn definitions() -> Value {
    let reserved: Vec<_> = rules::reserved_placeholders().collect();
    json!({
        "text": { "type": "string", "pattern": "\\S" },
        "texts": { "type": "array", "items": { "$ref": "#/$defs/text" }, "minItems": 1 },
        "selector": { "anyOf": [
            { "$ref": "#/$defs/text" },
            { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
              "properties": properties(keys::SELECTOR) },
        ] },
        "placeholders": {
            "type": "object",
            "propertyNames": { "pattern": rules::PLACEHOLDER_PATTERN, "not": { "enum": reserved } },
            "additionalProperties": { "$ref": "#/$defs/value" },
        },
        "value": { "anyOf": [
            { "type": ["string", "number", "boolean"] },
            { "type": "array", "items": { "$ref": "#/$defs/value" } },
            { "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } },
        ] },
    })
}

/// The schema of a table of these keys and no others.
fn table(keys: &'static [Key]) -> Map<String, Value> {
    let required: Vec<_> = keys.iter().filter(|key| key.omitted == Omitted::IsAProblem).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("properties".to_owned(), properties(keys));
    schema
}

fn properties(keys: &'static [Key]) -> Value {
    keys.iter().map(|key| (key.name.to_owned(), property(key))).collect::<Map<_, _>>().into()
}

/// The schema of a key's value, with the description and default that editors show.
fn property(key: &Key) -> Value {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(key.doc));
    schema.extend(kind(key.kind));
    if let Omitted::IsTheValue(default) = key.omitted {
        schema.insert("default".to_owned(), json_of(default));
    }
    schema.insert("examples".to_owned(), json!([json_of(key.example)]));
    schema.into()
}

fn kind(kind: Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Text | Kind::Path => json!({ "$ref": "#/$defs/text" }),
        Kind::OutputPath => json!({ "$ref": "#/$defs/text", "not": { "pattern": rules::BAD_OUTPUT_PATTERN } }),
        Kind::Number => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::Count => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        Kind::Texts => json!({ "$ref": "#/$defs/texts" }),
        Kind::Counts => json!({
            "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            "minItems": 1, "uniqueItems": true,
        }),
        Kind::HardwareTypes => json!({
            "type": "array", "items": { "enum": hardware_names() }, "minItems": 1, "uniqueItems": true,
        }),
        Kind::Templates => json!({ "anyOf": [{ "$ref": "#/$defs/text" }, { "$ref": "#/$defs/texts" }] }),
        Kind::Models => json!({ "anyOf": [
            { "$ref": "#/$defs/selector" },
            { "type": "array", "items": { "$ref": "#/$defs/selector" }, "minItems": 1 },
        ] }),
        Kind::Placeholders => json!({ "$ref": "#/$defs/placeholders" }),
        Kind::ModelTables(keys) => json!({ "type": "object", "additionalProperties": table(keys) }),
        Kind::Tables(keys) => json!({ "type": "array", "items": table(keys), "minItems": 1 }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// The names allowed in a list of hardware types.
fn hardware_names() -> Vec<&'static str> {
    HardwareType::ALL.iter().map(|hardware| hardware.name()).chain(["apple"]).collect()
}

/// A TOML value from the table of keys, as JSON.
fn json_of(value: &str) -> Value {
    let table: toml::Table = format!("value = {value}").parse().unwrap_or_default();
    table.get("value").and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::config::{Origin, init, read};

    const HOW_TO_RENEW: &str =
        "renew it: `cargo run -p tgen-core --example config -- schema > schema/tgen.schema.json`";

    fn is_valid(toml: &str) -> bool {
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        let value = serde_json::to_value(toml.parse::<toml::Table>().unwrap()).unwrap();
        jsonschema::draft202012::new(&schema).unwrap().is_valid(&value)
    }

    fn is_read(toml: &str) -> bool {
        read(toml, Utf8Path::new("tgen.toml"), Origin::TgenToml).is_ok()
    }

    fn suite_with(line: &str) -> String {
        let required = [("name", "'s'"), ("template", "'t'"), ("models", "'all'"), ("output", "'o'")];
        let given = line.split('=').next().unwrap_or_default().trim();
        let others = required.iter().filter(|(name, _)| *name != given);
        let others: Vec<String> = others.map(|(name, value)| format!("{name} = {value}\n")).collect();
        format!("[[suite]]\n{}{line}\n", others.concat())
    }

    #[test]
    fn the_committed_schema_is_current() {
        let committed = include_str!("../../../../schema/tgen.schema.json");
        assert!(committed.replace('\r', "") == json_schema(), "schema/tgen.schema.json is stale; {HOW_TO_RENEW}");
    }

    #[test]
    fn the_schema_is_a_schema() {
        let schema = serde_json::from_str(&json_schema()).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
    }

    #[test]
    fn every_default_and_example_of_the_table_is_toml() {
        for key in [keys::TOP, keys::MODEL, keys::SUITE, keys::SELECTOR].into_iter().flatten() {
            assert_ne!(json_of(key.example), Value::Null, "{}", key.name);
            if let Omitted::IsTheValue(default) = key.omitted {
                assert_ne!(json_of(default), Value::Null, "{}", key.name);
            }
        }
    }

    #[test]
    fn what_is_read_is_valid() {
        let tops = keys::TOP.iter().map(|key| format!("{} = {}", key.name, key.example));
        let suites = keys::SUITE.iter().map(|key| suite_with(&format!("{} = {}", key.name, key.example)));
        let models = keys::MODEL.iter().map(|key| format!("models.m.{} = {}", key.name, key.example));
        let more = [
            suite_with("template = 'database'"),
            suite_with("models = { task = 'fill-mask' }"),
            suite_with("hardware = ['apple', 'rocm']"),
            suite_with("memory-gb = 0.25"),
            "placeholders = { a = 1, b = [true, { c = 0.5 }], d = 'x' }".to_owned(),
            init::tgen_toml(&init::Options::default()),
            String::new(),
        ];
        for toml in tops.chain(suites).chain(models).chain(more) {
            assert!(is_read(&toml), "not read: {toml}");
            assert!(is_valid(&toml), "read, but not valid: {toml}");
        }
    }

    #[test]
    fn what_is_not_valid_is_not_read() {
        let suites = [
            "unknown = 1",
            "name = ''",
            "name = 1",
            "template = []",
            "template = ['']",
            "models = []",
            "models = {}",
            "models = { family = 'a', task = 'b' }",
            "models = { name = 'a' }",
            "output = '/a'",
            "output = '../a'",
            "output = 'a/'",
            "hardware = []",
            "hardware = ['tpu']",
            "hardware = ['cpu', 'cpu']",
            "hardware = 'cpu'",
            "batch-sizes = [0]",
            "batch-sizes = [1, 1]",
            "batch-sizes = [1.5]",
            "batch-sizes = [4294967296]",
            "format = []",
            "memory-gb = 0",
            "test-timeout-seconds = -1",
            "placeholders = { model_name = 'x' }",
        ];
        let others = [
            "sutie = 1",
            "suite = []",
            "[[suite]]",
            "[models]\nbert = 1",
            "[models.bert]\nfamly = 'x'",
            "[placeholders]\na-b = 1",
            "[placeholders]\nloop = 1",
            "pipeline-map = 1",
        ];
        for toml in suites.map(suite_with).into_iter().chain(others.map(str::to_owned)) {
            assert!(!is_valid(&toml), "valid: {toml}");
            assert!(!is_read(&toml), "not valid, but read: {toml}");
        }
    }
}
