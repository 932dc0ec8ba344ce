//! The words that begin a tag, and the names that end one.

use super::{Completion, CompletionKind, CompletionPoint};
use crate::template::syntax::tree::{ElementId, ElementKind};

/// A tag, what it is for, and what is put in after `{%`.
const TAGS: &[(&str, &str, &str)] = &[
    ("if", "Writes what follows where a condition holds.", "if ${1:condition} %}$0{% endif"),
    (
        "for",
        "Writes what follows for every element of a list or entry of a map.",
        "for ${1:item} in ${2:list} %}$0{% endfor",
    ),
    ("set", "Gives a name to a value.", "set ${1:name} = ${2:value}"),
    ("block", "A part that templates which extend this one can override.", "block ${1:name} %}$0{% endblock"),
    ("include", "Writes what another template writes.", "include \"${1:template}\""),
    ("extends", "Builds on another template and overrides its blocks.", "extends \"${1:template}\""),
    ("filter", "Puts what follows through a filter.", "filter ${1:name} %}$0{% endfilter"),
    ("component", "Defines a component.", "component ${1:name}(${2:parameter}) %}$0{% endcomponent"),
    ("raw", "Writes what follows as it stands, tags included.", "raw %}$0{% endraw"),
    (
        "set_global",
        "Gives a name to a value up to the end of the template, out of a loop as well.",
        "set_global ${1:name} = ${2:value}",
    ),
    ("elif", "Another condition of an `if`.", "elif ${1:condition}"),
    ("else", "What is written where no condition holds, or where a loop has nothing to go through.", "else"),
    ("break", "Ends the loop.", "break"),
    ("continue", "Goes on with the next round of the loop.", "continue"),
];

/// The tags: first the one that ends what is open.
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

/// A tag that has an end of its own keeps it: only what is missing is put in.
fn closing(place: &CompletionPoint<'_, '_>, snippet: &str) -> String {
    let rest = &place.template.source.text[place.replaced.end..];
    let line = rest.lines().next().unwrap_or_default();
    let has_more =
        !line.trim_start().is_empty() && !line.trim_start().starts_with("%}") && !line.trim_start().starts_with("-%}");
    let is_closed = line.contains("%}");
    match (has_more, is_closed) {
        // The tag is there already, and only its first word is changed.
        (true, true) => snippet.split(' ').next().unwrap_or(snippet).to_owned(),
        (_, true) => snippet.to_owned(),
        (_, false) => format!("{snippet} %}}"),
    }
}

/// The names that an end tag can have: that of the section it ends.
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

/// The innermost section around the place.
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
