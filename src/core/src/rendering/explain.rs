//! Which part of which template made a line of an output, and with which values.
//!
//! This module renders one case; it does not know what is in the output's file now.

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::problem::Problem;
use crate::base::text::{Position, Range};
use crate::output::signature::{CommentStyle, Signed};
use crate::plan::case::Case;
use crate::plan::{Plan, PlannedOutput};
use crate::rendering::origin::{Marked, Traced, trace};
use crate::template::compiled::Compiled;
use crate::template::filters::python_literal;
use crate::template::library::{Library, Source};
use crate::template::renderer::{Renderer, Values};

/// What made a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The line, as it should be.
    pub line: String,
    /// What made it, in its order; empty for the signature, which cargo-tgen writes itself.
    pub parts: Vec<Part>,
    /// The placeholders in those parts, with their values in this case.
    pub placeholders: Vec<(String, String)>,
}

/// A part of a template that wrote a part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The template's file.
    pub path: Utf8PathBuf,
    /// The place in it.
    pub range: Range,
    /// The line of that place, without its indentation.
    pub line: Range,
    /// What stands there, up to the end of its line.
    pub text: String,
    /// What it wrote.
    pub wrote: String,
}

/// Explains a line of an output, counted from 0 as its file has it; none where there is no such line, or where captured
/// text or a formatter hides what made it.
///
/// # Errors
/// The problem that keeps the output from being rendered.
pub fn explain(plan: &Plan<'_>, output: &PlannedOutput, line: usize) -> Result<Option<Explanation>, Problem> {
    let (compiled, case) = (&plan.templates[output.template], plan.case(output));
    Ok(match Explained::new(compiled, &case, output.path.as_path(), line)? {
        Explained::Signature(line) => Some(Explanation { line, parts: Vec::new(), placeholders: Vec::new() }),
        Explained::Rendered(line) => Some(line.explain(&case)),
        Explained::Unknown => None,
    })
}

/// The place in a template that wrote what stands at a place of an output, which is counted as [`explain`] counts; none
/// for what cargo-tgen writes itself, and where `explain` knows nothing.
///
/// # Errors
/// The problem that keeps the output from being rendered.
pub fn origin(
    compiled: &Compiled,
    case: &Case<'_>,
    path: &Utf8Path,
    at: Position,
) -> Result<Option<(Utf8PathBuf, Range)>, Problem> {
    Ok(match Explained::new(compiled, case, path, at.line as usize)? {
        Explained::Rendered(line) => line.part_at(at.column as usize).map(|part| (part.path, part.range)),
        Explained::Signature(_) | Explained::Unknown => None,
    })
}

/// The placeholders that an output's template uses, with their values.
#[must_use]
pub fn values(plan: &Plan<'_>, output: &PlannedOutput) -> Vec<(String, String)> {
    let case = plan.case(output);
    let names = plan.templates[output.template].placeholders.iter().map(|placeholder| &placeholder.name);
    names.filter_map(|name| Some((name.clone(), python_literal(&case.value(name)?)))).collect()
}

/// What is known of a line of an output's file.
enum Explained<'e> {
    /// It is the signature.
    Signature(String),
    /// A template wrote it.
    Rendered(Box<RenderedLine<'e>>),
    /// There is no such line, or what wrote it cannot be told.
    Unknown,
}

impl<'e> Explained<'e> {
    fn new(compiled: &Compiled, case: &Case<'e>, path: &Utf8Path, line: usize) -> Result<Self, Problem> {
        let library = &case.project.library;
        let mut rendered = Vec::new();
        Renderer::of(compiled).render(case, &mut rendered).map_err(|problem| library.locate(problem))?;
        let line = match below_signature(case, path, &rendered, line) {
            Line::Signature(line) => return Ok(Self::Signature(line)),
            Line::Rendered(line) => line,
        };
        let is_formatted = case.formatter().is_some();
        let marked = trace(library, compiled, case, &rendered).filter(|_| !is_formatted);
        let span = line_span(&String::from_utf8_lossy(&rendered), line);
        let (Some(marked), Some(span)) = (marked, span) else { return Ok(Self::Unknown) };
        let Ok(traced) = marked.renderer().render(case) else { return Ok(Self::Unknown) };
        Ok(Self::Rendered(Box::new(RenderedLine { library, marked, traced, span })))
    }
}

/// A line of an output's file.
enum Line {
    /// The signature.
    Signature(String),
    /// The line of that number in what was rendered.
    Rendered(usize),
}

fn below_signature(case: &Case<'_>, path: &Utf8Path, rendered: &[u8], line: usize) -> Line {
    let Some(style) = CommentStyle::of(path) else { return Line::Rendered(line) };
    let (signature, text) = Signed::new(rendered, style, &case.origin()).line();
    match line {
        line if line == signature => Line::Signature(text),
        line if line > signature => Line::Rendered(line - 1),
        line => Line::Rendered(line),
    }
}

fn line_span(text: &str, line: usize) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    for (number, found) in text.split_inclusive('\n').enumerate() {
        if number == line {
            return Some(at..at + found.trim_end_matches(['\n', '\r']).len());
        }
        at += found.len();
    }
    None
}

/// A line that a template wrote, and the marks that tell which part of it.
struct RenderedLine<'e> {
    library: &'e Library<'e>,
    marked: Marked,
    traced: Traced,
    span: std::ops::Range<usize>,
}

impl RenderedLine<'_> {
    fn explain(&self, values: &dyn Values) -> Explanation {
        let mut parts = Vec::new();
        let mut placeholders: Vec<(String, String)> = Vec::new();
        let mut at = self.span.start;
        // An empty line has an end, which something wrote too.
        loop {
            let end = self.traced.next_stop(at).min(self.span.end);
            if let Some((source, origin)) = self.origin(at) {
                parts.push(self.part(source, &origin, at..end));
                add_placeholders(source, &origin, values, &mut placeholders);
            }
            if end == self.span.end {
                break;
            }
            at = end;
        }
        Explanation { line: self.traced.text[self.span.clone()].to_owned(), parts, placeholders }
    }

    /// What wrote the byte at a column; beyond the end of the line, what wrote its last.
    fn part_at(&self, column: usize) -> Option<Part> {
        let last = self.span.end.saturating_sub(1).max(self.span.start);
        let at = self.traced.text.floor_char_boundary((self.span.start + column).min(last));
        let (source, origin) = self.origin(at)?;
        Some(self.part(source, &origin, at..at))
    }

    fn origin(&self, at: usize) -> Option<(&Source, std::ops::Range<usize>)> {
        let origin = self.marked.origin(&self.traced, at)?;
        Some((self.library.source(&origin.template).ok()?, origin.span))
    }

    fn part(&self, source: &Source, span: &std::ops::Range<usize>, wrote: std::ops::Range<usize>) -> Part {
        let text = source.slice(span).lines().next().unwrap_or_default();
        Part {
            path: source.path.clone(),
            range: source.range(&(span.start..span.start + text.len())),
            line: source.range(&trimmed_line(&source.text, span.start)),
            text: text.to_owned(),
            wrote: self.traced.text[wrote].to_owned(),
        }
    }
}

/// The line that has the byte at an offset, without white space around it.
fn trimmed_line(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let indentation = line.len() - line.trim_start().len();
    start + indentation..start + indentation.max(line.trim_end().len())
}

fn add_placeholders(
    source: &Source,
    span: &std::ops::Range<usize>,
    values: &dyn Values,
    placeholders: &mut Vec<(String, String)>,
) {
    let uses = source.analysis().uses.iter().filter(|found| span.contains(&found.span.start));
    for found in uses {
        let is_new = placeholders.iter().all(|(name, _)| *name != found.name);
        if let Some(value) = values.value(&found.name).filter(|_| is_new) {
            placeholders.push((found.name.clone(), python_literal(&value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use insta::assert_snapshot;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::project::Project;
    use crate::project::request::Request;

    /// What made a line of `bert`'s output, the lines counted from 1.
    fn check(template: &str, line: usize) -> String {
        let suite = "[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\nmodels = \"bert\"\noutput = \"out/{{ model_name }}.py\"\n";
        let fixture =
            format!("-- tgen.toml --\ntemplates = \"templates\"\n{suite}-- templates/t.py.tera --\n{template}");
        let files = MemoryFiles::from_fixture(&fixture);
        let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
        let plan = Plan::new(&project, &Request::default());
        let Some(found) = explain(&plan, &plan.outputs[0], line - 1).unwrap() else { return "nothing".to_owned() };
        let mut shown = format!("{}\n", found.line.split(" tgen:").next().unwrap_or_default());
        for part in &found.parts {
            let start = part.range.start;
            writeln!(
                shown,
                "{}:{}:{} {:?} wrote {:?}",
                part.path,
                start.line + 1,
                start.column + 1,
                part.text,
                part.wrote
            )
            .unwrap();
        }
        for (name, value) in &found.placeholders {
            writeln!(shown, "{name} = {value}").unwrap();
        }
        shown
    }

    #[test]
    fn a_line_names_its_template_lines_and_the_values_in_them() {
        let template = "import x\n{% for task in tasks %}\n\"{{ task }} of {{ model_name }}\"\n{% endfor %}";
        assert_snapshot!(check(template, 1), @"
        # @generated by cargo-tgen from t.py.tera for bert; edit the template instead.
        ");
        assert_snapshot!(check(template, 2), @r#"
        import x
        templates/t.py.tera:1:1 "import x" wrote "import x"
        "#);
        assert_snapshot!(check(template, 4), @r#"
        "fill-mask of bert"
        templates/t.py.tera:3:1 "\"" wrote "\""
        templates/t.py.tera:3:2 "{{ task }}" wrote "fill-mask"
        templates/t.py.tera:3:12 " of " wrote " "
        templates/t.py.tera:3:13 "of " wrote "of "
        templates/t.py.tera:3:16 "{{ model_name }}" wrote "bert"
        templates/t.py.tera:3:32 "\"" wrote "\""
        model_name = "bert"
        "#);
        assert_snapshot!(check(template, 99), @"
        nothing
        ");
    }

    #[test]
    fn the_line_of_a_part_is_its_text_without_indentation() {
        let check = |text: &str, at: usize, expected: &str| assert_eq!(&text[trimmed_line(text, at)], expected);
        check("if x:\n    assert y  \nz\n", 6, "assert y");
        check("if x:\n    assert y  \nz\n", 18, "assert y");
        check("if x:\r\n\tassert y\r\n", 8, "assert y");
        check("z", 0, "z");
        check("z\n   \n", 3, "");
        check("z\n", 2, "");
        check("", 0, "");
    }

    #[test]
    fn an_empty_line_is_explained_too() {
        assert_snapshot!(check("import x\n\n{{ model_name }}\n", 3), @r#"
        templates/t.py.tera:2:1 "" wrote ""
        "#);
    }
}
