//! Rules for single names and patterns in the configuration, beyond their types.
//!
//! Each rule checks one string and says what is wrong with it. This module must not know TOML or places.

use globset::Glob;

use crate::template::vocabulary::{self, VOCABULARY};

/// Tera's reserved words: a placeholder with such a name could never be used.
const TEMPLATE_WORDS: &[&str] = &[
    "true", "True", "false", "False", "loop", "self", "and", "or", "not", "is", "in", "continue", "break", "none",
    "None", "null",
];

/// The pattern of a placeholder's name, for the JSON schema.
pub(super) const PLACEHOLDER_PATTERN: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// A pattern of output paths that [`output_fault`] refuses, for the JSON schema.
pub(super) const BAD_OUTPUT_PATTERN: &str = r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[/\\]$|[\u0000-\u001f]";

/// What is wrong with a string, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong, as a problem's message.
    pub(super) message: String,
    /// What to do next.
    pub(super) help: String,
}

/// A string from the file, escaped and shortened for a one-line message.
pub(super) fn shown(text: &str) -> String {
    let visible = |char: char| {
        if char.is_control() { char.escape_debug().to_string() } else { char.to_string() }
    };
    text.chars().map(visible).collect()
}

/// The names that a placeholder of the project cannot have.
pub(super) fn reserved_placeholders() -> impl Iterator<Item = &'static str> {
    VOCABULARY.iter().map(|entry| entry.name).chain(TEMPLATE_WORDS.iter().copied())
}

/// What is wrong with the name of a placeholder of the project.
pub(super) fn placeholder_fault(name: &str) -> Option<Fault> {
    if vocabulary::entry(name).is_some() {
        return Some(Fault {
            message: format!("`{name}` is a built-in placeholder"),
            help: format!("choose another name, such as `my_{name}`"),
        });
    }
    if TEMPLATE_WORDS.contains(&name) {
        return Some(Fault {
            message: format!("`{name}` is a word of the template language"),
            help: format!("choose another name, such as `my_{name}`"),
        });
    }
    (!is_identifier(name)).then(|| Fault {
        message: format!("`{}` is not a placeholder's name", shown(name)),
        help: "use letters, digits and `_`, and do not begin with a digit".to_owned(),
    })
}

fn is_identifier(name: &str) -> bool {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    name.chars().all(is_word) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

/// What is wrong with the pattern of an output path, for any values of its placeholders.
pub(super) fn output_fault(pattern: &str) -> Option<Fault> {
    let path = without_expressions(pattern);
    let shown = shown(pattern);
    if path.chars().any(char::is_control) {
        return Some(Fault {
            message: format!("output path `{shown}` holds a control character"),
            help: "remove the character".to_owned(),
        });
    }
    if is_absolute(&path) {
        return Some(Fault {
            message: format!("output path `{shown}` is absolute"),
            help: "write it relative to the project's root".to_owned(),
        });
    }
    if path.split(['/', '\\']).any(|part| part == "..") {
        return Some(Fault {
            message: format!("output path `{shown}` leads out of a folder with `..`"),
            help: "write it without `..`, from the project's root down".to_owned(),
        });
    }
    path.ends_with(['/', '\\']).then(|| Fault {
        message: format!("output path `{shown}` names a folder"),
        help: "add a file name, such as `test_{{ normalized_name }}.py`".to_owned(),
    })
}

fn is_absolute(path: &str) -> bool {
    let drive = |path: &str| {
        let mut chars = path.chars();
        chars.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && chars.next() == Some(':')
    };
    path.starts_with(['/', '\\']) || drive(path)
}

/// The pattern with each `{{ expression }}` replaced by `_`, so that text in expressions is not mistaken for path
/// components.
fn without_expressions(pattern: &str) -> String {
    let mut rest = pattern;
    let mut path = String::with_capacity(pattern.len());
    while let Some((before, inside)) = rest.split_once("{{") {
        let Some((_, after)) = inside.split_once("}}") else { break };
        path.push_str(before);
        path.push('_');
        rest = after;
    }
    path + rest
}

/// What is wrong with a model's name or a glob over names.
pub(super) fn glob_fault(pattern: &str) -> Option<Fault> {
    Glob::new(pattern).err().map(|error| Fault {
        message: format!("`{}` is not a glob: {}", shown(pattern), error.kind()),
        help: "write a model's name, or a glob with `*`, `?`, `[...]` and `{...,...}`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_path_stays_below_the_root() {
        for good in ["a.py", "a/b.py", "a..b/c.py", "{{ model_name | replace(from='/../', to='_') }}.py", "..a/b"] {
            assert_eq!(output_fault(good), None, "{good}");
        }
        for bad in ["/a.py", "\\a.py", "C:\\a.py", "../a.py", "a/../b.py", "a\\..\\b.py", "a/..", "a/", "a\n.py"] {
            assert!(output_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_placeholder_is_an_identifier_that_nothing_else_has() {
        assert_eq!(placeholder_fault("organisation_2"), None);
        for bad in ["", "2x", "a-b", "a.b", "é", "model_name", "loop", "a\nb"] {
            assert!(placeholder_fault(bad).is_some(), "{bad:?}");
        }
    }
}
