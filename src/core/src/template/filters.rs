//! The filters that cargo-tgen adds to Tera's: literals and names of the target language.
//!
//! Each is a pure function of its arguments, so an output stays a function of its inputs.

use std::fmt::Write;

use tera::value::{Key, ValueKind};
use tera::{ArgFromValue, Kwargs, State, Tera, TeraResult, Value};

use super::budget;

/// A filter's name and description, for documentation and completion.
pub struct FilterDoc {
    /// The name in templates.
    pub name: &'static str,
    /// Its effect, in a sentence.
    pub description: &'static str,
}

/// The added filters, in the order of the documentation.
pub const FILTERS: &[FilterDoc] = &[
    FilterDoc {
        name: "py_str",
        description: "A Python literal of any value: strings are quoted and escaped, lists and maps written out, nothing is `None`.",
    },
    FilterDoc {
        name: "py_ident",
        description: "A valid Python identifier made from a string: other characters become `_`, a leading digit and a keyword get one more.",
    },
    FilterDoc { name: "snake_case", description: "`BigBird-base` becomes `big_bird_base`." },
    FilterDoc { name: "camel_case", description: "`big_bird-base` becomes `BigBirdBase`." },
];

/// Registers the filters.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("py_str", py_str);
    tera.register_filter("py_ident", |text: &str, _: Kwargs, _: &State<'_>| on_text(text, python_identifier));
    tera.register_filter("snake_case", |text: &str, _: Kwargs, _: &State<'_>| on_text(text, snake_case));
    tera.register_filter("camel_case", |text: &str, _: Kwargs, _: &State<'_>| on_text(text, camel_case));
}

fn on_text(text: &str, filter: fn(&str) -> String) -> TeraResult<String> {
    budget::spend_bytes(text.len())?;
    Ok(filter(text))
}

/// A missing value is an error, as it is without the filter; `None` is for a value that is none.
fn py_str(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    if value.is_undefined() {
        // Tera's own error, which it reports at the value.
        return <&str>::from_value(value).map(str::to_owned);
    }
    budget::weigh(value, 2)?;
    Ok(python_literal(value))
}

/// A Python literal of any value, as ruff would format it.
#[must_use]
pub fn python_literal(value: &Value) -> String {
    let mut literal = String::new();
    write_literal(value, &mut literal);
    literal
}

fn write_literal(value: &Value, literal: &mut String) {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => literal.push_str("None"),
        ValueKind::Bool => literal.push_str(if value.is_truthy() { "True" } else { "False" }),
        ValueKind::Array => {
            write_items(value.as_array().unwrap_or_default().iter(), ('[', ']'), literal, write_literal);
        }
        ValueKind::Map => match value.as_map() {
            Some(map) => write_items(map.iter(), ('{', '}'), literal, |(key, value), literal| {
                write_key(key, literal);
                literal.push_str(": ");
                write_literal(value, literal);
            }),
            None => literal.push_str("{}"),
        },
        ValueKind::String | ValueKind::Bytes => quote(value.as_str().unwrap_or_default(), literal),
        _ => literal.push_str(&value.to_string()),
    }
}

fn write_items<T>(
    items: impl Iterator<Item = T>,
    (open, close): (char, char),
    literal: &mut String,
    mut write_item: impl FnMut(T, &mut String),
) {
    literal.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            literal.push_str(", ");
        }
        write_item(item, literal);
    }
    literal.push(close);
}

fn write_key(key: &Key<'_>, literal: &mut String) {
    match key.as_str() {
        Some(text) => quote(text, literal),
        None => literal.push_str(&key.to_string()),
    }
}

/// Quotes a string: double quotes unless only they would need escaping.
fn quote(text: &str, literal: &mut String) {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    literal.push(quote);
    for character in text.chars() {
        match character {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            found if found == quote => literal.extend(['\\', found]),
            found if found.is_control() || matches!(found, '\u{2028}' | '\u{2029}') => {
                escape_code_point(found, literal);
            }
            found => literal.push(found),
        }
    }
    literal.push(quote);
}

fn escape_code_point(character: char, literal: &mut String) {
    let code = u32::from(character);
    // Writing to a string cannot fail.
    let _ = if code < 0x100 { write!(literal, "\\x{code:02x}") } else { write!(literal, "\\u{code:04x}") };
}

/// A valid Python identifier made from any text.
#[must_use]
pub fn python_identifier(text: &str) -> String {
    let mut name: String = text.chars().map(|c| if c == '_' || c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if is_python_keyword(&name) {
        name.push('_');
    }
    name
}

/// Whether a text is a valid Python identifier.
#[must_use]
pub fn is_python_identifier(text: &str) -> bool {
    !text.is_empty() && python_identifier(text) == text
}

fn is_python_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    KEYWORDS.contains(&name)
}

/// `BigBird-base` becomes `big_bird_base`.
#[must_use]
pub fn snake_case(text: &str) -> String {
    words(text).join("_")
}

/// `big_bird-base` becomes `BigBirdBase`.
#[must_use]
pub fn camel_case(text: &str) -> String {
    words(text).iter().map(|word| upper_first(word)).collect()
}

fn upper_first(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Lower-case words: split at non-alphanumeric characters, and where a capital follows a small letter or a digit.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_small = false;
    for character in text.chars() {
        if !character.is_alphanumeric() || (previous_is_small && character.is_uppercase()) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        previous_is_small = character.is_lowercase() || character.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_are_python() {
        let check = |json: serde_json::Value, expected: &str| {
            assert_eq!(python_literal(&Value::from_serializable(&json)), expected);
        };
        check(serde_json::json!("a\"b"), "'a\"b'");
        check(serde_json::json!("a\"b'c\\\n\u{1}"), "\"a\\\"b'c\\\\\\n\\x01\"");
        check(serde_json::json!([1, true, null, 1.5, {"k": ["x"]}]), "[1, True, None, 1.5, {\"k\": [\"x\"]}]");
    }

    #[test]
    fn names_change_case_at_word_borders() {
        assert_eq!(snake_case("BigBird-base"), "big_bird_base");
        assert_eq!(camel_case("wav2vec2_bert"), "Wav2vec2Bert");
        assert_eq!(python_identifier("1 class-name"), "_1_class_name");
        assert_eq!(python_identifier("class"), "class_");
    }

    proptest! {
        #[test]
        fn a_string_literal_is_one_python_string_with_the_same_text(text in r#"(["'\\a\n\r\x00-\x1f\u{2028}é$]){0,20}"#) {
            let source = python_literal(&Value::from(text.as_str()));
            let parsed = crate::python::parse(&source);
            prop_assert!(parsed.errors().is_empty());
            let ruff_python_ast::Stmt::Expr(statement) = &parsed.syntax().body[0] else { panic!("not an expression") };
            prop_assert_eq!(crate::python::string_literal(&statement.value), Some(text.as_str()));
        }

        #[test]
        fn an_identifier_is_one_python_name(text in any::<String>()) {
            let name = python_identifier(&text);
            prop_assert!(is_python_identifier(&name));
            let assignment = format!("{name} = 1");
            prop_assert!(crate::python::syntax_errors(&assignment).is_empty());
        }
    }
}
