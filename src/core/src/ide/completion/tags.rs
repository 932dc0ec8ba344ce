//! The keywords that begin a tag, and the names in end tags.

use super::{Completion, CompletionKind, CompletionPoint};
use crate::template::syntax::tree::{ElementId, ElementKind};

/// A tag, its description, and the snippet that follows `{%`.
const TAGS: &[(&str, &str, &str)] = &[
    ("if", "Writes its content if a condition holds.", "if ${1:condition} %}$0{% endif"),
    (
        "for",
        "Writes its content for every element of a list or entry of a map.",
        "for ${1:item} in ${2:list} %}$0{% endfor",
    ),
    ("set", "Gives a name to a value.", "set ${1:name} = ${2:value}"),
    ("block", "A part that templates which extend this one can override.", "block ${1:name} %}$0{% endblock"),
    ("include", "Writes the output of another template.", "include \"${1:template}\""),
    ("extends", "Builds on another template and overrides its blocks.", "extends \"${1:template}\""),
    ("filter", "Applies a filter to its content.", "filter ${1:name} %}$0{% endfilter"),
    ("component", "Defines a component.", "component ${1:name}(${2:parameter}) %}$0{% endcomponent"),
    ("raw", "Writes its content unchanged, tags included.", "raw %}$0{% endraw"),
    (
        "set_global",
        "Gives a name to a value until the end of the template, even inside a loop.",
        "set_global ${1:name} = ${2:value}",
    ),
    ("elif", "Another condition of an `if`.", "elif ${1:condition}"),
    ("else", "The content if no condition holds, or if a loop has no elements.", "else"),
    ("break", "Ends the loop.", "break"),
    ("continue", "Continues with the next iteration of the loop.", "continue"),
];

/// The tags, the end of the open section first.
pub(super) fn tags(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let end = open_section(place).and_then(|section| end_word(&place.template.source.tree().elements[section].kind));
    let end = end.map(|word| place.item(word, CompletionKind::Keyword).detail("ends what is open here"));
    let tag = |(word, doc, snippet): &(&str, &str, &str)| {
        let text = closing(place, snippet);
        let item = place.item(*word, CompletionKind::Keyword).documentation(*doc);
        if snippet.contains('$') { item.snippet(text) } else { item.text(text) }
    };
    end.into_iter().chain(TAGS.iter().map(tag)).collect()
}

/// If the tag is closed already, only the missing part is inserted.
fn closing(place: &CompletionPoint<'_, '_>, snippet: &str) -> String {
    let rest = &place.template.source.text[place.replaced.end..];
    let line = rest.lines().next().unwrap_or_default();
    let has_more =
        !line.trim_start().is_empty() && !line.trim_start().starts_with("%}") && !line.trim_start().starts_with("-%}");
    let is_closed = line.contains("%}");
    match (has_more, is_closed) {
        // The rest of the tag exists; only its keyword changes.
        (true, true) => snippet.split(' ').next().unwrap_or(snippet).to_owned(),
        (_, true) => snippet.to_owned(),
        (_, false) => format!("{snippet} %}}"),
    }
}

/// The name that an end tag can have: that of its section.
pub(super) fn end_names(place: &CompletionPoint<'_, '_>) -> Vec<Completion> {
    let source = place.template.source;
    let name = open_section(place).and_then(|section| match &source.tree().elements[section].kind {
        ElementKind::Block(name) => name.clone(),
        ElementKind::Component(definition) => definition.name.clone(),
        ElementKind::ComponentBody(call) => call.name.clone(),
        _ => None,
    });
    name.map(|name| place.item(source.slice(&name), CompletionKind::Block)).into_iter().collect()
}

/// The innermost section around the cursor.
fn open_section(place: &CompletionPoint<'_, '_>) -> Option<ElementId> {
    let tree = place.template.source.tree();
    let after = tree.pieces.partition_point(|piece| piece.span.start < place.offset);
    tree.elements[after.checked_sub(1)?].parent
}

fn end_word(kind: &ElementKind) -> Option<&'static str> {
    Some(match kind {
        ElementKind::If(_) => "endif",
        ElementKind::For(_) => "endfor",
        ElementKind::SetBlock(..) => "endset",
        ElementKind::Block(_) => "endblock",
        ElementKind::Filter(_) => "endfilter",
        ElementKind::Component(_) => "endcomponent",
        _ => return None,
    })
}
