//! From an output back to its template: which part of which template wrote a byte.
//!
//! Tera does not tell. So marks, which are characters that no template has, are inserted into the templates' texts. Tera
//! copies them to the output, and the text between two marks there comes from the text between them in the template. Where
//! marks would change the output, because text is captured and counted or compared, [`trace`] notices it and uses fewer
//! marks or none.

use std::ops::Range;

use crate::base::problem::Problem;
use crate::template::compiled::{Compiled, compile};
use crate::template::dollar::{self, DollarPiece};
use crate::template::library::{Library, Source};
use crate::template::renderer::{Renderer, Values};
use crate::template::scan::{Piece, PieceKind};
use crate::template::syntax::tree::{ElementId, ElementKind, Tree};
use crate::template::{Dialect, TemplateName};

/// Opens a mark.
const MARK: char = '\u{10fffc}';
/// The digit zero of the numbers in marks, and how many digits there are.
const ZERO: u32 = 0x000f_0000;
const DIGITS: usize = 4096;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSpan {
    /// The template.
    pub template: TemplateName,
    /// Byte offsets in its text.
    pub span: Range<usize>,
}

/// A value in an output, and the `{{ … }}` that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Byte offsets in the output.
    pub span: Range<usize>,
    /// The expression, braces included.
    pub origin: TemplateSpan,
}

/// A template with marks in it, ready to render.
pub struct Marked {
    compiled: Compiled,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone)]
struct Mark {
    kind: MarkKind,
    template: TemplateName,
    /// The part of the template that the mark is for: of a text, from the mark on; of a value, its whole tag.
    span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    /// Before text that is written as it is.
    Text,
    /// Before the value of an expression.
    Value,
    /// After the value of an expression.
    EndOfValue,
}

/// An output without its marks, and where these were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traced {
    /// What was rendered.
    pub text: String,
    /// Where a mark stood, and which one.
    stops: Vec<(usize, usize)>,
}

impl Traced {
    /// A text that was rendered without marks.
    #[must_use]
    pub fn without_marks(text: String) -> Self {
        Self { text, stops: Vec::new() }
    }

    /// Where the next mark after an offset stood, or the end.
    #[must_use]
    pub fn next_stop(&self, offset: usize) -> usize {
        let after = self.stops.partition_point(|(at, _)| *at <= offset);
        self.stops.get(after).map_or(self.text.len(), |(at, _)| *at)
    }
}

/// Marks a template, unless that changes what it renders with these values; `rendered` is the text without marks.
#[must_use]
pub fn trace(library: &Library<'_>, compiled: &Compiled, values: &dyn Values, rendered: &[u8]) -> Option<Marked> {
    [Captured::Marked, Captured::Unmarked].into_iter().find_map(|captured| {
        let marked = Marked::new(library, compiled, captured)?;
        let traced = marked.renderer().render(values).ok()?;
        (traced.text.as_bytes() == rendered).then_some(marked)
    })
}

/// Whether text that is captured before it is written gets marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Captured {
    Marked,
    Unmarked,
}

impl Marked {
    fn new(library: &Library<'_>, compiled: &Compiled, captured: Captured) -> Option<Self> {
        let mut marks = Vec::new();
        let mut marked = Library::of_texts();
        for name in &compiled.closure {
            let source = library.source(name).ok()?;
            if source.text.contains(MARK) {
                return None;
            }
            let text = with_marks(name, source, captured, &mut marks);
            marked.add(name.clone(), source.path.clone(), &text);
        }
        let compiled = compile(&marked, &compiled.name).ok()?;
        (marks.len() < DIGITS * DIGITS).then_some(Self { compiled, marks })
    }

    /// A renderer that reads the marks.
    #[must_use]
    pub fn renderer(&self) -> MarkedRenderer<'_> {
        MarkedRenderer { renderer: Renderer::of(&self.compiled), rendered: Vec::new() }
    }

    /// What wrote the byte at an offset of an output.
    #[must_use]
    pub fn origin(&self, traced: &Traced, offset: usize) -> Option<TemplateSpan> {
        let after = traced.stops.partition_point(|(at, _)| *at <= offset);
        let (at, number) = traced.stops[..after].last()?;
        let mark = &self.marks[*number];
        let span = match mark.kind {
            MarkKind::Value => mark.span.clone(),
            MarkKind::Text | MarkKind::EndOfValue => {
                let start = (mark.span.start + (offset - at)).min(mark.span.end);
                start..mark.span.end
            }
        };
        Some(TemplateSpan { template: mark.template.clone(), span })
    }

    /// The marks in an output, in its order.
    pub(super) fn stops<'m>(&'m self, traced: &'m Traced) -> impl Iterator<Item = Stop<'m>> {
        traced.stops.iter().map(|(at, number)| {
            let Mark { kind, template, span } = &self.marks[*number];
            Stop { at: *at, kind: *kind, template, span }
        })
    }

    /// The values in an output; those of components, which have text of their own, are left out.
    #[must_use]
    pub fn inserted(&self, traced: &Traced) -> Vec<Inserted> {
        let pairs = traced.stops.windows(2);
        let values = pairs.filter_map(|pair| {
            let [(start, first), (end, second)] = pair else { return None };
            let (first, second) = (&self.marks[*first], &self.marks[*second]);
            let is_value = first.kind == MarkKind::Value && second.kind == MarkKind::EndOfValue;
            is_value.then(|| Inserted {
                span: *start..*end,
                origin: TemplateSpan { template: first.template.clone(), span: first.span.clone() },
            })
        });
        values.collect()
    }
}

/// A mark in an output: where it stood, and what it says of what follows.
pub(super) struct Stop<'m> {
    /// Byte offset in the output.
    pub(super) at: usize,
    /// What follows.
    pub(super) kind: MarkKind,
    /// The template.
    pub(super) template: &'m TemplateName,
    /// The part of it; see [`Mark`].
    pub(super) span: &'m Range<usize>,
}

/// Renders case after case of a marked template.
pub struct MarkedRenderer<'m> {
    renderer: Renderer<'m>,
    rendered: Vec<u8>,
}

impl MarkedRenderer<'_> {
    /// Renders one case.
    ///
    /// # Errors
    /// A problem with columns of the marked text; render the template itself for the right ones.
    pub fn render(&mut self, values: &dyn Values) -> Result<Traced, Problem> {
        self.renderer.render(values, &mut self.rendered)?;
        Ok(read(&String::from_utf8_lossy(&self.rendered)))
    }
}

/// Takes the marks out of a rendered text. An incomplete mark stays.
fn read(rendered: &str) -> Traced {
    let mut traced = Traced { text: String::with_capacity(rendered.len()), stops: Vec::new() };
    let mut rest = rendered;
    while let Some(found) = rest.find(MARK) {
        traced.text.push_str(&rest[..found]);
        let mut chars = rest[found + MARK.len_utf8()..].chars();
        if let Some((high, low)) = chars.next().and_then(digit).zip(chars.next().and_then(digit)) {
            traced.stops.push((traced.text.len(), high * DIGITS + low));
            rest = chars.as_str();
        } else {
            traced.text.push(MARK);
            rest = &rest[found + MARK.len_utf8()..];
        }
    }
    traced.text.push_str(rest);
    traced
}

fn digit(char: char) -> Option<usize> {
    let digit = usize::try_from(u32::from(char).checked_sub(ZERO)?).ok()?;
    (digit < DIGITS).then_some(digit)
}

fn push_mark(number: usize, text: &mut String) {
    text.push(MARK);
    for digit in [number / DIGITS % DIGITS, number % DIGITS] {
        text.extend(u32::try_from(digit).ok().and_then(|digit| char::from_u32(ZERO + digit)));
    }
}

/// The text of a template with marks in it.
fn with_marks(name: &TemplateName, source: &Source, captured: Captured, marks: &mut Vec<Mark>) -> String {
    let mut places = match source.dialect() {
        Dialect::Tera => Places { text: &source.text, tree: source.tree(), found: Vec::new() }.of_tera(captured),
        Dialect::Dollar => of_dollar(&source.text),
    };
    places.sort_by_key(|place| place.at);
    let mut text = String::with_capacity(source.text.len() + places.len() * 12);
    let mut written = 0;
    for place in places {
        text.push_str(&source.text[written..place.at]);
        push_mark(marks.len(), &mut text);
        marks.push(Mark { kind: place.kind, template: name.clone(), span: place.span });
        written = place.at;
    }
    text.push_str(&source.text[written..]);
    text
}

/// Where a mark is put in, and what it says.
struct Insertion {
    at: usize,
    kind: MarkKind,
    span: Range<usize>,
}

fn of_dollar(text: &str) -> Vec<Insertion> {
    let mut places = Vec::new();
    for piece in dollar::scan(text) {
        match piece {
            DollarPiece::Text(span) => lines_of(text, &span, &mut places),
            DollarPiece::Placeholder { span, .. } => {
                places.push(Insertion { at: span.start, kind: MarkKind::Value, span: span.clone() });
                places.push(Insertion { at: span.end, kind: MarkKind::EndOfValue, span: span.end..span.end });
            }
            DollarPiece::Escape(_) | DollarPiece::Broken(_) => {}
        }
    }
    places
}

/// Inserts a mark before the first character of every line that is not white space: before white space, it could keep a tag
/// from trimming that.
fn lines_of(text: &str, span: &Range<usize>, places: &mut Vec<Insertion>) {
    let mut at = span.start;
    for line in text[span.clone()].split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        if start < at {
            places.push(Insertion { at: start, kind: MarkKind::Text, span: start..at });
        }
    }
}

struct Places<'s> {
    text: &'s str,
    tree: &'s Tree,
    found: Vec<Insertion>,
}

impl Places<'_> {
    fn of_tera(mut self, captured: Captured) -> Vec<Insertion> {
        let extends = self.tree.extends().is_some();
        for element in 0..self.tree.elements.len() {
            // A template that extends another one may have nothing outside of its blocks, not even marks.
            let is_ignored = extends && self.tree.elements[element].parent.is_none();
            if is_ignored || (captured == Captured::Unmarked && self.is_captured(element)) {
                continue;
            }
            let piece = &self.tree.pieces[element];
            match piece.kind {
                PieceKind::Text => lines_of(self.text, &piece.span, &mut self.found),
                PieceKind::Raw => self.raw(piece),
                PieceKind::Expression => self.value(element),
                PieceKind::Tag | PieceKind::Comment => {}
            }
        }
        self.found
    }

    fn is_captured(&self, element: ElementId) -> bool {
        self.tree.sections_around(element).any(|section| {
            matches!(
                self.tree.elements[section].kind,
                ElementKind::SetBlock(..)
                    | ElementKind::Filter(_)
                    | ElementKind::Component(_)
                    | ElementKind::ComponentBody(_)
            )
        })
    }

    fn raw(&mut self, piece: &Piece) {
        let text = &self.text[piece.span.clone()];
        if let (Some(start), Some(end)) = (text.find("%}"), text.rfind("{%")) {
            lines_of(self.text, &(piece.span.start + start + 2..piece.span.start + end), &mut self.found);
        }
    }

    /// Inserts marks before and after a value, outside of the white space that its tag trims.
    fn value(&mut self, element: ElementId) {
        let span = self.tree.pieces[element].span.clone();
        let text = &self.text[span.clone()];
        let before = if text.starts_with("{{-") { self.end_of_text_before(element) } else { Some(span.start) };
        let after = if text.ends_with("-}}") { self.start_of_text_after(element) } else { Some(span.end) };
        if let (Some(before), Some(after)) = (before, after) {
            self.found.push(Insertion { at: before, kind: MarkKind::Value, span: span.clone() });
            let end = self.tree.pieces.get(element + 1).map_or(span.end, |next| next.span.end);
            self.found.push(Insertion { at: after, kind: MarkKind::EndOfValue, span: after..end.max(after) });
        }
    }

    /// The position before the white space in front of a value; none if a comment or a raw block is there.
    fn end_of_text_before(&self, element: ElementId) -> Option<usize> {
        let start = self.tree.pieces[element].span.start;
        let Some(before) = element.checked_sub(1).map(|before| &self.tree.pieces[before]) else { return Some(start) };
        match before.kind {
            PieceKind::Text => Some(before.span.start + self.text[before.span.clone()].trim_end().len()),
            PieceKind::Comment | PieceKind::Raw => None,
            _ => Some(start),
        }
    }

    fn start_of_text_after(&self, element: ElementId) -> Option<usize> {
        let end = self.tree.pieces[element].span.end;
        let Some(after) = self.tree.pieces.get(element + 1) else { return Some(end) };
        match after.kind {
            PieceKind::Text => {
                let text = &self.text[after.span.clone()];
                let next = self.tree.pieces.get(element + 2).map_or("", |next| &self.text[next.span.clone()]);
                let is_taken_from_both_sides = text.trim_start().is_empty() && next.as_bytes().get(2) == Some(&b'-');
                let white = if is_taken_from_both_sides { 0 } else { text.len() - text.trim_start().len() };
                Some(after.span.start + white)
            }
            PieceKind::Comment | PieceKind::Raw => None,
            _ => Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tera::Value;

    use super::*;

    /// For each line of what a template renders: which line of the template wrote its last character that is no space.
    #[track_caller]
    fn check(template: &str, expected: &[(&str, usize)]) {
        let (library, values, name) = fixture(template);
        let compiled = compile(&library, &name).unwrap();
        let mut rendered = Vec::new();
        Renderer::of(&compiled).render(&values, &mut rendered).unwrap();
        let marked = trace(&library, &compiled, &values, &rendered).expect("the marks change nothing");
        let traced = marked.renderer().render(&values).unwrap();
        let mut seen = Vec::new();
        let mut at = 0;
        for line in traced.text.split_inclusive('\n') {
            let origin = marked.origin(&traced, at + line.trim_end().len().saturating_sub(1));
            let line_of = |origin: TemplateSpan| template[..origin.span.start].matches('\n').count() + 1;
            seen.push((line.trim_end(), origin.map_or(0, line_of)));
            at += line.len();
        }
        assert_eq!(seen, expected);
    }

    fn fixture(template: &str) -> (Library<'static>, BTreeMap<String, Value>, TemplateName) {
        let name = TemplateName::new("t.tera");
        let values = [("x", Value::from("X")), ("items", vec![1, 2].into()), ("empty", Value::from(""))];
        (Library::of_text(&name, template), values.map(|(name, value)| (name.to_owned(), value)).into(), name)
    }

    #[test]
    fn a_line_comes_from_the_line_that_wrote_it() {
        check("a\n{{ x }}\nb {{ x }}c\n", &[("a", 1), ("X", 2), ("b Xc", 3)]);
        check(
            "{% for i in items %}\n  row {{ i }}\n{% endfor %}\nend\n",
            &[("", 0), ("  row 1", 2), ("", 3), ("  row 2", 2), ("", 3), ("end", 4)],
        );
    }

    #[test]
    fn white_space_that_tags_take_away_stays_away() {
        check("a  \n {{- x -}} \n b\n", &[("aXb", 3)]);
        check("{% for i in items -%}\n  {{- i -}}\n{%- endfor %}\nz\n", &[("12", 2), ("z", 4)]);
        check("a {# c #}{{- x }}\nb\n", &[("a X", 1), ("b", 2)]);
    }

    #[test]
    fn captured_text_is_left_alone_where_a_mark_would_change_it() {
        check(
            "a\n{% set s %}{{ x }}{% endset %}{% if s == \"X\" %}yes{% endif %}\nb\n",
            &[("a", 1), ("yes", 2), ("b", 3)],
        );
        check("{% filter upper %}a\nb\n{% endfilter %}", &[("A", 1), ("B", 2)]);
    }

    proptest! {
        #[test]
        fn marks_never_change_what_is_rendered(
            template in r"(a|b | \n|\n|\{\{ x \}\}|\{\{- x \}\}|\{\{ x -\}\}|\{\{- x -\}\}|\{% if x -%\}z\{% endif %\}|\{%- if x %\} z \{%- endif -%\}|\{# c #\}|\{#- c -#\}|\{% raw %\} r \{%- endraw %\}|\{% filter upper %\} f\n \{% endfilter %\}){0,12}"
        ) {
            let (library, values, name) = fixture(&template);
            let compiled = compile(&library, &name).unwrap();
            let mut rendered = Vec::new();
            Renderer::of(&compiled).render(&values, &mut rendered).unwrap();
            prop_assert!(trace(&library, &compiled, &values, &rendered).is_some(), "of {template:?}");
        }
    }
}
