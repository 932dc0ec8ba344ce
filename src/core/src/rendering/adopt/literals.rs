//! Text in an output that a literal in an expression has written: the separator of a `join`, the default of a value, an
//! operand of `~`. This module proposes literals and must not render: rendering decides which literal it was.

use std::ops::Range;

use super::blocks::TextReplacement;
use super::edits::TemplateEdit;
use super::stretches::Stretch;
use crate::template::Dialect;
use crate::template::library::Source;

/// What delimits a string in a template.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// The edits of literals in a value's expression that may have the effect of an edit inside of what the value wrote.
pub(super) fn edits(source: &Source, value: &Stretch, old: &str, edit: &TextReplacement) -> Vec<TemplateEdit> {
    let is_inside = value.wrote.start <= edit.old.start && edit.old.end <= value.wrote.end;
    if source.dialect() != Dialect::Tera || !is_inside {
        return Vec::new();
    }
    let (wrote, tag) = (&old[value.wrote.clone()], &source.text[value.source.clone()]);
    let text = &edit.text;
    let replaced = edit.old.start - value.wrote.start..edit.old.end - value.wrote.start;
    let mut found = Vec::new();
    for (quote, literal) in literals(tag) {
        let content = &tag[literal.clone()];
        if content.contains('\\') || text.contains(['\\', quote]) {
            continue;
        }
        let holds = |at: &usize| *at <= replaced.start && replaced.end <= at + content.len();
        for at in wrote.match_indices(content).map(|(at, _)| at).filter(holds) {
            let start = value.source.start + literal.start + replaced.start - at;
            let end = start + replaced.len();
            found.push(TemplateEdit { template: value.template.clone(), start, end, text: text.clone() });
        }
    }
    found
}

/// The contents of the strings in a tag, with what delimits them.
fn literals(tag: &str) -> Vec<(char, Range<usize>)> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some((at, quote)) = tag[rest..].char_indices().find(|(_, char)| QUOTES.contains(char)) {
        let start = rest + at + 1;
        let Some(length) = tag[start..].find(quote) else { break };
        found.push((quote, start..start + length));
        rest = start + length + 1;
    }
    found
}
