//! From an edit of an output to the edits of templates that may have the same effect. This module must not render: whether
//! an edit has that effect is decided by rendering it elsewhere.

use std::collections::BTreeSet;
use std::ops::Range;

use super::blocks::{Block, TextReplacement, blocks};
use super::edits::{TemplateEdit, escaped};
use super::literals;
use super::stretches::{Place, Stretch, Stretches, Written, pieces_between};
use crate::template::TemplateName;
use crate::template::library::{Library, Source};
use crate::template::syntax::tree::{ElementKind, ExprKind};

/// Edits of templates that may lead an output to its edited text.
pub(super) type Proposal = Vec<TemplateEdit>;

/// How many proposals are tried for a block.
const MOST: usize = 48;
/// How many places are tried for an edit that can stand at several.
const MOST_PLACES: usize = 12;
/// How many stretches on each side of a block are tried as the borders of the text that is written out.
const MOST_AROUND: usize = 6;
/// The largest distance, in bytes, to a tag at which text is inserted.
const FARTHEST_BORDER: usize = 64;
/// How many characters an edit is moved in each direction to find other places for it.
const MOST_SLIDES: usize = 512;

/// How many empty lines before and after what a component wrote may be its own.
const MOST_EMPTY: usize = 2;

/// Proposes edits for the blocks of one output.
pub(super) struct Proposer<'p> {
    pub(super) library: &'p Library<'p>,
    /// What was generated.
    pub(super) old: &'p str,
    /// What the user made of it.
    pub(super) new: &'p str,
    pub(super) stretches: &'p Stretches,
}

impl Proposer<'_> {
    /// The proposals for a block, the likelier first.
    pub(super) fn of_block(&self, block: &Block) -> Vec<Proposal> {
        let inside = self.stretches.within(&block.old);
        let values: Vec<_> = inside
            .iter()
            .filter(|stretch| stretch.written == Written::AsValue)
            .map(|stretch| stretch.wrote.clone())
            .collect();
        let mut proposals: Vec<Proposal> = Vec::new();
        for reading in block.readings(self.old, self.new, &values) {
            for proposal in self.of_reading(&reading) {
                if !proposal.is_empty() && !proposals.contains(&proposal) {
                    proposals.push(proposal);
                }
            }
        }
        proposals.truncate(MOST);
        proposals
    }

    /// The loops around a block, each replaced by what it writes.
    pub(super) fn written_out(&self, block: &Block) -> Vec<Proposal> {
        let Some(place) = self.stretches.nearest(block.old.start) else { return Vec::new() };
        let Ok(source) = self.library.source(&place.template) else { return Vec::new() };
        let tree = source.tree();
        let Some(element) = tree.element_at(place.at) else { return Vec::new() };
        let around = tree.sections_around(element);
        let loops = around.filter(|section| matches!(tree.elements[*section].kind, ElementKind::For(_)));
        let spans = loops.filter_map(|section| {
            let end = tree.elements[section].end?;
            Some(tree.pieces[section].span.start..tree.pieces[end].span.end)
        });
        let loops = spans.filter_map(|span| self.loop_written_out(&place.template, span));
        loops.chain(self.between_known_text(block)).collect()
    }

    /// The calls of components in `templates`, each replaced by what a component has written around a block.
    pub(super) fn calls_written_out(&self, block: &Block, templates: &BTreeSet<TemplateName>) -> Vec<Proposal> {
        let is_caller = |name: &TemplateName| templates.contains(name);
        let Some(wrote) = self.stretches.others_around(block.old.start, is_caller) else { return Vec::new() };
        let spans = self.with_white_space(&wrote);
        let mut proposals = Vec::new();
        for name in templates {
            let Ok(source) = self.library.source(name) else { continue };
            for call in calls(source) {
                let texts = spans.iter().filter_map(|span| self.new.get(self.in_edited(span)));
                let edits = texts.flat_map(|text| {
                    // A tag beside the call may trim white space, but not that of raw text.
                    let raw = raw(name, &call, text);
                    self.edit(name, call.clone(), text).into_iter().chain(raw)
                });
                proposals.extend(edits.map(|edit| vec![edit]).take(MOST.saturating_sub(proposals.len())));
            }
        }
        proposals
    }

    /// A range of the generated text, without and with the empty lines around it, which a component may have written.
    fn with_white_space(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let before = self.old[..range.start].char_indices().rev().take_while(|(_, char)| char.is_whitespace());
        let starts: Vec<usize> = before.filter(|(_, char)| *char == '\n').map(|(at, _)| at).take(MOST_EMPTY).collect();
        let after = self.old[range.end..].char_indices().take_while(|(_, char)| char.is_whitespace());
        let ends = after.filter(|(_, char)| *char == '\n').map(|(at, _)| range.end + at + 1).take(MOST_EMPTY);
        let ends: Vec<usize> = std::iter::once(range.end).chain(ends).collect();
        let starts = std::iter::once(range.start).chain(starts);
        starts.flat_map(|start| ends.iter().map(move |end| start..*end)).collect()
    }

    /// The part of a template between two stretches around a block, tags included, replaced by what it writes.
    fn between_known_text(&self, block: &Block) -> Vec<Proposal> {
        let (before, after) = self.stretches.around(&block.old, MOST_AROUND);
        let mut proposals = Vec::new();
        for first in &before {
            let same_template = after.iter().filter(|last| last.template == first.template);
            for last in same_template.filter(|last| first.source.end <= last.source.start) {
                let new = self.in_edited(&(first.wrote.end..last.wrote.start));
                let span = first.source.end..last.source.start;
                let edit = self.new.get(new).and_then(|text| self.edit(&first.template, span, text));
                proposals.extend(edit.map(|edit| vec![edit]));
            }
        }
        proposals
    }

    fn loop_written_out(&self, template: &TemplateName, span: Range<usize>) -> Option<Proposal> {
        let wrote = self.stretches.written_by(template, &span)?;
        let new = self.in_edited(&wrote);
        self.edit(template, span, self.new.get(new)?).map(|edit| vec![edit])
    }

    /// The part of the edited text that a part of the generated one has become.
    fn in_edited(&self, old: &Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (old.start, old.end);
        let (mut shift_of_start, mut shift_of_end) = (0isize, 0isize);
        for block in blocks(self.old, self.new) {
            let grown = block.new.len().cast_signed() - block.old.len().cast_signed();
            if block.old.end <= old.start && block.old != (old.start..old.start) {
                shift_of_start += grown;
            } else if block.old.start < old.start {
                start = block.old.start;
            }
            if block.old.start < old.end || block.old.end <= old.end {
                shift_of_end += grown;
                end = end.max(block.old.end);
            }
        }
        start.saturating_add_signed(shift_of_start)..end.saturating_add_signed(shift_of_end)
    }

    fn of_reading(&self, reading: &[TextReplacement]) -> Vec<Proposal> {
        let ways: Vec<Vec<Proposal>> = reading.iter().map(|edit| self.of_edit(edit)).collect();
        if ways.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let most = ways.iter().map(Vec::len).max().unwrap_or_default();
        let nth = |number: usize| ways.iter().flat_map(|ways| ways[number.min(ways.len() - 1)].clone()).collect();
        (0..most).map(nth).collect()
    }

    fn of_edit(&self, edit: &TextReplacement) -> Vec<Proposal> {
        let mut proposals = Vec::new();
        for edit in self.slides(edit) {
            let of_this = if edit.old.is_empty() { self.insertions(&edit) } else { self.replacements(&edit) };
            for proposal in of_this {
                if !proposals.contains(&proposal) && proposals.len() < MOST_PLACES {
                    proposals.push(proposal);
                }
            }
        }
        proposals
    }

    /// The same edit at the other places where it has the same effect: an inserted line that equals its neighbour may
    /// stand before or after that.
    fn slides(&self, edit: &TextReplacement) -> Vec<TextReplacement> {
        let mut slides = vec![edit.clone()];
        if edit.old.is_empty() == edit.text.is_empty() {
            return slides;
        }
        let moving = if edit.old.is_empty() { edit.text.clone() } else { self.old[edit.old.clone()].to_owned() };
        let slid = |at: usize, moving: &str| TextReplacement {
            old: at..at + edit.old.len(),
            text: if edit.old.is_empty() { moving.to_owned() } else { String::new() },
        };
        let (mut at, mut text) = (edit.old.start, moving.clone());
        while let (Some(last), Some(before)) = (text.chars().next_back(), self.old[..at].chars().next_back())
            && last == before
            && slides.len() < MOST_SLIDES
        {
            at -= last.len_utf8();
            text.truncate(text.len() - last.len_utf8());
            text.insert(0, last);
            slides.push(slid(at, &text));
        }
        let (mut at, mut text) = (edit.old.start, moving);
        let behind = |at: usize| at + edit.old.len();
        while let (Some(first), Some(after)) = (text.chars().next(), self.old[behind(at)..].chars().next())
            && first == after
            && slides.len() < 2 * MOST_SLIDES
        {
            at += first.len_utf8();
            text.remove(0);
            text.push(first);
            slides.push(slid(at, &text));
        }
        self.at_borders(slides)
    }

    /// Keeps the first place of an edit, those at the start of a line, and those where another stretch begins.
    fn at_borders(&self, slides: Vec<TextReplacement>) -> Vec<TextReplacement> {
        let is_line_start = |at: usize| at == 0 || self.old[..at].ends_with('\n');
        let is_border = |at: usize| self.stretches.before(at) != self.stretches.after(at);
        let is_one = |edit: &TextReplacement| {
            is_line_start(edit.old.start)
                || is_border(edit.old.start)
                || (!edit.old.is_empty() && is_border(edit.old.end))
        };
        let kept = slides.into_iter().enumerate().filter(|(number, edit)| *number == 0 || is_one(edit));
        kept.map(|(_, edit)| edit).take(MOST_PLACES).collect()
    }

    /// Inserted text goes after what wrote the byte before it, before what wrote the byte after it, or to a tag near one of
    /// the two.
    fn insertions(&self, edit: &TextReplacement) -> Vec<Proposal> {
        let at = edit.old.start;
        let (before, after) = (self.stretches.before(at), self.stretches.after(at));
        let mut places: Vec<Place> = before.iter().chain(&after).cloned().collect();
        if let (Some(before), Some(after)) = (&before, &after) {
            places.extend(self.borders_between(before, after));
        }
        places.extend(before.iter().flat_map(|before| self.borders_near(before)));
        places.extend(after.iter().flat_map(|after| self.borders_near(after)));
        let mut distinct: Vec<Place> = Vec::new();
        for place in places {
            if !distinct.contains(&place) {
                distinct.push(place);
            }
        }
        let at_places = distinct.into_iter().take(MOST_PLACES).filter_map(|place| self.put(&place, &edit.text));
        at_places.chain(self.in_literals(edit)).collect()
    }

    /// Edits of literals: text inside of a value may be written by a literal of its expression.
    fn in_literals(&self, edit: &TextReplacement) -> Vec<Proposal> {
        let around = edit.old.start.saturating_sub(1)..edit.old.end + 1;
        let values = self.stretches.within(&around).iter().filter(|stretch| stretch.written == Written::AsValue);
        let edits = values.filter_map(|value| {
            let source = self.library.source(&value.template).ok()?;
            Some(literals::edits(source, value, self.old, edit))
        });
        edits.flatten().map(|edit| vec![edit]).collect()
    }

    fn borders_between(&self, before: &Place, after: &Place) -> Vec<Place> {
        let Ok(source) = self.library.source(&before.template) else { return Vec::new() };
        if before.template != after.template {
            return Vec::new();
        }
        let ends = pieces_between(source, before.at, after.at).into_iter().map(|piece| piece.end);
        ends.map(|at| Place { template: before.template.clone(), at }).collect()
    }

    /// The borders of the pieces around a place, the nearest first.
    fn borders_near(&self, place: &Place) -> Vec<Place> {
        let Ok(source) = self.library.source(&place.template) else { return Vec::new() };
        let pieces = &source.tree().pieces;
        let next = pieces.partition_point(|piece| piece.span.end < place.at);
        let near = pieces.iter().skip(next.saturating_sub(2)).take(6).map(|piece| piece.span.end);
        let mut near: Vec<usize> = near.filter(|end| end.abs_diff(place.at) < FARTHEST_BORDER).collect();
        near.sort_by_key(|end| end.abs_diff(place.at));
        near.into_iter().map(|at| Place { template: place.template.clone(), at }).collect()
    }

    fn put(&self, place: &Place, text: &str) -> Option<Proposal> {
        self.edit(&place.template, place.at..place.at, text).map(|edit| vec![edit])
    }

    fn edit(&self, template: &TemplateName, span: Range<usize>, text: &str) -> Option<TemplateEdit> {
        self.library.source(template).ok().map(|source| escaped(source, template, &span, text))
    }

    /// Replaces a range as one stretch of one template, tags in between included, or stretch by stretch.
    fn replacements(&self, edit: &TextReplacement) -> Vec<Proposal> {
        let Some(parts) = self.parts(&edit.old) else { return self.in_literals(edit) };
        // Lines may go with their values, but other text in place of a value is another value.
        let has_values = parts.iter().any(|part| part.written == Written::AsValue);
        if has_values && !edit.text.is_empty() && !self.is_whole_lines(&edit.old) {
            return self.in_literals(edit);
        }
        let mut proposals: Vec<Proposal> = self.whole(&parts, &edit.text).into_iter().collect();
        if parts.len() > 1 {
            proposals
                .extend([0, parts.len() - 1].iter().filter_map(|bearer| self.in_parts(&parts, *bearer, &edit.text)));
        }
        proposals
    }

    /// Whether a range is whole lines, indentation aside.
    fn is_whole_lines(&self, range: &Range<usize>) -> bool {
        let before = self.old[..range.start].rsplit('\n').next().unwrap_or_default();
        let ends_line = self.old[..range.end].ends_with('\n') || self.old[range.end..].starts_with('\n');
        before.trim().is_empty() && (ends_line || range.end == self.old.len())
    }

    /// The parts of templates that wrote a range; none where a value is cut, or where it is not known what wrote a
    /// character that is no white space.
    fn parts(&self, range: &Range<usize>) -> Option<Vec<Stretch>> {
        let mut parts = Vec::new();
        let mut at = range.start;
        for stretch in self.stretches.within(range) {
            let wrote = stretch.wrote.start.max(range.start)..stretch.wrote.end.min(range.end);
            if !self.old.get(at..wrote.start)?.trim().is_empty() {
                return None;
            }
            at = wrote.end;
            let source = match stretch.written {
                Written::AsValue if wrote != stretch.wrote => return None,
                Written::AsValue => stretch.source.clone(),
                Written::AsItIs => {
                    let shift = |offset: usize| stretch.source.start + offset - stretch.wrote.start;
                    shift(wrote.start)..shift(wrote.end)
                }
            };
            parts.push(Stretch { wrote, source, ..stretch.clone() });
        }
        let is_known = self.old.get(at..range.end)?.trim().is_empty();
        (is_known && !parts.is_empty()).then_some(parts)
    }

    fn whole(&self, parts: &[Stretch], text: &str) -> Option<Proposal> {
        let first = parts.first()?;
        let is_one_way = parts
            .windows(2)
            .all(|pair| pair[0].template == pair[1].template && pair[0].source.end <= pair[1].source.start);
        let span = first.source.start..parts.last()?.source.end;
        is_one_way.then(|| self.edit(&first.template, span, text)).flatten().map(|edit| vec![edit])
    }

    /// Deletes every part but one, which gets the new text.
    fn in_parts(&self, parts: &[Stretch], bearer: usize, text: &str) -> Option<Proposal> {
        let mut proposal = Proposal::new();
        for (number, part) in parts.iter().enumerate() {
            let text = if number == bearer { text } else { "" };
            let edit = self.edit(&part.template, part.source.clone(), text)?;
            if !proposal.contains(&edit) {
                proposal.push(edit);
            }
        }
        Some(proposal)
    }
}

/// An edit that puts raw text into a template; none where the text would end it.
fn raw(template: &TemplateName, replaced: &Range<usize>, text: &str) -> Option<TemplateEdit> {
    let text = (!text.contains("endraw")).then(|| format!("{{% raw %}}{text}{{% endraw %}}"))?;
    Some(TemplateEdit { template: template.clone(), start: replaced.start, end: replaced.end, text })
}

/// The tags of a template that call a component.
fn calls(source: &Source) -> Vec<Range<usize>> {
    let tree = source.tree();
    let is_call = |kind: &ElementKind| match kind {
        ElementKind::Output(expression) => matches!(expression.inner().kind, ExprKind::Component(_)),
        _ => false,
    };
    let calls = tree.elements.iter().zip(&tree.pieces).filter(|(element, _)| is_call(&element.kind));
    calls.map(|(_, piece)| piece.span.clone()).collect()
}
