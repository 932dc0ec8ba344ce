//! Completion in templates, also inside an unfinished tag.
//!
//! The tokens before the cursor decide what to complete ([`context`]); each kind of completion has its own file.

mod config;
mod context;
mod names;
mod tags;
mod values;

#[cfg(test)]
mod tests;

use camino::Utf8Path;

pub use self::config::in_configuration;
use self::context::Asked;
pub(super) use self::names::signature;
use super::{Template, TextEdit, View};
use crate::template::Dialect;
use crate::template::syntax::tree::Span;

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text that is shown and matched against the typed text.
    pub label: String,
    /// Its kind.
    pub kind: CompletionKind,
    /// A short description beside the label.
    pub detail: Option<String>,
    /// The documentation, as Markdown.
    pub documentation: Option<String>,
    /// The edit that inserts it.
    pub edit: TextEdit,
    /// Whether the text of the edit is a snippet.
    pub format: Format,
}

/// The kind of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A placeholder.
    Placeholder,
    /// A name that the template binds.
    Variable,
    /// A field or key.
    Field,
    /// A filter.
    Filter,
    /// A test.
    Test,
    /// A function.
    Function,
    /// A component.
    Component,
    /// An argument or an attribute.
    Argument,
    /// A block.
    Block,
    /// A template.
    Template,
    /// A word of the language.
    Keyword,
    /// A key of the configuration.
    Key,
    /// A value of the configuration.
    Value,
}

/// How an editor treats the text of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Inserted unchanged.
    Plain,
    /// With tab stops: `${1:name}`, and `$0` for the final cursor.
    Snippet,
}

/// The completions at a byte offset of a template, in display order.
#[must_use]
pub fn completion(view: &View<'_>, path: &Utf8Path, offset: usize) -> Vec<Completion> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let offset = template.source.text.floor_char_boundary(offset);
    let Some(asked) = context::at(template.source, offset) else { return Vec::new() };
    let place = CompletionPoint { view, template: &template, offset, replaced: asked.replaced };
    match asked.what {
        Asked::Tag => tags::tags(&place),
        Asked::EndName => tags::end_names(&place),
        Asked::Block => names::blocks(&place),
        Asked::Template => names::templates(&place),
        Asked::Callee(kind) => names::callees(&place, kind),
        Asked::Component => names::components(&place),
        Asked::Argument(callee) => names::arguments(&place, &callee),
        Asked::Attribute(component) => names::attributes(&place, &component),
        Asked::Field(of_end) => values::fields(&place, of_end),
        Asked::Key(of_end) => values::keys(&place, of_end),
        Asked::Value => values::values(&place),
        Asked::Operator(words) => place.keywords(words),
        Asked::Nothing => Vec::new(),
    }
}

/// The template, the cursor and the text to replace.
struct CompletionPoint<'c, 'v> {
    view: &'c View<'v>,
    template: &'c Template<'v>,
    offset: usize,
    /// The text that a completion replaces.
    replaced: Span,
}

impl CompletionPoint<'_, '_> {
    fn item(&self, label: impl Into<String>, kind: CompletionKind) -> Completion {
        let label = label.into();
        let edit = TextEdit { range: self.template.source.range(&self.replaced), text: label.clone() };
        Completion { label, kind, detail: None, documentation: None, edit, format: Format::Plain }
    }

    fn keywords(&self, words: &[&str]) -> Vec<Completion> {
        words.iter().map(|word| self.item(*word, CompletionKind::Keyword)).collect()
    }

    /// Whether the tag has an argument or attribute of that name already, other than the one at the cursor.
    fn is_given(&self, name: &str) -> bool {
        let source = self.template.source;
        let pieces = &source.tree().pieces;
        let after = pieces.partition_point(|piece| piece.span.start < self.offset);
        let tokens = after.checked_sub(1).map_or(&[][..], |piece| &pieces[piece].tokens);
        tokens.windows(2).any(|pair| {
            source.slice(&pair[0].span) == name && source.slice(&pair[1].span) == "=" && pair[0].span != self.replaced
        })
    }

    fn is_dollar(&self) -> bool {
        self.template.source.dialect() == Dialect::Dollar
    }
}

impl Completion {
    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn documentation(mut self, documentation: impl Into<String>) -> Self {
        self.documentation = Some(documentation.into());
        self
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.edit.text = text.into();
        self
    }

    fn snippet(self, text: impl Into<String>) -> Self {
        Self { format: Format::Snippet, ..self.text(text) }
    }
}
