//! The text of a template for one model or suite alone: it extends the shared template and overrides blocks, or it is a copy
//! without inheritance. This module must not know whether the result renders what it should.

use std::collections::BTreeSet;

use super::edits::escaped_text;
use crate::template::dollar::{self, DollarPiece};
use crate::template::library::{Library, Source};
use crate::template::syntax::tree::{ElementId, ElementKind, Expr, ExprKind};
use crate::template::{Dialect, TemplateName};

/// How many edited templates may be inlined where they are included.
const MOST_INCLUDES: usize = 16;

/// Builds the text of a template for one model or suite alone.
pub(super) struct Overriding<'o> {
    /// The templates as they are.
    pub(super) library: &'o Library<'o>,
    /// The same templates with edits.
    pub(super) edited: Library<'o>,
    /// The edited templates.
    pub(super) changed: BTreeSet<TemplateName>,
    /// The template that is used now.
    pub(super) base: TemplateName,
    /// The template that is to be used.
    pub(super) name: TemplateName,
}

/// A block in a template.
struct Block<'s> {
    name: &'s str,
    open: ElementId,
    end: ElementId,
}

impl Overriding<'_> {
    /// The possible texts, the shortest first.
    pub(super) fn texts(mut self) -> Vec<String> {
        if self.base.dialect() == Dialect::Dollar {
            return self.copy_of_dollar().into_iter().collect();
        }
        for _ in 0..MOST_INCLUDES {
            let chain = self.chain();
            let Some(included) = self.changed.iter().find(|name| !chain.contains(name)).cloned() else {
                return [self.with_blocks(&chain), self.in_one_text(&chain)].into_iter().flatten().collect();
            };
            if self.inline(&included).is_none() {
                break;
            }
        }
        Vec::new()
    }

    fn copy_of_dollar(&self) -> Option<String> {
        let source = self.edited.source(&self.base).ok()?;
        if self.name.dialect() == Dialect::Dollar {
            return Some(source.text.clone());
        }
        let mut text = String::new();
        for piece in dollar::scan(&source.text) {
            match piece {
                DollarPiece::Text(span) | DollarPiece::Broken(span) => {
                    text.push_str(&escaped_text(Dialect::Tera, &source.text[span]));
                }
                DollarPiece::Escape(_) => text.push_str("${"),
                DollarPiece::Placeholder { name, .. } => text.extend(["{{ ", &source.text[name], " }}"]),
            }
        }
        Some(text)
    }

    /// The template, what it extends, what that extends, and so on.
    fn chain(&self) -> Vec<TemplateName> {
        let mut chain = vec![self.base.clone()];
        while let Some(parent) = chain.last().and_then(|name| self.parent(name)).filter(|name| !chain.contains(name)) {
            chain.push(parent);
        }
        chain
    }

    fn parent(&self, name: &TemplateName) -> Option<TemplateName> {
        let source = self.edited.source(name).ok()?;
        source.tree().extends().map(|span| TemplateName::new(source.slice(&span)))
    }

    /// Inlines an edited template where it is included.
    fn inline(&mut self, included: &TemplateName) -> Option<()> {
        let text = self.edited.source(included).ok()?.text.clone();
        let includers: Vec<TemplateName> =
            self.edited.names().filter(|name| self.includes(name, included)).cloned().collect();
        if includers.is_empty() || includers.contains(included) {
            return None;
        }
        for name in includers {
            let source = self.edited.source(&name).ok()?;
            let (path, with_text) = (source.path.clone(), with_included(source, included, &text));
            self.edited.add(name.clone(), path, &with_text);
            self.changed.insert(name);
        }
        self.changed.remove(included);
        Some(())
    }

    fn includes(&self, name: &TemplateName, included: &TemplateName) -> bool {
        let Ok(source) = self.edited.source(name) else { return false };
        source.text.contains(included.as_str())
            && source.tree().elements.iter().any(|element| is_include(source, &element.kind, included))
    }

    /// A text that extends the shared template and overrides the blocks that differ.
    fn with_blocks(&self, chain: &[TemplateName]) -> Option<String> {
        let mut overridden: Vec<(String, String)> = Vec::new();
        for (level, name) in chain.iter().enumerate().filter(|(_, name)| self.changed.contains(name)) {
            let (before, after) = (self.library.source(name).ok()?, self.edited.source(name).ok()?);
            let (old, new) = (blocks(before), blocks(after));
            let is_same_outside = own_text(before, 0..before.tree().pieces.len(), &old)
                == own_text(after, 0..after.tree().pieces.len(), &new);
            if old.len() != new.len() || !is_same_outside {
                return None;
            }
            let mut done_until = 0;
            for (old_block, block) in old.iter().zip(&new) {
                let is_same = own_text(before, old_block.open + 1..old_block.end, &old)
                    == own_text(after, block.open + 1..block.end, &new);
                if is_same || block.end < done_until {
                    continue;
                }
                if self.definer(chain, block.name) != Some(level) {
                    return None;
                }
                let pieces = &after.tree().pieces;
                let tags = (after.slice(&pieces[block.open].span), after.slice(&pieces[block.end].span));
                // `super()` would mean another block in a template that extends this one, so it is expanded.
                let inside = self.inside(chain, block.name, level)?;
                overridden.push((block.name.to_owned(), [tags.0, &inside, tags.1].concat()));
                done_until = block.end;
            }
        }
        let mut text = if self.base == self.name {
            self.edited.source(&self.base).ok()?.text.clone()
        } else {
            format!("{{% extends \"{}\" %}}\n", self.base)
        };
        for (name, block) in overridden {
            let is_there = self.base == self.name && self.definer(chain, &name) == Some(0);
            if !is_there {
                text.push_str(&block);
                text.push('\n');
            }
        }
        Some(text)
    }

    /// The first template of a chain that defines a block.
    fn definer(&self, chain: &[TemplateName], name: &str) -> Option<usize> {
        chain.iter().position(|template| self.block(template, name).is_some())
    }

    fn block(&self, template: &TemplateName, name: &str) -> Option<(&Source, Block<'_>)> {
        let source = self.edited.source(template).ok()?;
        Some((source, blocks(source).into_iter().find(|block| block.name == name)?))
    }

    /// A chain of templates as one text without inheritance.
    fn in_one_text(&self, chain: &[TemplateName]) -> Option<String> {
        let (root, children) = chain.split_last()?;
        let mut text = String::new();
        for child in children {
            let source = self.edited.source(child).ok()?;
            let tops = source.tree().pieces.iter().zip(&source.tree().elements);
            let comments = tops.filter(|(_, element)| element.kind == ElementKind::Comment && element.parent.is_none());
            let requests =
                comments.map(|(piece, _)| source.slice(&piece.span)).filter(|text| text.contains("tgen-support"));
            text.extend(requests);
        }
        let source = self.edited.source(root).ok()?;
        text.push_str(&self.expanded(chain, source, 0..source.tree().pieces.len(), None)?);
        Some(text)
    }

    /// A part of a template with its blocks as the first template of the chain that has them defines them. `within` is the
    /// block that the part is of, and the level at which it is defined.
    fn expanded(
        &self,
        chain: &[TemplateName],
        source: &Source,
        range: std::ops::Range<ElementId>,
        within: Option<(&str, usize)>,
    ) -> Option<String> {
        let tree = source.tree();
        let mut text = String::new();
        let mut id = range.start;
        while id < range.end {
            match &tree.elements[id].kind {
                ElementKind::Block(Some(name)) => {
                    let end = tree.elements[id].end?;
                    let tags = (source.slice(&tree.pieces[id].span), source.slice(&tree.pieces[end].span));
                    text.push_str(&self.expanded_block(chain, source.slice(name), tags)?);
                    id = end;
                }
                ElementKind::Extends(_) => {}
                ElementKind::Output(expression) if is_super(source, expression) => {
                    let (name, level) = within?;
                    let above = chain.get(level + 1..)?;
                    let next = level + 1 + self.definer(above, name)?;
                    text.push_str(&guarded(source, id, &self.inside(chain, name, next)?));
                }
                _ => text.push_str(source.slice(&tree.pieces[id].span)),
            }
            id += 1;
        }
        Some(text)
    }

    /// A block as the first template of the chain defines it. Outside of it white space is trimmed as by the tags `open` and
    /// `end` at its place, inside as by the tags of its definition.
    fn expanded_block(&self, chain: &[TemplateName], name: &str, (open, end): (&str, &str)) -> Option<String> {
        let level = self.definer(chain, name)?;
        let (source, block) = self.block(chain.get(level)?, name)?;
        let pieces = &source.tree().pieces;
        let own_open = source.slice(&pieces[block.open].span);
        let own_end = source.slice(&pieces[block.end].span);
        let dash = |is_there: bool| if is_there { "-" } else { "" };
        Some(format!(
            "{{%{} block {name} {}%}}{}{{%{} endblock {name} {}%}}",
            dash(open.starts_with("{%-")),
            dash(own_open.ends_with("-%}")),
            self.inside(chain, name, level)?,
            dash(own_end.starts_with("{%-")),
            dash(end.ends_with("-%}")),
        ))
    }

    fn inside(&self, chain: &[TemplateName], name: &str, level: usize) -> Option<String> {
        let (source, block) = self.block(chain.get(level)?, name)?;
        self.expanded(chain, source, block.open + 1..block.end, Some((name, level)))
    }
}

/// The templates that a template which extends this one can override: what this one extends and includes, but not the
/// components that it calls, whose names are global.
pub(super) fn overridable(library: &Library<'_>, base: &TemplateName) -> BTreeSet<TemplateName> {
    let mut found = BTreeSet::from([base.clone()]);
    let mut waiting = vec![base.clone()];
    while let Some(source) = waiting.pop().map(|name| library.source(&name)) {
        let Ok(source) = source else { continue };
        let names = source.tree().elements.iter().filter_map(|element| match &element.kind {
            ElementKind::Extends(Some(name)) | ElementKind::Include(Some(name)) => {
                Some(TemplateName::new(source.slice(name)))
            }
            _ => None,
        });
        waiting.extend(names.filter(|name| found.insert(name.clone())));
    }
    found
}

fn blocks(source: &Source) -> Vec<Block<'_>> {
    let tree = source.tree();
    let of_element = |(open, element): (ElementId, &crate::template::syntax::tree::Element)| match &element.kind {
        ElementKind::Block(Some(name)) => Some(Block { name: source.slice(name), open, end: element.end? }),
        _ => None,
    };
    tree.elements.iter().enumerate().filter_map(of_element).collect()
}

/// A part of a template without what is inside of the blocks in it.
fn own_text(source: &Source, range: std::ops::Range<ElementId>, blocks: &[Block<'_>]) -> String {
    let is_inside =
        |id: ElementId| blocks.iter().any(|block| range.contains(&block.open) && block.open < id && id < block.end);
    let own = range.clone().filter(|id| !is_inside(*id));
    own.map(|id| source.slice(&source.tree().pieces[id].span)).collect()
}

fn is_super(source: &Source, expression: &Expr) -> bool {
    match &expression.inner().kind {
        ExprKind::Call(call) => call.name.as_ref().is_some_and(|name| source.slice(name) == "super"),
        _ => false,
    }
}

fn is_include(source: &Source, kind: &ElementKind, included: &TemplateName) -> bool {
    matches!(kind, ElementKind::Include(Some(name)) if source.slice(name) == included.as_str())
}

/// A template with another one inlined where it is included.
fn with_included(source: &Source, included: &TemplateName, text: &str) -> String {
    let mut new = String::with_capacity(source.text.len() + text.len());
    let mut is_trimming = false;
    for (id, (piece, element)) in source.tree().pieces.iter().zip(&source.tree().elements).enumerate() {
        let slice = source.slice(&piece.span);
        if is_include(source, &element.kind, included) {
            if slice.starts_with("{%-") {
                new.truncate(new.trim_end().len());
            }
            new.push_str(&guarded(source, id, text));
            is_trimming = slice.ends_with("-%}");
            continue;
        }
        new.push_str(if is_trimming { slice.trim_start() } else { slice });
        is_trimming = false;
    }
    new
}

/// Text in place of a tag. At an end where a tag around it, or the text's own first or last tag, would trim white space that
/// it did not reach before, an empty expression keeps them apart.
fn guarded(source: &Source, tag: ElementId, text: &str) -> String {
    const GUARD: &str = "{{ \"\" }}";
    let pieces = &source.tree().pieces;
    let is_white = |id: &ElementId| source.slice(&pieces[*id].span).trim().is_empty();
    let before = (0..tag).rev().find(|id| !is_white(id)).map_or("", |id| source.slice(&pieces[id].span));
    let after = (tag + 1..pieces.len()).find(|id| !is_white(id)).map_or("", |id| source.slice(&pieces[id].span));
    let trims_forward = |tag: &str| ["-%}", "-}}", "-#}"].iter().any(|end| tag.trim_end().ends_with(end));
    let trims_back = |tag: &str| ["{%-", "{{-", "{#-"].iter().any(|start| tag.trim_start().starts_with(start));
    let is_open = trims_forward(before) || trims_back(text);
    let is_close = trims_back(after) || trims_forward(text);
    [if is_open { GUARD } else { "" }, text, if is_close { GUARD } else { "" }].concat()
}
