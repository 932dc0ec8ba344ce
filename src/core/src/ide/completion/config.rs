//! Completion in the configuration and in the pipeline map. Both are read line by line, so it works while they are not
//! valid.

use camino::Utf8Path;

use super::{Completion, CompletionKind, Format};
use crate::base::text::LineIndex;
use crate::config::keys::{self, Key, Kind, Omitted};
use crate::ide::{TextEdit, View};
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::pipeline_map::PipelineMap;
use crate::template::syntax::tree::Span;
use crate::template::vocabulary::VOCABULARY;

/// The completions at a byte offset of the configuration or the pipeline map; empty for other files. `text` is the
/// content of the file, because the project is an older one while the text is not valid.
#[must_use]
pub fn in_configuration(view: &View<'_>, path: &Utf8Path, text: &str, offset: usize) -> Vec<Completion> {
    let config = &view.project.config;
    let file = File { view, text, lines: LineIndex::new(text), offset: text.floor_char_boundary(offset) };
    if config.path.as_deref() == Some(path) {
        file.in_config()
    } else if config.pipeline_map.as_ref().is_some_and(|map| map.value == path) {
        file.in_map()
    } else {
        Vec::new()
    }
}

struct File<'f, 'v> {
    view: &'f View<'v>,
    text: &'f str,
    lines: LineIndex,
    offset: usize,
}

/// The part of the configuration that a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Keys(&'static [Key]),
    Placeholders,
}

impl File<'_, '_> {
    fn item(&self, label: &str, kind: CompletionKind, replaced: &Span) -> Completion {
        let edit = TextEdit { range: self.lines.range(replaced.clone()), text: label.to_owned() };
        Completion { label: label.to_owned(), kind, detail: None, documentation: None, edit, format: Format::Plain }
    }

    /// The line up to the cursor.
    fn line_before(&self) -> &str {
        let start = self.text[..self.offset].rfind('\n').map_or(0, |found| found + 1);
        &self.text[start..self.offset]
    }

    fn in_config(&self) -> Vec<Completion> {
        let line = self.line_before();
        if line.trim_start().starts_with('[') && !line.contains(['=', ']']) {
            return self.headers();
        }
        let section = self.section();
        match (self.key_of_value(), section) {
            (Some(key), Section::Keys(keys)) => match keys::find(keys, key) {
                Some(key) => self.values(key),
                None => Vec::new(),
            },
            (None, Section::Keys(keys)) => self.keys(keys),
            (_, Section::Placeholders) => Vec::new(),
        }
    }

    /// The header above the cursor.
    fn section(&self) -> Section {
        let above = &self.text[..self.offset - self.line_before().len()];
        let headers = above.lines().rev().map(str::trim);
        let header = headers.filter(|line| line.starts_with('[')).find(|line| !line.contains(['=', ',']));
        match header.map(|line| line.trim_matches(['[', ']'])) {
            None => Section::Keys(keys::TOP),
            Some("suite") => Section::Keys(keys::SUITE),
            Some(name) if name.ends_with("placeholders") => Section::Placeholders,
            Some(name) if name.starts_with("models.") => Section::Keys(keys::MODEL),
            Some(_) => Section::Keys(&[]),
        }
    }

    /// The key whose value contains the cursor; for a list, the key may be some lines above.
    fn key_of_value(&self) -> Option<&str> {
        let before = &self.text[..self.offset];
        let line = self.line_before();
        if let Some((key, _)) = line.split_once('=') {
            return Some(key.trim());
        }
        let opening = before.rfind('[')?;
        let start = before[..opening].rfind('\n').map_or(0, |found| found + 1);
        let is_open = !before[opening..].contains(']');
        let (key, _) = before[start..].split_once('=').filter(|_| is_open)?;
        Some(key.trim())
    }

    fn headers(&self) -> Vec<Completion> {
        let line = self.line_before();
        let start = self.offset - line.trim_start().len();
        let rest = self.text[self.offset..].lines().next().unwrap_or_default();
        let replaced = start..self.offset + rest.len();
        let header = |label: &str, doc: &str| {
            let item = self.item(label, CompletionKind::Key, &replaced).documentation(doc);
            if label.contains("NAME") { item.snippet(label.replace("NAME", "${1:name}")) } else { item }
        };
        vec![
            header("[[suite]]", keys::SUITES.doc),
            header("[placeholders]", keys::PROJECT_PLACEHOLDERS.doc),
            header("[models.\"NAME\"]", keys::MODEL_FACTS.doc),
        ]
    }

    /// The keys that the section does not have yet.
    fn keys(&self, keys: &'static [Key]) -> Vec<Completion> {
        let replaced = self.word();
        let own = self.section_text();
        let is_there = |key: &&Key| {
            own.lines().any(|line| line.split_once('=').is_some_and(|(before, _)| before.trim() == key.name))
        };
        let has_value = self.text[replaced.end..].lines().next().is_some_and(|rest| rest.trim_start().starts_with('='));
        let item = |key: &Key| {
            let detail = match key.omitted {
                Omitted::IsAProblem => "must be there".to_owned(),
                Omitted::IsTheValue(value) => format!("default {value}"),
                Omitted::Means(what) => format!("without it: {what}"),
            };
            let item = self.item(key.name, CompletionKind::Key, &replaced).detail(detail).documentation(key.doc);
            if has_value { item } else { item.text(format!("{} = ", key.name)) }
        };
        let is_inline = |key: &&Key| !matches!(key.kind, Kind::Tables(_) | Kind::ModelTables(_));
        keys.iter().filter(is_inline).filter(|key| !is_there(key)).map(item).collect()
    }

    /// The text from the header above the cursor to the next one.
    fn section_text(&self) -> &str {
        let is_header = |at: &usize| *at == 0 || self.text[..*at].ends_with('\n');
        let starts = || self.text.match_indices('[').map(|(at, _)| at).filter(is_header);
        let start = starts().take_while(|at| *at < self.offset).last().unwrap_or(0);
        let end = starts().find(|at| *at > self.offset).unwrap_or(self.text.len());
        &self.text[start..end]
    }

    fn values(&self, key: &Key) -> Vec<Completion> {
        let project = self.view.project;
        if self.is_in_pattern(key) {
            let names = VOCABULARY.iter().map(|entry| (entry.name, entry.description));
            return names
                .map(|(name, doc)| self.item(name, CompletionKind::Placeholder, &self.word()).documentation(doc))
                .collect();
        }
        let words: Vec<String> = match (key.kind, key.name) {
            (Kind::HardwareTypes, _) => HardwareType::ALL.iter().map(|hardware| hardware.name().to_owned()).collect(),
            (Kind::Templates, _) => {
                project.library.names().map(ToString::to_string).chain(["database".to_owned()]).collect()
            }
            (Kind::Models, _) => {
                let words = ["all", "sample", "skillset"].map(str::to_owned).into_iter();
                words.chain(project.catalogue.model_types().map(str::to_owned)).collect()
            }
            (_, "family") => Family::KNOWN.iter().map(|family| family.name().to_owned()).collect(),
            (_, "model-type") => project.catalogue.model_types().map(str::to_owned).collect(),
            (_, "tasks") => project.catalogue.tasks().into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        self.strings(words.iter().map(String::as_str))
    }

    /// Whether the cursor is in the braces of a path pattern.
    fn is_in_pattern(&self, key: &Key) -> bool {
        let line = self.line_before();
        matches!(key.kind, Kind::OutputPath | Kind::Templates)
            && line.rfind("{{").is_some_and(|open| !line[open..].contains("}}"))
    }

    /// Completions for strings: with quotes, unless the cursor is in quotes already.
    fn strings<'s>(&self, words: impl Iterator<Item = &'s str>) -> Vec<Completion> {
        let quoted = self.quoted();
        let replaced = quoted.clone().unwrap_or_else(|| self.word());
        let item = |word: &str| {
            let item = self.item(word, CompletionKind::Value, &replaced);
            if quoted.is_some() { item } else { item.text(format!("\"{word}\"")) }
        };
        words.map(item).collect()
    }

    /// The content of the string around the cursor.
    fn quoted(&self) -> Option<Span> {
        let line = self.line_before();
        let is_open = line.matches('"').count() % 2 == 1;
        let start = self.offset - line.len() + line.rfind('"').filter(|_| is_open)? + 1;
        let rest = self.text[self.offset..].lines().next().unwrap_or_default();
        Some(start..self.offset + rest.find('"').unwrap_or(0))
    }

    /// The letters, digits, `_` and `-` around the cursor.
    fn word(&self) -> Span {
        let is_part = |char: char| char == '_' || char == '-' || char.is_ascii_alphanumeric();
        let start = self.text[..self.offset].trim_end_matches(is_part).len();
        let rest = &self.text[self.offset..];
        start..self.offset + (rest.len() - rest.trim_start_matches(is_part).len())
    }

    /// Model types for keys, tasks in lists.
    fn in_map(&self) -> Vec<Completion> {
        let before = &self.text[..self.offset];
        let is_in_list = before.rfind('[') > before.rfind(']');
        if is_in_list {
            let tasks = self.view.project.pipeline_map.task_names().into_iter();
            let all: std::collections::BTreeSet<&str> = tasks.chain(PipelineMap::built_in().task_names()).collect();
            return self.strings(all.into_iter());
        }
        let known = &self.view.project.pipeline_map;
        let missing = PipelineMap::built_in().model_types().filter(|name| known.tasks(name).is_none());
        self.strings(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::in_configuration;
    use crate::ide::fixture::with_cursor;

    const SUITE: &str =
        "[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\nmodels = \"all\"\noutput = \"out/{{ model_name }}.py\"\n";

    /// The first labels offered at `$0` in a file, and its line after accepting the first of them.
    fn offered(path: &str, text: &str) -> (String, String) {
        let offset = text.find("$0").unwrap();
        let text = text.replacen("$0", "", 1);
        with_cursor("{{ model_name }}", |view, _, _| {
            let items = in_configuration(view, path.into(), &text, offset);
            let labels: Vec<_> = items.iter().map(|item| item.label.as_str()).take(9).collect();
            let first = items.first().map_or_else(String::new, |item| {
                let line = text.lines().nth(item.edit.range.start.line as usize).unwrap_or_default();
                let (start, end) = (item.edit.range.start.column as usize, item.edit.range.end.column as usize);
                format!("{}{}{}", &line[..start], item.edit.text, &line[end..])
            });
            (labels.join(" "), first)
        })
    }

    #[track_caller]
    fn check(text: &str, labels: &str, line: &str) {
        assert_eq!(offered("tgen.toml", text), (labels.to_owned(), line.to_owned()));
    }

    #[test]
    fn the_keys_of_a_section_are_those_it_does_not_have_yet() {
        let keys = "hardware batch-sizes format memory-gb test-timeout-seconds placeholders";
        check(&format!("templates = \"t\"\n{SUITE}$0\n"), keys, "hardware = ");
        check(
            &format!("$0\ntemplates = \"t\"\n{SUITE}"),
            "required-version pipeline-map skillset template-db placeholders",
            "required-version = ",
        );
        check("[models.\"bert\"]\nfam$0 = \"x\"\n", "family model-type tasks memory-gb placeholders", "family = \"x\"");
        check("[placeholders]\n$0\n", "", "");
        check("[$0\n", "[[suite]] [placeholders] [models.\"NAME\"]", "[[suite]]");
    }

    #[test]
    fn values_are_those_of_their_key() {
        let hardware = "cpu cuda rocm openvino mps qualcomm";
        check("[[suite]]\nhardware = [\"cpu\", \"$0\"]\n", hardware, "hardware = [\"cpu\", \"cpu\"]");
        check("[[suite]]\nhardware = [\n  \"cpu\",\n  $0\n]\n", hardware, "  \"cpu\"");
        check("[[suite]]\nmodels = \"v$0\"\n", "all sample skillset bert llava vit whisper", "models = \"all\"");
        check("[[suite]]\ntemplate = $0\n", "t.py.tera database", "template = \"t.py.tera\"");
        check("[models.\"x\"]\nmodel-type = \"$0\"\n", "bert llava vit whisper", "model-type = \"bert\"");
        check(
            "[[suite]]\noutput = \"out/{{ mod$0 }}.py\"\n",
            "model_name model_type normalized_name camel_case_name class_name model_family modality tasks primary_task",
            "output = \"out/{{ model_name }}.py\"",
        );
    }

    #[test]
    fn the_pipeline_map_knows_model_types_and_tasks() {
        let (labels, line) = offered("map.json", "{\"bert\": [\"fill-$0\"]}\n");
        assert!(labels.starts_with("any-to-any audio-classification"), "{labels}");
        assert!(line.starts_with("{\"bert\": [\"any-to-any\"]"), "{line}");
        let (labels, _) = offered("map.json", "{\"bert\": [\"fill-mask\"], \"al$0\": []}\n");
        assert!(labels.contains("albert") && !labels.split(' ').any(|label| label == "bert"), "{labels}");
    }
}
