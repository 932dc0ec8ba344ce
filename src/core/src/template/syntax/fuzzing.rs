//! Random templates and edits, for the tests of what is derived incrementally.

use proptest::prelude::*;

/// Texts made of fragments that matter to the scanner and to the nesting of tags.
pub(crate) fn source() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{",
        "}",
        "%",
        "#",
        "-",
        "\"",
        "'",
        "\\",
        "=",
        "|",
        "<",
        "/>",
        "é",
        "\n",
        " ",
        "a",
        "loop",
        "loop.index",
        "{{ loop.index }}",
        "{{ a | b(c=1) }}",
        "{% if a %}",
        "{% elif b %}",
        "{% else %}",
        "{% endif %}",
        "{% for a, b in c %}",
        "{% endfor %}",
        "{% set a = [1, b for b in c] %}",
        "{% set a %}",
        "{% endset %}",
        "{% block a %}",
        "{% endblock a %}",
        "{% extends \"a\" %}",
        "{% include 'b' %}",
        "{% component a(b, c: string = 1, ...d) %}",
        "{% endcomponent a %}",
        "{{ <a b={c} d /> }}",
        "{% <a> %}",
        "{% </a> %}",
        "{% raw %}",
        "{% endraw %}",
        "{# note #}",
        "{% filter upper %}",
        "{% endfilter %}",
        "{% break %}",
        "{{ {\"a\": b[1:2], ...c} if not d is e(f=g) else -h?.i }}",
        "{% unknown %}",
        "text of several words\n",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// Replaces a part of a text.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// Taken modulo the length of the text.
    at: usize,
    length: usize,
    replacement: String,
}

impl Edit {
    /// The text after the edit.
    pub(crate) fn applied(&self, text: &str) -> String {
        let start = text.floor_char_boundary(self.at % (text.len() + 1));
        let end = text.floor_char_boundary((start + self.length).min(text.len())).max(start);
        let mut after = text.to_owned();
        after.replace_range(start..end, &self.replacement);
        after
    }
}

/// Edits that are applied one after the other; most are small.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let replacement = prop_oneof!["[a-z{}%#\"' \\n]{0,3}", source()];
    let edit = (any::<usize>(), prop_oneof![0_usize..2, 0_usize..12], replacement);
    let edit = edit.prop_map(|(at, length, replacement)| Edit { at, length, replacement });
    prop::collection::vec(edit, 1..6)
}
