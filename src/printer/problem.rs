//! Formats a problem in the style of rustc and ruff: code, message, source line, help, related places.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range as Span;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use camino::Utf8Path;
use tgen_core::base::problem::{Problem, Related, Severity};
use tgen_core::base::text::{Position, Range};

use super::foreign::visible_with_offsets;
use super::sources::{Source, Texts};
use super::{as_called, visible, visible_lines};

/// A longer range of source is not quoted; only its place is shown.
const LONGEST_EXCERPT: usize = 16 * 1024;

/// Writes a problem and an empty line after it.
pub(super) fn write(out: &mut dyn Write, problem: &Problem, texts: &Texts<'_>) -> io::Result<()> {
    let title = level(problem.severity).primary_title(message(&problem.message)).id(problem.code.name());
    let place = place(problem.path.as_deref(), problem.range, texts);
    let help = problem.help.as_deref().map(message);
    let (below_place, alone) = if place.is_some() { (help, None) } else { (None, help) };
    let mut primary = Group::with_title(title).elements(place);
    if let Some(help) = below_place {
        primary = primary.element(Level::HELP.message(help));
    }
    let related = problem.related.iter().map(|related| group_of(related, texts));
    let groups: Vec<Group<'_>> = std::iter::once(primary).chain(related).collect();
    writeln!(out, "{}", Renderer::styled().render(&groups))?;
    // If there is no source line, the renderer would put the help below an empty margin.
    alone.map_or(Ok(()), |help| writeln!(out, " = help: {help}"))?;
    writeln!(out)
}

fn message(text: &str) -> Cow<'_, str> {
    match as_called(text) {
        Cow::Borrowed(text) => visible_lines(text),
        Cow::Owned(text) => visible_lines(&text).into_owned().into(),
    }
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    }
}

fn group_of<'a>(related: &'a Related, texts: &Texts<'_>) -> Group<'a> {
    let title = Level::NOTE.secondary_title(message(&related.message));
    Group::with_title(title).elements(place(Some(&related.path), related.range, texts))
}

/// The place with its source line; only its name if there is no line to show.
fn place<'a>(path: Option<&'a Utf8Path>, range: Option<Range>, texts: &Texts<'_>) -> Option<Element<'a>> {
    let path = path?;
    let Some(range) = range else { return Some(Origin::path(visible(path.as_str())).into()) };
    let excerpt = texts.get(path).and_then(|source| Excerpt::cut(source, range));
    Some(match excerpt {
        Some(excerpt) => excerpt.into_snippet(path),
        None => named(path, range.start),
    })
}

fn named(path: &Utf8Path, start: Position) -> Element<'_> {
    Origin::path(visible(path.as_str())).line(start.line as usize + 1).char_column(start.column as usize + 1).into()
}

/// The lines that contain a range.
struct Excerpt {
    first_line: usize,
    lines: String,
    span: Span<usize>,
}

impl Excerpt {
    /// Extracts the lines from the text, which may have changed since the range was computed; `None` if they are too
    /// long.
    fn cut(source: &Source, range: Range) -> Option<Self> {
        let Source { text, index } = source;
        let span =
            text.floor_char_boundary(index.offset(range.start))..text.ceil_char_boundary(index.offset(range.end));
        let from = index.offset(Position::new(range.start.line, 0));
        let to = text.ceil_char_boundary(index.offset(Position::new(range.end.line, u32::MAX)));
        let first_line = index.position(from).line as usize + 1;
        let lines = text.get(from..to).filter(|lines| lines.len() <= LONGEST_EXCERPT)?.trim_end_matches('\r');
        let within = |offset: usize| (offset - from).min(lines.len());
        let (lines, [start, end]) = visible_with_offsets(lines, [within(span.start), within(span.end.max(span.start))]);
        Some(Self { first_line, lines, span: start..end })
    }

    fn into_snippet(self, path: &Utf8Path) -> Element<'_> {
        let annotation = AnnotationKind::Primary.span(self.span);
        let snippet = Snippet::source(self.lines).line_start(self.first_line).path(visible(path.as_str()));
        snippet.annotation(annotation).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SourceCache, plain};
    use super::*;
    use tgen_core::base::problem::Code;
    use tgen_core::base::text::LineIndex;

    const TEMPLATE: &str = "{% extends \"base.py.tera\" %}\nclass Größe_{{ modle_name }}:\r\n    pass\n";

    fn shown(problem: &Problem) -> String {
        let sources = |path: &Utf8Path| path.as_str().ends_with("skillset.py.tera").then(|| TEMPLATE.to_owned());
        let mut out = Vec::new();
        let problems = std::slice::from_ref(problem);
        write(&mut out, problem, &Texts::of(problems, &SourceCache::new(&sources))).unwrap();
        plain(out)
    }

    fn range(start: (u32, u32), end: (u32, u32)) -> Range {
        Range::new(Position::new(start.0, start.1), Position::new(end.0, end.1))
    }

    fn unknown() -> Problem {
        Problem::error(Code::UnknownPlaceholder, "there is no placeholder `modle_name`")
            .in_file("templates/skillset.py.tera")
    }

    #[test]
    fn a_problem_stands_under_its_source_line_with_help() {
        let problem = unknown().at(range((1, 17), (1, 27))).help("did you mean `model_name`?");
        insta::assert_snapshot!(shown(&problem), @"
        error[unknown-placeholder]: there is no placeholder `modle_name`
         --> templates/skillset.py.tera:2:16
          |
        2 | class Größe_{{ modle_name }}:
          |                ^^^^^^^^^^
          |
          = help: did you mean `model_name`?
        ");
    }

    #[test]
    fn a_related_place_follows_with_its_own_line() {
        let related = |path: &str| Related {
            path: path.into(),
            range: Some(range((0, 0), (0, 10))),
            message: "it is a block of this template".to_owned(),
        };
        let problem = Problem::warning(Code::BrokenInheritance, "the block `body` is never shown")
            .in_file("built-in:skillset.py.tera")
            .at(range((1, 0), (2, 4)))
            .related(related("built-in:skillset.py.tera"))
            .related(related("gone.py.tera"));
        insta::assert_snapshot!(shown(&problem), @r#"
        warning[broken-inheritance]: the block `body` is never shown
         --> built-in:skillset.py.tera:2:1
          |
        2 | / class Größe_{{ modle_name }}:
        3 | |     pass
          | |____^
          |
        note: it is a block of this template
         --> built-in:skillset.py.tera:1:1
          |
        1 | {% extends "base.py.tera" %}
          | ^^^^^^^^^^
        note: it is a block of this template
         --> gone.py.tera:1:1
        "#);
    }

    #[test]
    fn a_problem_without_a_place_is_a_message() {
        let problem = Problem::error(Code::UnknownModel, "there is no model `bret`").help("did you mean `bert`?");
        insta::assert_snapshot!(shown(&problem), @"
        error[unknown-model]: there is no model `bret`
         = help: did you mean `bert`?
        ");
    }

    #[test]
    fn a_problem_of_a_whole_file_names_the_file() {
        insta::assert_snapshot!(shown(&unknown()), @"
        error[unknown-placeholder]: there is no placeholder `modle_name`
        --> templates/skillset.py.tera
        ");
    }

    #[test]
    fn a_place_in_a_file_that_cannot_be_read_is_named() {
        let problem = unknown().in_file("gone.tera").at(range((6, 2), (6, 4)));
        insta::assert_snapshot!(shown(&problem), @"
        error[unknown-placeholder]: there is no placeholder `modle_name`
        --> gone.tera:7:3
        ");
    }

    #[test]
    fn a_place_beyond_a_text_that_has_changed_is_held_inside_it() {
        let places = [((99, 3), (120, 1)), ((1, 9), (1, 11)), ((1, 29), (1, 31)), ((2, 8), (2, 2)), ((3, 0), (3, 0))];
        for (start, end) in places {
            assert!(shown(&unknown().at(range(start, end))).contains("--> templates/skillset.py.tera:"));
        }
    }

    #[test]
    fn a_giant_line_is_not_shown() {
        let text = "x".repeat(10_000_000);
        let source = Source { index: LineIndex::new(&text), text };
        assert!(Excerpt::cut(&source, range((0, 5), (0, 6))).is_none());
    }
}
