//! Which stretch of a template wrote which stretch of an output, byte for byte where a template writes text as it is.
//!
//! Marks stand before the first character of each line that is no white space. What stands between two marks is compared
//! with the template from the first mark on and back from the second; what agrees with neither has no known origin.

use std::ops::Range;

use crate::rendering::origin::{MarkKind, Marked, Stop, Traced};
use crate::template::library::{Library, Source};
use crate::template::scan::PieceKind;
use crate::template::syntax::tree::ElementKind;
use crate::template::{Dialect, TemplateName};

/// How a stretch of a template wrote a stretch of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// As it is: both have the same bytes.
    AsItIs,
    /// As the value of an expression.
    AsValue,
}

/// A stretch of an output, and what wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Byte offsets in the output; never empty.
    pub(super) wrote: Range<usize>,
    /// The template.
    pub(super) template: TemplateName,
    /// Byte offsets in the template; of a value, its whole tag.
    pub(super) source: Range<usize>,
    /// How.
    pub(super) written: Written,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) template: TemplateName,
    pub(super) at: usize,
}

/// An output and the stretches of templates that wrote it, in the order of the output.
#[derive(Debug, Default)]
pub(super) struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Reads the marks of an output.
    pub(super) fn of(library: &Library<'_>, marked: &Marked, traced: &Traced) -> Self {
        let mut reader = Reader { library, text: &traced.text, found: Vec::new() };
        let stops: Vec<Stop<'_>> = marked.stops(traced).collect();
        let first = stops.first().map_or(0, |stop| stop.at);
        reader.between(None, 0..first, stops.first());
        for (number, stop) in stops.iter().enumerate() {
            let next = stops.get(number + 1);
            let wrote = stop.at..next.map_or(traced.text.len(), |next| next.at);
            if !wrote.is_empty() {
                reader.after(stop, wrote, next);
            }
        }
        Self(reader.found)
    }

    /// The stretches that wrote any byte of a range.
    pub(super) fn within(&self, range: &Range<usize>) -> &[Stretch] {
        let start = self.0.partition_point(|stretch| stretch.wrote.end <= range.start);
        let end = self.0.partition_point(|stretch| stretch.wrote.start < range.end);
        self.0.get(start..end).unwrap_or_default()
    }

    /// The place in a template after what wrote the byte before an offset.
    pub(super) fn before(&self, offset: usize) -> Option<Place> {
        let stretch = self.within(&(offset.checked_sub(1)?..offset)).first()?;
        let at = match stretch.written {
            Written::AsItIs => stretch.source.start + (offset - stretch.wrote.start),
            Written::AsValue if offset == stretch.wrote.end => stretch.source.end,
            Written::AsValue => return None,
        };
        Some(Place { template: stretch.template.clone(), at })
    }

    /// The place in a template before what wrote the byte at an offset.
    pub(super) fn after(&self, offset: usize) -> Option<Place> {
        let stretch = self.within(&(offset..offset + 1)).first()?;
        let at = match stretch.written {
            Written::AsItIs => stretch.source.start + (offset - stretch.wrote.start),
            Written::AsValue if offset == stretch.wrote.start => stretch.source.start,
            Written::AsValue => return None,
        };
        Some(Place { template: stretch.template.clone(), at })
    }

    /// What a part of a template wrote, from its first to its last byte.
    pub(super) fn written_by(&self, template: &TemplateName, span: &Range<usize>) -> Option<Range<usize>> {
        let is_inside = |stretch: &&Stretch| {
            stretch.template == *template && span.start <= stretch.source.start && stretch.source.end <= span.end
        };
        let first = self.0.iter().find(is_inside)?;
        let last = self.0.iter().rfind(is_inside)?;
        Some(first.wrote.start..last.wrote.end)
    }

    /// The range around an offset that templates other than the excluded ones have written without interruption.
    pub(super) fn others_around(
        &self,
        offset: usize,
        is_excluded: impl Fn(&TemplateName) -> bool,
    ) -> Option<Range<usize>> {
        let at = self.0.partition_point(|stretch| stretch.wrote.end <= offset).min(self.0.len().checked_sub(1)?);
        let is_other = |stretch: &&Stretch| !is_excluded(&stretch.template);
        let first = self.0[..=at].iter().rev().take_while(is_other).last()?;
        let last = self.0[at..].iter().take_while(is_other).last()?;
        Some(first.wrote.start..last.wrote.end)
    }

    /// The nearest stretches before and after a range, of each template at most so many, the nearest first.
    pub(super) fn around(&self, range: &Range<usize>, most: usize) -> (Vec<&Stretch>, Vec<&Stretch>) {
        let start = self.0.partition_point(|stretch| stretch.wrote.end <= range.start);
        let end = self.0.partition_point(|stretch| stretch.wrote.start < range.end);
        let before = self.0.get(..start).unwrap_or_default().iter().rev();
        let after = self.0.get(end..).unwrap_or_default().iter();
        (nearest_of_each_template(before, most), nearest_of_each_template(after, most))
    }

    /// The place that wrote a byte, or the nearest one that is known.
    pub(super) fn nearest(&self, offset: usize) -> Option<Place> {
        let at = self.0.partition_point(|stretch| stretch.wrote.end <= offset);
        let stretch = self.0.get(at).or_else(|| self.0.last())?;
        let into = match stretch.written {
            Written::AsItIs => offset.saturating_sub(stretch.wrote.start).min(stretch.source.len()),
            Written::AsValue => 0,
        };
        Some(Place { template: stretch.template.clone(), at: stretch.source.start + into })
    }
}

fn nearest_of_each_template<'s>(stretches: impl Iterator<Item = &'s Stretch>, most: usize) -> Vec<&'s Stretch> {
    let mut nearest: Vec<&Stretch> = Vec::new();
    for stretch in stretches {
        if nearest.iter().filter(|found| found.template == stretch.template).count() < most {
            nearest.push(stretch);
        }
    }
    nearest
}

struct Reader<'r> {
    library: &'r Library<'r>,
    text: &'r str,
    found: Vec<Stretch>,
}

impl Reader<'_> {
    fn after(&mut self, stop: &Stop<'_>, wrote: Range<usize>, next: Option<&Stop<'_>>) {
        let is_whole_value = stop.kind == MarkKind::Value
            && next.is_some_and(|next| next.kind == MarkKind::EndOfValue && next.template == stop.template);
        if is_whole_value {
            self.push(stop.template, wrote, stop.span.clone(), Written::AsValue);
        } else if stop.kind == MarkKind::Value {
            // The value of a component begins with text of its own.
            self.between(None, wrote, next);
        } else {
            self.between(Some((stop.template, stop.span.start)), wrote, next);
        }
    }

    /// Reads a stretch of the output that follows a place in a template and ends at a mark.
    fn between(&mut self, from: Option<(&TemplateName, usize)>, wrote: Range<usize>, next: Option<&Stop<'_>>) {
        let mut rest = wrote;
        let mut reached = None;
        if let Some((template, at)) = from
            && let Some(text) = self.piece_from(template, at)
        {
            let len = common_start(&self.text[rest.clone()], text);
            self.push(template, rest.start..rest.start + len, at..at + len, Written::AsItIs);
            rest.start += len;
            reached = Some((template, at + len));
        }
        let before_next = next.filter(|next| next.kind != MarkKind::EndOfValue);
        let back = before_next.and_then(|next| self.back_from(next, &rest));
        let end = back.as_ref().map_or(rest.end, |(len, _)| rest.end - len);
        if let (Some((template, reached)), Some((_, source))) = (reached, &back)
            && next.is_some_and(|next| next.template == template)
        {
            self.white_space_between(template, reached, source.start, rest.start..end);
        }
        if let (Some(next), Some((_, source))) = (next, back) {
            self.push(next.template, end..rest.end, source, Written::AsItIs);
        }
    }

    /// The end of a stretch, as far as it equals the template's text right before a mark.
    fn back_from(&self, next: &Stop<'_>, rest: &Range<usize>) -> Option<(usize, Range<usize>)> {
        let source = self.library.source(next.template).ok()?;
        let at = next.span.start;
        let start = match source.dialect() {
            Dialect::Dollar => 0,
            Dialect::Tera => written_piece(source, at.checked_sub(1)?).map_or(at, |piece| piece.start.min(at)),
        };
        let len = common_end(&self.text[rest.clone()], source.text.get(start..at)?);
        Some((len, at - len..at))
    }

    /// Reads the pieces of a template that are white space alone, which have no marks.
    fn white_space_between(&mut self, template: &TemplateName, from: usize, to: usize, mut rest: Range<usize>) {
        let Ok(source) = self.library.source(template) else { return };
        for piece in pieces_between(source, from, to) {
            let Some(piece) = written_piece(source, piece.start) else { continue };
            if !rest.is_empty() {
                let len = common_start(&self.text[rest.clone()], &source.text[piece.clone()]);
                self.push(template, rest.start..rest.start + len, piece.start..piece.start + len, Written::AsItIs);
                rest.start += len;
            }
        }
    }

    /// The text from a place on, to the end of its piece.
    fn piece_from(&self, template: &TemplateName, at: usize) -> Option<&str> {
        let source = self.library.source(template).ok()?;
        let end = match source.dialect() {
            Dialect::Dollar => source.text.len(),
            Dialect::Tera => written_piece(source, at).map_or(at, |piece| piece.end.max(at)),
        };
        source.text.get(at..end)
    }

    fn push(&mut self, template: &TemplateName, wrote: Range<usize>, source: Range<usize>, written: Written) {
        if !wrote.is_empty() {
            self.found.push(Stretch { wrote, template: template.clone(), source, written });
        }
    }
}

/// The piece of text at an offset, as far as it is written: tags beside it may take its white space away.
fn written_piece(source: &Source, at: usize) -> Option<Range<usize>> {
    let pieces = &source.tree().pieces;
    let number = source.tree().element_at(at)?;
    let piece = pieces[number].span.clone();
    let text = &source.text[piece.clone()];
    match pieces[number].kind {
        PieceKind::Raw => Some(piece),
        PieceKind::Text => {
            let tag = |number: Option<usize>| {
                number.and_then(|number| pieces.get(number)).map_or("", |tag| source.slice(&tag.span))
            };
            let is_trimmed_before = ["-%}", "-}}", "-#}"].iter().any(|end| tag(number.checked_sub(1)).ends_with(end));
            let is_trimmed_after = ["{%-", "{{-", "{#-"].iter().any(|start| tag(Some(number + 1)).starts_with(start));
            let start = if is_trimmed_before { text.len() - text.trim_start().len() } else { 0 };
            let end = if is_trimmed_after { text.trim_end().len().max(start) } else { text.len() };
            Some(piece.start + start..piece.start + end)
        }
        _ => None,
    }
}

/// The pieces on the way from one place to another, in the order in which they are executed: forward, or around the loop
/// that both are in.
pub(super) fn pieces_between(source: &Source, from: usize, to: usize) -> Vec<Range<usize>> {
    let tree = source.tree();
    let within = |range: Range<usize>| {
        let pieces = tree.pieces.iter().map(|piece| piece.span.clone());
        pieces.filter(move |piece| range.start <= piece.start && piece.end <= range.end)
    };
    if from <= to {
        return within(from..to).collect();
    }
    let Some(element) = tree.element_at(to) else { return Vec::new() };
    let loops =
        tree.sections_around(element).filter(|section| matches!(tree.elements[*section].kind, ElementKind::For(_)));
    let around_both = loops.filter_map(|section| {
        let end = tree.pieces.get(tree.elements[section].end?)?.span.start;
        (from <= end).then_some((tree.pieces[section].span.end, end))
    });
    let Some((start, end)) = around_both.into_iter().next() else { return Vec::new() };
    within(from..end).chain(within(start..to)).collect()
}

fn common_start(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(left, right)| left == right).map(|(left, _)| left.len_utf8()).sum()
}

fn common_end(left: &str, right: &str) -> usize {
    let pairs = left.chars().rev().zip(right.chars().rev());
    pairs.take_while(|(left, right)| left == right).map(|(left, _)| left.len_utf8()).sum()
}
