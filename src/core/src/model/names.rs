//! Names of models, and the forms that they take in paths and in Python.
//!
//! A name is validated once, on construction; after that it is safe in a path and in source text. This module knows the
//! syntax of names, not which models exist.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::base::problem::{Code, Problem};

/// The longest name that the Hugging Face hub allows.
pub const MAX_LENGTH: usize = 96;

/// A model type (`bert`) or a checkpoint (`openai/whisper-tiny`); its characters are safe in every path and string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    name: String,
    normalized: String,
    camel_case: String,
    class: String,
}

impl ModelName {
    /// Validates a name by the rules of the Hugging Face hub.
    ///
    /// # Errors
    /// A [`Code::InvalidModelName`] that says what is wrong with the name and what is allowed.
    pub fn new(name: impl Into<String>) -> Result<Self, Problem> {
        let name = name.into();
        match flaw(&name) {
            None => Ok(Self {
                normalized: normalized_name(&name),
                camel_case: camel_case_name(&name),
                class: class_name(&name),
                name,
            }),
            Some(flaw) => {
                Err(Problem::error(Code::InvalidModelName, format!("`{}` {flaw}", shown(&name))).help(format!(
                    "use at most {MAX_LENGTH} letters, digits, `_`, `-` and `.`, and one `/` after an organisation"
                )))
            }
        }
    }

    /// The name as the user wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The organisation, if the name has one, and the repository.
    #[must_use]
    pub fn segments(&self) -> (Option<&str>, &str) {
        self.name
            .split_once('/')
            .map_or((None, self.as_str()), |(organisation, repository)| (Some(organisation), repository))
    }

    /// See [`normalized_name`].
    #[must_use]
    pub fn normalized_name(&self) -> &str {
        &self.normalized
    }

    /// See [`camel_case_name`].
    #[must_use]
    pub fn camel_case_name(&self) -> &str {
        &self.camel_case
    }

    /// See [`class_name`].
    #[must_use]
    pub fn class_name(&self) -> &str {
        &self.class
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Serialize for ModelName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

/// The name in lower case, with `_` for everything that is not a letter, a digit or `_`.
#[must_use]
pub fn normalized_name(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '_' }).collect()
}

/// The words of the name in camel case: `big_bird` becomes `BigBird`.
#[must_use]
pub fn camel_case_name(name: &str) -> String {
    name.split(|char: char| !char.is_ascii_alphanumeric()).map(capitalized).collect()
}

/// The class of the model's reference implementation or generated test: `hf_big_bird`.
#[must_use]
pub fn class_name(name: &str) -> String {
    format!("hf_{}", normalized_name(name))
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn flaw(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        return Some("is no model name, for it is empty".to_owned());
    }
    if length > MAX_LENGTH {
        return Some(format!("is {length} characters long, and a model name has at most {MAX_LENGTH}"));
    }
    if name.matches('/').count() > 1 {
        return Some("has more than one `/`".to_owned());
    }
    if name.contains("..") {
        return Some("has `..` in it, which no model name has".to_owned());
    }
    name.split('/').find_map(segment_flaw)
}

fn segment_flaw(segment: &str) -> Option<String> {
    if let Some(char) = segment.chars().find(|char| !char.is_ascii_alphanumeric() && !matches!(char, '_' | '.' | '-')) {
        return Some(format!("has {} in it, which no model name has", quoted(char)));
    }
    match segment.chars().next() {
        None => Some("has a `/` with nothing on one side".to_owned()),
        Some(first @ ('.' | '-')) => Some(format!("has a part that begins with `{first}`")),
        Some(_) => None,
    }
}

fn quoted(char: char) -> String {
    match char {
        ' ' => "a space".to_owned(),
        '`' => "a backtick".to_owned(),
        _ => format!("`{}`", char.escape_debug()),
    }
}

/// Escaped and shortened, so that a hostile name can neither flood the terminal nor move its cursor.
fn shown(name: &str) -> String {
    let escaped = name.escape_debug();
    if name.chars().count() <= MAX_LENGTH {
        return escaped.to_string();
    }
    escaped.take(40).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_refused(name: &str, expected: &str) {
        let problem = ModelName::new(name).unwrap_err();
        assert_eq!(problem.code, Code::InvalidModelName);
        assert_eq!(problem.message, expected);
        assert!(problem.help.is_some_and(|help| help.contains("letters, digits")));
    }

    #[test]
    fn names_of_the_hub_are_accepted() {
        for name in ["bert", "openai/whisper-tiny", "meta-llama/Llama-3.1-8B", "_x", "01-ai/Yi-6B", &"a".repeat(96)] {
            assert_eq!(ModelName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn hostile_names_are_refused_with_a_reason() {
        check_refused("", "`` is no model name, for it is empty");
        check_refused("../../x", "`../../x` has more than one `/`");
        check_refused("../x", "`../x` has `..` in it, which no model name has");
        check_refused("a b", "`a b` has a space in it, which no model name has");
        check_refused("\"; import os; \"", r#"`\"; import os; \"` has `\"` in it, which no model name has"#);
        check_refused("a\nb", r"`a\nb` has `\n` in it, which no model name has");
        check_refused("bérénice", "`bérénice` has `é` in it, which no model name has");
        check_refused("/bert", "`/bert` has a `/` with nothing on one side");
        check_refused("bert/", "`bert/` has a `/` with nothing on one side");
        check_refused("-rf", "`-rf` has a part that begins with `-`");
        check_refused("x/.git", "`x/.git` has a part that begins with `.`");
        check_refused(
            &"a".repeat(300),
            &format!("`{}...` is 300 characters long, and a model name has at most 96", "a".repeat(40)),
        );
    }

    #[test]
    fn a_name_takes_the_forms_that_paths_and_python_need() {
        let forms = |name| (normalized_name(name), camel_case_name(name), class_name(name));
        let expected =
            |normalized: &str, camel: &str, class: &str| (normalized.to_owned(), camel.to_owned(), class.to_owned());
        assert_eq!(forms("big_bird"), expected("big_bird", "BigBird", "hf_big_bird"));
        assert_eq!(
            forms("bert-base-uncased"),
            expected("bert_base_uncased", "BertBaseUncased", "hf_bert_base_uncased")
        );
        assert_eq!(
            forms("meta-llama/Llama-3.1-8B"),
            expected("meta_llama_llama_3_1_8b", "MetaLlamaLlama318B", "hf_meta_llama_llama_3_1_8b")
        );
    }

    #[test]
    fn the_repository_is_what_follows_the_organisation() {
        assert_eq!(ModelName::new("openai/whisper-tiny").unwrap().segments(), (Some("openai"), "whisper-tiny"));
        assert_eq!(ModelName::new("bert").unwrap().segments(), (None, "bert"));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_safe_in_a_path_and_as_an_identifier(name in "[A-Za-z0-9_./ \"'\\\\-]{0,12}") {
            if let Ok(name) = ModelName::new(name) {
                let is_plain = |form: &str| form.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
                prop_assert!(is_plain(name.normalized_name()) && is_plain(name.camel_case_name()));
                prop_assert!(name.as_str().split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
            }
        }

        #[test]
        fn no_text_makes_the_check_panic(name in "\\PC{0,120}") {
            let _ = ModelName::new(name).is_ok();
        }
    }
}
