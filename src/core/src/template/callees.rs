//! Tera's built-in filters, tests and functions, with their descriptions and arguments. This one table serves checking,
//! completion and hover; [`super::filters`] has the filters that cargo-tgen adds.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::analysis::CalleeKind::{self, Filter, Function, Test};
use super::filters::FILTERS;

/// A filter, test or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalleeSignature {
    /// Its kind.
    pub kind: CalleeKind,
    /// The name in templates.
    pub name: &'static str,
    /// Its effect, in a sentence.
    pub description: &'static str,
    /// Its parameters.
    pub arguments: &'static [Parameter],
}

/// A parameter of a callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// Whether it is required.
    pub need: Need,
}

/// Whether a parameter is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It is.
    Required,
    /// It is not.
    Optional,
}

const fn required(name: &'static str) -> Parameter {
    Parameter { name, need: Need::Required }
}

const fn optional(name: &'static str) -> Parameter {
    Parameter { name, need: Need::Optional }
}

const fn callee(
    kind: CalleeKind,
    name: &'static str,
    description: &'static str,
    arguments: &'static [Parameter],
) -> CalleeSignature {
    CalleeSignature { kind, name, description, arguments }
}

/// The callees of Tera 2.4, by kind and name.
const TERA: &[CalleeSignature] = &[
    callee(Filter, "abs", "The absolute value of a number.", &[]),
    callee(Filter, "capitalize", "The text with its first letter in upper case and the others in lower case.", &[]),
    callee(Filter, "default", "The value, or `value` where it has none.", &[required("value"), optional("boolean")]),
    callee(Filter, "escape", "The text, escaped for HTML.", &[]),
    callee(Filter, "escape_html", "The text, escaped for HTML.", &[]),
    callee(Filter, "escape_xml", "The text, escaped for XML.", &[]),
    callee(Filter, "first", "The first element of a list.", &[]),
    callee(Filter, "float", "The value as a floating-point number.", &[]),
    callee(Filter, "get", "The value of `key` in a map, or `default`.", &[required("key"), optional("default")]),
    callee(
        Filter,
        "group_by",
        "A map from the values of `attribute` to the elements that have them.",
        &[required("attribute")],
    ),
    callee(
        Filter,
        "indent",
        "The text with every line but the first indented.",
        &[optional("width"), optional("indentation"), optional("first"), optional("blank")],
    ),
    callee(Filter, "int", "The value as a whole number.", &[optional("base")]),
    callee(Filter, "join", "The elements of a list as one text, with `sep` between them.", &[optional("sep")]),
    callee(Filter, "keys", "The keys of a map as a list.", &[]),
    callee(Filter, "last", "The last element of a list.", &[]),
    callee(Filter, "length", "How many elements, entries or characters there are.", &[]),
    callee(Filter, "lower", "The text in lower case.", &[]),
    callee(Filter, "newlines_to_br", "The text with `<br>` for every line end.", &[]),
    callee(Filter, "nth", "The element number `n` of a list, from 0.", &[required("n")]),
    callee(Filter, "pairs", "The entries of a map as a list of keys and values.", &[]),
    callee(
        Filter,
        "pluralize",
        "The plural ending for a number: `s` unless it is 1.",
        &[optional("singular"), optional("plural")],
    ),
    callee(Filter, "replace", "The text with `to` for every `from`.", &[required("from"), required("to")]),
    callee(Filter, "reverse", "The list or text from its end to its beginning.", &[]),
    callee(Filter, "round", "The number, rounded.", &[optional("method"), optional("precision")]),
    callee(Filter, "safe", "The text without escaping.", &[]),
    callee(Filter, "sort", "The list, sorted.", &[optional("attribute")]),
    callee(Filter, "split", "The parts of a text between every `pat`.", &[required("pat")]),
    callee(Filter, "str", "The value as text.", &[]),
    callee(Filter, "title", "The text with a capital at the beginning of every word.", &[]),
    callee(Filter, "trim", "The text without white space, or without `pat`, around it.", &[optional("pat")]),
    callee(Filter, "trim_end", "The text without white space, or without `pat`, at its end.", &[optional("pat")]),
    callee(
        Filter,
        "trim_start",
        "The text without white space, or without `pat`, at its beginning.",
        &[optional("pat")],
    ),
    callee(
        Filter,
        "truncate",
        "The first `length` characters, and `end` where there are more.",
        &[required("length"), optional("end")],
    ),
    callee(Filter, "unique", "The list with every element once.", &[]),
    callee(Filter, "upper", "The text in upper case.", &[]),
    callee(Filter, "values", "The values of a map as a list.", &[]),
    callee(Filter, "wordcount", "How many words there are.", &[]),
    callee(Test, "array", "Whether it is a list.", &[]),
    callee(Test, "bool", "Whether it is true or false.", &[]),
    callee(Test, "containing", "Whether `pat` is in the text, list or map.", &[required("pat")]),
    callee(Test, "defined", "Whether it has a value here.", &[]),
    callee(Test, "divisible_by", "Whether `divisor` divides it.", &[required("divisor")]),
    callee(Test, "ending_with", "Whether the text ends with `pat`.", &[required("pat")]),
    callee(Test, "even", "Whether it is an even number.", &[]),
    callee(Test, "float", "Whether it is a number with a dot.", &[]),
    callee(Test, "integer", "Whether it is a whole number.", &[]),
    callee(Test, "iterable", "Whether a loop can iterate over it.", &[]),
    callee(Test, "map", "Whether it is a map.", &[]),
    callee(Test, "none", "Whether it is none.", &[]),
    callee(Test, "number", "Whether it is a number.", &[]),
    callee(Test, "odd", "Whether it is an odd number.", &[]),
    callee(Test, "starting_with", "Whether the text starts with `pat`.", &[required("pat")]),
    callee(Test, "string", "Whether it is text.", &[]),
    callee(Test, "undefined", "Whether it has no value here.", &[]),
    callee(
        Function,
        "range",
        "The whole numbers from `start` up to and without `end`.",
        &[required("end"), optional("start"), optional("step_by")],
    ),
    callee(Function, "super", "What the parent's block of this name writes.", &[]),
    callee(Function, "throw", "Ends the rendering with an error that says `message`.", &[required("message")]),
];

/// Every callee of a kind that templates can use: cargo-tgen's first, then Tera's.
pub fn of_kind(kind: CalleeKind) -> impl Iterator<Item = CalleeSignature> + Clone {
    let ours = FILTERS.iter().map(|filter| callee(Filter, filter.name, filter.description, &[]));
    ours.chain(TERA.iter().copied()).filter(move |callee| callee.kind == kind)
}

/// The filter, test or function of that name.
#[must_use]
pub fn find(kind: CalleeKind, name: &str) -> Option<CalleeSignature> {
    static BY_NAME: LazyLock<HashMap<(CalleeKind, &str), CalleeSignature>> = LazyLock::new(|| {
        let kinds = [Filter, Test, Function].into_iter();
        // Later entries replace earlier ones, and cargo-tgen's take precedence, so they are inserted last.
        let all: Vec<_> = kinds.flat_map(of_kind).map(|callee| ((callee.kind, callee.name), callee)).collect();
        all.into_iter().rev().collect()
    });
    BY_NAME.get(&(kind, name)).copied()
}

impl CalleeKind {
    /// The noun for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Function => "function",
        }
    }
}

#[cfg(test)]
mod tests {
    use tera::Tera;

    use super::*;
    use crate::template::filters;

    /// A template that calls it with these arguments, each with the value 1.
    fn call(callee: &CalleeSignature, arguments: &str) -> String {
        match callee.kind {
            Filter => format!("{{{{ x | {}({arguments}) }}}}", callee.name),
            Test => format!("{{{{ x is {}({arguments}) }}}}", callee.name),
            Function => format!("{{{{ {}({arguments}) }}}}", callee.name),
        }
    }

    fn message(callee: &CalleeSignature, arguments: &str, value: &tera::Value) -> String {
        let mut tera = Tera::default();
        filters::register(&mut tera);
        tera.add_raw_template("t", &call(callee, arguments)).expect("what is in the table exists");
        let mut context = tera::Context::new();
        context.insert_value("x", value.clone());
        tera.render("t", &context).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_required_is_missed_and_nothing_else_is() {
        let values: [tera::Value; 4] =
            [1.into(), "a".into(), vec![1].into(), tera::Value::from_serializable(&serde_json::json!({"a": 1}))];
        for callee in [Filter, Test, Function].into_iter().flat_map(of_kind).filter(|callee| callee.name != "super") {
            let required = callee.arguments.iter().filter(|argument| argument.need == Need::Required);
            let expected: Vec<_> = required.map(|argument| argument.name).collect();
            let says_missing = |arguments: &str, name: &str| {
                values.iter().any(|value| message(&callee, arguments, value).contains(&format!("argument `{name}`")))
            };
            if let Some(first) = expected.first() {
                assert!(says_missing("", first), "{} needs {first}", callee.name);
            }
            let given: Vec<_> = expected.iter().map(|name| format!("{name}=1")).collect();
            let missed = values.iter().map(|value| message(&callee, &given.join(", "), value));
            assert!(missed.into_iter().all(|message| !message.contains("Missing")), "{} needs no more", callee.name);
        }
    }
}
