//! The `tgen.toml` that `cargo tgen init` writes: short, and valid as written.
//!
//! This module does not look for the project's files; the caller passes what it found.

use camino::{Utf8Path, Utf8PathBuf};

use super::Suite;

/// What the caller found in the project. Everything that it did not find becomes a comment to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The JSON schema's path or address, for editors.
    pub schema: Option<String>,
    /// The project's pipeline map.
    pub pipeline_map: Option<Utf8PathBuf>,
    /// The folder of reference implementations.
    pub skillset: Option<Utf8PathBuf>,
    /// The folder of the project's templates.
    pub templates: Option<Utf8PathBuf>,
}

/// The text of the new `tgen.toml`.
#[must_use]
pub fn tgen_toml(options: &Options) -> String {
    let schema = options.schema.as_ref().map_or_else(String::new, |schema| format!("#:schema {schema}\n\n"));
    let pipeline_map =
        path_line("pipeline-map", options.pipeline_map.as_deref(), "huggingface_model_pipeline_map.json");
    let skillset = path_line("skillset", options.skillset.as_deref(), "skillset");
    let templates = path_line("templates", options.templates.as_deref(), "templates");
    let suite = suite(options);
    format!(
        r#"{schema}# `cargo tgen generate` writes the files that this one describes; `cargo tgen check` fails when they differ.
# Paths are relative to the folder of this file.

# The tasks of each model type, as `cargo tgen map sync` writes them; without it, the built-in map.
{pipeline_map}
# The folder of reference implementations, hf_<name>.py, that the tests must agree with.
{skillset}
# The folder of your own templates, laid over the built-in ones.
{templates}

# Placeholders of your own, for every template.
#[placeholders]
#organisation = "acme"

# Facts about a model, which take precedence over what is derived from its name and the pipeline map.
#[models."bert-base-uncased"]
#family = "text_embedding"

{suite}"#
    )
}

fn path_line(key: &str, path: Option<&Utf8Path>, example: &str) -> String {
    match path {
        Some(path) => format!("{key} = {}", quoted(path.as_str())),
        None => format!("#{key} = {}", quoted(example)),
    }
}

fn suite(options: &Options) -> String {
    let models = if options.skillset.is_some() { "skillset" } else { "sample" };
    let hardware = Suite::DEFAULT_HARDWARE.iter().map(|hardware| hardware.name());
    format!(
        r#"[[suite]]
name = "skillset"
# The first of these templates that exists is taken, for each model.
template = {templates}
# "all", "sample", "skillset", names, globs, {{ family = "vision" }}, {{ task = "fill-mask" }}, or a list of these.
models = {models}
output = {output}
hardware = {hardware}
# A formatter, run once over all rendered files before they are compared.
#format = ["ruff", "format"]
"#,
        templates = list(Suite::BUILT_IN_TEMPLATES.iter().copied()),
        models = quoted(models),
        output = quoted(Suite::BUILT_IN_OUTPUT),
        hardware = list(hardware),
    )
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(quoted).collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Origin, Selector, read};

    fn read_text(text: &str) -> Config {
        read(text, Utf8Path::new("tgen.toml"), Origin::TgenToml).unwrap()
    }

    /// The text with its commented-out keys enabled: those have no space after the `#`.
    fn uncommented(text: &str) -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with([' ', ':']) => key,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_file_says_what_applies_without_it() {
        let suite = &read_text(&tgen_toml(&Options::default())).suites[0];
        let built_in = Suite::built_in();
        assert_eq!(suite.name.value, built_in.name.value);
        assert_eq!(suite.output.value, built_in.output.value);
        assert_eq!(suite.models[0].value, built_in.models[0].value);
        assert_eq!(suite.hardware, built_in.hardware);
    }

    #[test]
    fn its_commented_keys_are_right_too() {
        let config = read_text(&uncommented(&tgen_toml(&Options::default())));
        assert_eq!(config.templates.unwrap().value, "templates");
        assert!(config.placeholders.contains_key("organisation"));
        assert!(config.models.contains_key("bert-base-uncased"));
        assert!(config.suites[0].format.is_some());
    }

    #[test]
    fn what_the_project_has_is_filled_in() {
        let options = Options {
            schema: Some("schema/tgen.schema.json".to_owned()),
            pipeline_map: Some("map.json".into()),
            skillset: Some("a \"b\"".into()),
            templates: Some("templates".into()),
        };
        let text = tgen_toml(&options);
        let config = read_text(&text);
        assert!(text.starts_with("#:schema schema/tgen.schema.json\n"));
        assert_eq!(config.pipeline_map.unwrap().value, "map.json");
        assert_eq!(config.skillset.unwrap().value, "a \"b\"");
        assert_eq!(config.suites[0].models[0].value, Selector::Skillset);
    }
}
