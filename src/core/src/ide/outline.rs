//! The structure of a template: symbols, folding ranges, selection ranges, and links to files.

use camino::Utf8Path;

use super::config_names::{self, ConfigName, ConfigNameKind};
use super::{Link, Location, Template, View, generated};
use crate::base::text::Range;
use crate::template::TemplateName;
use crate::template::analysis::BindingKind;
use crate::template::scan::PieceKind;
use crate::template::syntax::tree::{ElementId, ElementKind, Expr, Span};

/// A named part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SymbolKind,
    /// From the beginning of its tag to its end.
    pub range: Range,
    /// Its name's place.
    pub selection: Range,
    /// The symbols inside.
    pub children: Vec<Symbol>,
}

/// The kind of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// A block.
    Block,
    /// A component.
    Component,
    /// A name that is `set`.
    Variable,
    /// A loop, by the names of its header.
    Loop,
}

/// A part of a template that can be folded, in whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// From the opening tag to the closing one.
    pub range: Range,
    /// Its kind.
    pub kind: FoldKind,
}

/// The kind of a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldKind {
    /// A section, or a raw block.
    Region,
    /// A comment.
    Comment,
}

/// The blocks, components, loops and names of a template, nested as in the source.
#[must_use]
pub fn document_symbols(view: &View<'_>, path: &Utf8Path) -> Vec<Symbol> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let mut symbols: Vec<(ElementId, Symbol)> = Vec::new();
    let mut outermost = Vec::new();
    // From the end, so that the content of a section is processed before the section.
    for element in (0..template.source.tree().elements.len()).rev() {
        let Some(mut symbol) = template.symbol(element) else { continue };
        let end = template.source.tree().elements[element].end.unwrap_or(element);
        while symbols.last().is_some_and(|(inner, _)| *inner < end) {
            symbol.children.extend(symbols.pop().map(|(_, inner)| inner));
        }
        symbols.push((element, symbol));
    }
    while let Some((_, symbol)) = symbols.pop() {
        outermost.push(symbol);
    }
    outermost
}

/// The blocks and components of all templates whose names contain the letters of `query` in order.
#[must_use]
pub fn workspace_symbols(view: &View<'_>, query: &str) -> Vec<(String, SymbolKind, Location)> {
    let library = &view.project.library;
    let mut found = Vec::new();
    for source in library.project_names().filter_map(|name| library.source(name).ok()) {
        let analysis = source.analysis();
        let blocks = analysis.blocks.iter().map(|block| (&block.name, SymbolKind::Block, &block.span));
        let components = analysis.defines.iter().map(|name| (&name.name, SymbolKind::Component, &name.span));
        for (name, kind, span) in blocks.chain(components).filter(|(name, ..)| has_letters(name, query)) {
            found.push((name.clone(), kind, Location { path: source.path.clone(), range: source.range(span) }));
        }
    }
    found
}

fn has_letters(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

/// What can be folded: sections, raw blocks and comments of several lines.
#[must_use]
pub fn folding(view: &View<'_>, path: &Utf8Path) -> Vec<Fold> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let tree = template.source.tree();
    let mut folds = Vec::new();
    for (element, piece) in tree.pieces.iter().enumerate() {
        let (span, kind) = match (tree.elements[element].end, piece.kind) {
            (Some(end), _) => (piece.span.start..tree.pieces[end].span.end, FoldKind::Region),
            (None, PieceKind::Raw) => (piece.span.clone(), FoldKind::Region),
            (None, PieceKind::Comment) => (piece.span.clone(), FoldKind::Comment),
            _ => continue,
        };
        let range = template.source.range(&span);
        if range.start.line < range.end.line {
            folds.push(Fold { range, kind });
        }
    }
    folds
}

/// The ranges around a byte offset, from the innermost to the whole template.
#[must_use]
pub fn selection_ranges(view: &View<'_>, path: &Utf8Path, offset: usize) -> Vec<Range> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let mut spans = template.surroundings(offset);
    spans.push(0..template.source.text.len());
    spans.dedup();
    spans.iter().map(|span| template.source.range(span)).collect()
}

/// The existing files that a template or the configuration names; for a generated file, its template.
#[must_use]
pub fn links(view: &View<'_>, path: &Utf8Path) -> Vec<Link> {
    let Some(template) = view.template(path) else {
        let in_configuration = config_names::in_file(view.project, path);
        let named = in_configuration.iter().filter_map(|name| config_link(view, name));
        return named.chain(generated::link(view, path)).collect();
    };
    let analysis = template.source.analysis();
    let named = analysis.builds_on.iter().chain(&analysis.support);
    let link = |(name, span): (&str, &Span)| {
        let target = view.project.library.path_of(&TemplateName::new(name))?;
        Some(Link { range: template.source.range(span), target: target.to_owned() })
    };
    named.filter_map(|reference| link((&reference.name, &reference.span))).collect()
}

fn config_link(view: &View<'_>, name: &ConfigName) -> Option<Link> {
    let target = match name.kind {
        ConfigNameKind::Template => view.project.library.path_of(&TemplateName::new(&name.name))?,
        ConfigNameKind::PipelineMap => &view.project.config.pipeline_map.as_ref()?.value,
        ConfigNameKind::Declaration | ConfigNameKind::Use => return None,
    };
    Some(Link { range: name.range, target: target.to_owned() })
}

impl Template<'_> {
    fn symbol(&self, element: ElementId) -> Option<Symbol> {
        let tree = self.source.tree();
        let (name, kind) = match &tree.elements[element].kind {
            ElementKind::Block(name) => (name.clone()?, SymbolKind::Block),
            ElementKind::Component(definition) => (definition.name.clone()?, SymbolKind::Component),
            ElementKind::Set(assignment, _) | ElementKind::SetBlock(assignment, _) => {
                let name = assignment.name.clone()?;
                let is_first = |binding: &&crate::template::analysis::Binding| {
                    binding.kind == BindingKind::Set && binding.span == name
                };
                self.source.analysis().bindings.iter().find(is_first)?;
                (name, SymbolKind::Variable)
            }
            ElementKind::For(header) => {
                let value = header.value.clone()?;
                (header.key.as_ref().map_or(value.start, |key| key.start)..value.end, SymbolKind::Loop)
            }
            _ => return None,
        };
        let end = tree.elements[element].end.unwrap_or(element);
        Some(Symbol {
            name: self.source.slice(&name).to_owned(),
            kind,
            range: self.source.range(&(tree.pieces[element].span.start..tree.pieces[end].span.end)),
            selection: self.source.range(&name),
            children: Vec::new(),
        })
    }

    /// The expressions, tag, section content and section around an offset, from the inside out.
    fn surroundings(&self, offset: usize) -> Vec<Span> {
        let tree = self.source.tree();
        let Some(element) = tree.element_at(offset) else { return Vec::new() };
        let mut spans = Vec::new();
        tree.elements[element].kind.each_expression(&mut |value| around(value, offset, &mut spans));
        spans.sort_by_key(ExactSizeIterator::len);
        spans.push(tree.pieces[element].span.clone());
        let own = tree.elements[element].end.map(|_| element);
        for section in own.into_iter().chain(tree.sections_around(element)) {
            let Some(end) = tree.elements[section].end else { continue };
            let (opening, closing) = (&tree.pieces[section].span, &tree.pieces[end].span);
            if opening.end <= offset && offset < closing.start {
                spans.push(opening.end..closing.start);
            }
            spans.push(opening.start..closing.end);
        }
        spans
    }
}

fn around(value: &Expr, offset: usize, spans: &mut Vec<Span>) {
    if value.span.start <= offset && offset <= value.span.end && !value.span.is_empty() {
        spans.push(value.span.clone());
    }
    value.each_child(&mut |child| around(child, offset, spans));
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use insta::assert_snapshot;

    use super::*;
    use crate::ide::fixture::with_cursor;

    const TEMPLATE: &str = "{# a\ncomment #}\n{% block head %}\n{% set a = 1 %}{% for k, v in auto_classes %}\n{{ v | up$0per }}\n{% endfor %}\n{% endblock %}\n{% component card(title) %}{% endcomponent %}\n";

    fn shown(symbols: &[Symbol], indent: usize, text: &mut String) {
        for symbol in symbols {
            let lines = (symbol.range.start.line + 1, symbol.range.end.line + 1);
            writeln!(text, "{:indent$}{:?} {} {}-{}", "", symbol.kind, symbol.name, lines.0, lines.1).unwrap();
            shown(&symbol.children, indent + 2, text);
        }
    }

    #[test]
    fn symbols_nest_as_their_tags_do() {
        let mut text = String::new();
        shown(&with_cursor(TEMPLATE, |view, path, _| document_symbols(view, path)), 0, &mut text);
        assert_snapshot!(text, @"
        Block head 3-7
          Variable a 4-4
          Loop k, v 4-6
        Component card 8-8
        ");
        let found = with_cursor(TEMPLATE, |view, _, _| workspace_symbols(view, "CR"));
        assert_eq!(found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["card"]);
    }

    #[test]
    fn sections_and_comments_of_several_lines_fold() {
        let folds = with_cursor(TEMPLATE, |view, path, _| folding(view, path));
        let lines = |fold: &Fold| format!("{:?} {}-{}", fold.kind, fold.range.start.line + 1, fold.range.end.line + 1);
        assert_snapshot!(folds.iter().map(lines).collect::<Vec<_>>().join("\n"), @"
        Comment 1-2
        Region 3-7
        Region 4-6
        ");
    }

    #[test]
    fn a_selection_grows_from_the_word_to_the_template() {
        let (ranges, text) = with_cursor(TEMPLATE, |view, path, offset| {
            let source = view.template(path).unwrap().source;
            let span = |range: &Range| source.lines.offset(range.start)..source.lines.offset(range.end);
            let ranges: Vec<_> = selection_ranges(view, path, offset).iter().map(span).collect();
            (ranges, source.text.clone())
        });
        assert!(ranges.windows(2).all(|pair| pair[1].start <= pair[0].start && pair[0].end <= pair[1].end));
        let shown: Vec<_> = ranges.iter().map(|span| format!("{:?}", &text[span.clone()])).collect();
        assert_snapshot!(shown[..4].join("\n"), @r#"
        "v | upper"
        "{{ v | upper }}"
        "\n{{ v | upper }}\n"
        "{% for k, v in auto_classes %}\n{{ v | upper }}\n{% endfor %}"
        "#);
        assert_eq!(ranges.last(), Some(&(0..text.len())));
    }

    #[test]
    fn names_of_templates_lead_to_their_files() {
        let library = "-- templates/base.tera --\n-- templates/t.py.tera --\n{% extends \"base.tera\" %}{% block a %}{% include \"no.tera\" %}{% endblock %}\n";
        let found = with_cursor(library, |view, path, _| links(view, path));
        assert_eq!(found.iter().map(|link| link.target.as_str()).collect::<Vec<_>>(), ["templates/base.tera"]);
    }
}
