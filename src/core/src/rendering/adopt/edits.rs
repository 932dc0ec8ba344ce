//! Edits of templates' texts: put together, escaped for the dialect, and applied. This module must not know outputs.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::template::library::{Library, Source};
use crate::template::scan::PieceKind;
use crate::template::{Dialect, TemplateName};

/// Text that replaces a stretch of a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TemplateEdit {
    pub(super) template: TemplateName,
    /// Byte offsets of the start and the end of what is replaced.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The new text, already escaped.
    pub(super) text: String,
}

/// Edits of any number of templates that do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TemplateEdits(BTreeMap<TemplateName, Vec<TemplateEdit>>);

impl TemplateEdits {
    /// Adds edits, without duplicates; none if one of them contradicts another.
    pub(super) fn with(&self, edits: &[TemplateEdit]) -> Option<Self> {
        let mut all = self.clone();
        for edit in edits {
            let of_template = all.0.entry(edit.template.clone()).or_default();
            if of_template.contains(edit) {
                continue;
            }
            if of_template.iter().any(|other| other.contradicts(edit)) {
                return None;
            }
            let at = of_template.partition_point(|other| (other.start, other.end) <= (edit.start, edit.end));
            of_template.insert(at, edit.clone());
        }
        Some(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The new texts.
    pub(super) fn texts(&self, library: &Library<'_>) -> Vec<(TemplateName, String)> {
        let edited = self.0.iter().filter_map(|(name, edits)| {
            let source = library.source(name).ok()?;
            Some((name.clone(), applied(&source.text, edits)))
        });
        edited.collect()
    }
}

impl TemplateEdit {
    fn contradicts(&self, other: &Self) -> bool {
        let is_insertion = |edit: &Self| edit.start == edit.end;
        if self == other {
            return false;
        }
        match (is_insertion(self), is_insertion(other)) {
            (true, true) => self.start == other.start,
            (true, false) => other.start < self.start && self.start < other.end,
            (false, true) => self.start < other.start && other.start < self.end,
            (false, false) => self.start < other.end && other.start < self.end,
        }
    }
}

fn applied(text: &str, edits: &[TemplateEdit]) -> String {
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        new.push_str(text.get(at..edit.start).unwrap_or_default());
        new.push_str(&edit.text);
        at = edit.end;
    }
    new.push_str(text.get(at..).unwrap_or_default());
    new
}

/// A text as a template of a dialect writes it, with nothing before and after it.
pub(super) fn escaped_text(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Dollar => escaped_dollar("", text, ""),
        Dialect::Tera => escaped_tera("", text, "").1,
    }
}

/// An edit that puts a text into a template, escaped so that nothing of it is read as a tag or a placeholder.
pub(super) fn escaped(source: &Source, template: &TemplateName, replaced: &Range<usize>, text: &str) -> TemplateEdit {
    let before = source.text.get(..replaced.start).unwrap_or_default();
    let after = source.text.get(replaced.end..).unwrap_or_default();
    let (start, text) = match source.dialect() {
        Dialect::Dollar => (replaced.start, escaped_dollar(before, text, after)),
        Dialect::Tera if is_raw(source, replaced.start) => (replaced.start, text.to_owned()),
        Dialect::Tera => escaped_tera(before, text, after),
    };
    TemplateEdit { template: template.clone(), start, end: replaced.end, text }
}

fn is_raw(source: &Source, at: usize) -> bool {
    let tree = source.tree();
    tree.element_at(at).is_some_and(|piece| {
        let piece = &tree.pieces[piece];
        piece.kind == PieceKind::Raw && piece.span.start < at
    })
}

/// Replaces each `{` that would open a tag by an expression that writes it, even one right before the text. Gives where the
/// text begins, and the text.
fn escaped_tera(before: &str, text: &str, after: &str) -> (usize, String) {
    let opens = |next: Option<char>| matches!(next, Some('{' | '%' | '#'));
    let first = text.chars().next().or_else(|| after.chars().next());
    let is_joined = before.ends_with('{') && opens(first);
    let (start, text) =
        if is_joined { (before.len() - 1, format!("{{{text}")) } else { (before.len(), text.to_owned()) };
    let mut new = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let next = rest.clone().next().or_else(|| after.chars().next());
        if character == '{' && opens(next) {
            new.push_str("{{ \"{\" }}");
        } else {
            new.push(character);
        }
    }
    (start, new)
}

fn escaped_dollar(before: &str, text: &str, after: &str) -> String {
    let first = text.chars().next().or_else(|| after.chars().next());
    let mut new = text.replace("${", "$${");
    if before.ends_with('$') && first == Some('{') {
        new.insert(0, '$');
    }
    if text.ends_with('$') && after.starts_with('{') {
        new.push('$');
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use tera::Value;

    use crate::template::compiled::compile;
    use crate::template::renderer::Renderer;

    #[track_caller]
    fn rendered(name: &str, text: &str) -> String {
        let name = TemplateName::new(name);
        let library = Library::of_text(&name, text);
        let compiled = compile(&library, &name).map_err(|problems| problems[0].message.clone());
        let compiled = compiled.unwrap_or_else(|message| panic!("{message}: {text}"));
        let mut output = Vec::new();
        Renderer::of(&compiled).render(&BTreeMap::<String, Value>::new(), &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    proptest! {
        #[test]
        fn inserted_text_is_rendered_as_it_is(
            before in r"[{%#$a\n]{0,3}", text in r"[{}%#$a\n]{0,6}", after in r"[{%#$a\n]{0,3}"
        ) {
            let expected = [before.as_str(), &text, &after].concat();
            // The neighbours must not be tags by themselves.
            let is_plain = |text: &str| ["{{", "{%", "{#", "${"].iter().all(|tag| !text.contains(tag));
            prop_assume!(is_plain(&[before.as_str(), &after].concat()));
            for name in ["t.tera", "t.txt"] {
                let original = [before.as_str(), &after].concat();
                let source = Source::new(name.into(), TemplateName::new(name).dialect(), &original);
                let place = before.len()..before.len();
                let edit = escaped(&source, &TemplateName::new(name), &place, &text);
                let edited = applied(&original, &[edit]);
                prop_assert_eq!(rendered(name, &edited), expected.clone(), "{} from {:?}", name, edited);
            }
        }
    }
}
