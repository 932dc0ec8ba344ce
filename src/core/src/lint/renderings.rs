//! Problems that only rendering a template shows: missing values, values that break out of a string or a name, and
//! outputs that are not valid Python, each at the place in the template that wrote it.
//!
//! Every case is rendered; problems that are the same for several models are one, which says how many. No output is
//! read or written.

use std::ops::Range;

use camino::Utf8PathBuf;
use rayon::prelude::*;

use crate::base::problem::{Code, Problem, Related};
use crate::lint::findings;
use crate::plan::case::Case;
use crate::project::Project;
use crate::python::splices::{Splice, splices, without_values};
use crate::rendering::origin::{Inserted, Marked, MarkedRenderer, TemplateSpan, Traced, trace};
use crate::rendering::syntax::SyntaxError;
use crate::template::TemplateName;
use crate::template::check::is_allowed;
use crate::template::compiled::Compiled;
use crate::template::library::Source;
use crate::template::renderer::Renderer;
use crate::template::syntax::tree::{ElementKind, Expr, ExprKind};

/// How many cases one thread takes at a time: neighbours share a skeleton.
const CHUNK: usize = 32;

/// How many models a message names.
const NAMED: usize = 3;

/// A case that is rendered, and where its output stands.
pub struct LintSubject<'s> {
    /// The case.
    pub case: Case<'s>,
    /// The output's path; its extension tells the language.
    pub path: Utf8PathBuf,
}

/// The problems that rendering a template for these cases shows. `step` is called for each, from several threads; the
/// result is incomplete if it returned false.
#[must_use]
pub fn problems(
    project: &Project<'_>,
    template: &TemplateName,
    subjects: &[LintSubject<'_>],
    step: &(dyn Fn() -> bool + Sync),
) -> Vec<Problem> {
    let Ok(compiled) = project.compilations.get(&project.library, template) else { return Vec::new() };
    let marked = first_rendering(&compiled, subjects)
        .and_then(|(case, rendered)| trace(&project.library, &compiled, case, &rendered));
    let work = Work { project, compiled: &compiled, marked: marked.as_ref() };
    let found: Vec<Vec<(Problem, String)>> = subjects
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut worker = Worker::new(&work);
            chunk.iter().take_while(|_| step()).flat_map(|subject| worker.problems_of(subject)).collect()
        })
        .collect();
    let mut problems = gathered(found.into_iter().flatten(), models(subjects));
    problems.retain(|problem| !is_allowed(&project.library, problem));
    problems
}

fn first_rendering<'s>(compiled: &Compiled, subjects: &'s [LintSubject<'s>]) -> Option<(&'s Case<'s>, Vec<u8>)> {
    let mut output = Vec::new();
    let mut renderer = Renderer::of(compiled);
    let first = subjects.iter().find(|subject| renderer.render(&subject.case, &mut output).is_ok())?;
    Some((&first.case, output))
}

/// How many different models there are.
fn models(subjects: &[LintSubject<'_>]) -> usize {
    let mut names: Vec<_> = subjects.iter().map(name_of).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// The name of a case in messages: its model, or the support template.
fn name_of<'s>(subject: &LintSubject<'s>) -> &'s str {
    let template = subject.case.template.map_or("", TemplateName::as_str);
    subject.case.model.map_or(template, |model| model.name.as_str())
}

struct Work<'w> {
    project: &'w Project<'w>,
    compiled: &'w Compiled,
    marked: Option<&'w Marked>,
}

/// The renderers of one thread, and the splices of its last output.
struct Worker<'w> {
    work: &'w Work<'w>,
    plain: Renderer<'w>,
    marked: Option<MarkedRenderer<'w>>,
    rendered: Vec<u8>,
    neutral: String,
    splices: Vec<Splice>,
}

impl<'w> Worker<'w> {
    fn new(work: &'w Work<'w>) -> Self {
        let marked = work.marked.map(Marked::renderer);
        let plain = Renderer::of(work.compiled);
        Self { work, plain, marked, rendered: Vec::new(), neutral: String::new(), splices: Vec::new() }
    }

    fn problems_of(&mut self, subject: &LintSubject<'_>) -> Vec<(Problem, String)> {
        let found = match self.render(subject) {
            Ok(traced) if subject.path.extension() == Some("py") => self.of_python(&traced, subject),
            Ok(_) => Vec::new(),
            Err(problem) => vec![self.with_expression(self.work.project.library.locate(problem))],
        };
        let model = name_of(subject);
        found.into_iter().map(|problem| (problem, model.to_owned())).collect()
    }

    /// Renders with marks. If that fails, renders without marks, so that the error has its place in the template.
    fn render(&mut self, subject: &LintSubject<'_>) -> Result<Traced, Problem> {
        if let Some(Ok(traced)) = self.marked.as_mut().map(|marked| marked.render(&subject.case)) {
            return Ok(traced);
        }
        self.plain.render(&subject.case, &mut self.rendered)?;
        Ok(Traced::without_marks(String::from_utf8_lossy(&self.rendered).into_owned()))
    }

    fn of_python(&mut self, traced: &Traced, subject: &LintSubject<'_>) -> Vec<Problem> {
        let mut problems = self.breaking_values(traced);
        if problems.is_empty() {
            problems.extend(self.syntax_error(traced, subject));
        }
        problems
    }

    fn breaking_values(&mut self, traced: &Traced) -> Vec<Problem> {
        let Some(marked) = self.work.marked else { return Vec::new() };
        let inserted = marked.inserted(traced);
        let spans: Vec<Range<usize>> = inserted.iter().map(|value| value.span.clone()).collect();
        let neutral = without_values(&traced.text, &spans);
        // Neighbouring cases mostly differ in their values only.
        if neutral != self.neutral || self.splices.len() != spans.len() {
            self.splices = splices(&neutral, &spans);
            self.neutral = neutral;
        }
        let values = inserted.iter().zip(&self.splices);
        values
            .filter_map(|(value, splice)| match &traced.text[value.span.clone()] {
                text if splice.is_broken_by(text) => self.unsafe_value(value, *splice),
                text if *splice == Splice::Code => self.value_not_python(value, foreign_value(text)?),
                _ => None,
            })
            .collect()
    }

    fn value_not_python(&self, value: &Inserted, foreign: &str) -> Option<Problem> {
        let source = self.source(&value.origin)?;
        let text = source.slice(&value.origin.span);
        let message = format!("the value of `{text}` is not Python: {foreign}");
        let problem = Problem::warning(Code::NotPython, message).help(with_filter(source, value, "py_str"));
        Some(problem.in_file(&source.path).at(source.range(&value.origin.span)))
    }

    fn unsafe_value(&self, value: &Inserted, splice: Splice) -> Option<Problem> {
        let source = self.source(&value.origin)?;
        let text = source.slice(&value.origin.span);
        let help = match splice {
            Splice::Name => with_filter(source, value, "py_ident"),
            Splice::Comment => "take the line ends out: `| replace(from=\"\\n\", to=\" \")`".to_owned(),
            _ => format!("{} and no quotes around it", with_filter(source, value, "py_str")),
        };
        let message = format!("the value of `{text}` breaks out of {}", splice.phrase());
        Some(
            Problem::error(Code::UnsafeValue, message)
                .in_file(&source.path)
                .at(source.range(&value.origin.span))
                .help(help),
        )
    }

    fn syntax_error(&self, traced: &Traced, subject: &LintSubject<'_>) -> Option<Problem> {
        let error = SyntaxError::first_in(&self.work.project.known_python, &traced.text)?;
        let at = error.start.min(traced.text.trim_end().len());
        let origin = self.work.marked.and_then(|marked| marked.origin(traced, at));
        let problem = match origin.and_then(|origin| Some((self.source(&origin)?, origin))) {
            Some((source, origin)) => {
                let message = format!("it is `{}` there", error.line);
                let related = Related { path: subject.path.clone(), range: Some(error.range), message };
                let range = source.range(&first_line(source, &origin.span));
                Problem::error(Code::OutputSyntax, error.message).in_file(&source.path).at(range).related(related)
            }
            None => error.in_output(&subject.path),
        };
        Some(problem.help("correct the template"))
    }

    fn source(&self, origin: &TemplateSpan) -> Option<&'w Source> {
        self.work.project.library.source(&origin.template).ok()
    }

    /// Names a missing value by the expression that asks for it.
    fn with_expression(&self, problem: Problem) -> Problem {
        if problem.code != Code::UndefinedValue {
            return problem;
        }
        let source = problem.path.as_ref().and_then(|path| self.work.project.library.source_at(path));
        let Some((source, range)) = source.zip(problem.range) else { return problem };
        let (start, end) = (source.lines.offset(range.start), source.lines.offset(range.end));
        let span = expression_at(source, start, end).unwrap_or(start..end);
        let message = format!("`{}` has no value", source.slice(&span));
        Problem { message, ..problem }.at(source.range(&span))
    }
}

/// How Tera writes a boolean, or a list or map that holds booleans or nulls, if Python reads that differently.
fn foreign_value(text: &str) -> Option<&'static str> {
    const BOOLEANS: &str = "booleans are written as `true` and `false`";
    if matches!(text, "true" | "false") {
        return Some(BOOLEANS);
    }
    if !(text.starts_with(['[', '{']) && text.ends_with([']', '}'])) {
        return None;
    }
    // A quote stands for each string.
    let code: String = text.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let mut words = code.split(|char: char| !char.is_alphanumeric() && char != '_');
    if words.any(|word| matches!(word, "true" | "false")) {
        return Some(BOOLEANS);
    }
    let tight: Vec<char> = code.chars().filter(|char| !char.is_whitespace()).collect();
    let is_hole = |pair: &[char]| matches!(pair, ['[', ','] | [',' | ':', ',' | ']' | '}']);
    // Of a list that holds one null, nothing but the brackets is left.
    tight.windows(2).any(is_hole).then_some("nulls in it are written as nothing")
}

/// Says to put a filter into what writes a value; operators bind weaker than a filter does.
fn with_filter(source: &Source, value: &Inserted, filter: &str) -> String {
    let span = &value.origin.span;
    let text = source.slice(span);
    if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        return format!("name the template `*.tera` and write `{{{{ {name} | {filter} }}}}`");
    }
    let tree = source.tree();
    let element = tree.element_at(span.start).map(|element| &tree.elements[element].kind);
    let Some(ElementKind::Output(written)) = element else { return format!("use the filter `{filter}`") };
    let (before, after) =
        (source.slice(&(span.start..written.span.start)), source.slice(&(written.span.end..span.end)));
    let expression = source.slice(&written.span);
    let (open, close) = if binds_weaker_than_filter(written) { ("(", ")") } else { ("", "") };
    format!("write `{before}{open}{expression}{close} | {filter}{after}`")
}

fn binds_weaker_than_filter(expression: &Expr) -> bool {
    matches!(
        expression.kind,
        ExprKind::Binary { .. } | ExprKind::Unary { .. } | ExprKind::Test { .. } | ExprKind::Ternary { .. }
    )
}

/// No more than the first line of a span, for a message that stands beside it.
fn first_line(source: &Source, span: &Range<usize>) -> Range<usize> {
    let line = source.slice(span).lines().next().unwrap_or_default().trim_end();
    span.start..span.start + line.len().max(1).min(source.text.len() - span.start)
}

/// The longest expression that ends where Tera's place does.
fn expression_at(source: &Source, start: usize, end: usize) -> Option<Range<usize>> {
    let tree = source.tree();
    let mut found = None;
    tree.elements.get(tree.element_at(start)?)?.kind.each_expression(&mut |value| longest(value, end, &mut found));
    found
}

fn longest(value: &Expr, end: usize, found: &mut Option<Range<usize>>) {
    // Of an element that is not there, Tera names the index.
    let is_asked_for = match &value.kind {
        ExprKind::Index { index, .. } => value.span.end == end || index.span.end == end,
        _ => value.span.end == end,
    };
    if is_asked_for && found.as_ref().is_none_or(|known| known.len() < value.span.len()) {
        *found = Some(value.span.clone());
    }
    value.each_child(&mut |child| longest(child, end, found));
}

/// Problems at one place become one, which says how many of all models it concerns.
fn gathered(found: impl Iterator<Item = (Problem, String)>, models: usize) -> Vec<Problem> {
    let concerning = |(problem, mut affected): (Problem, Vec<String>)| {
        // The cases of one model follow each other.
        affected.dedup();
        concerning(problem, &affected, models)
    };
    findings::grouped(found).into_iter().map(concerning).collect()
}

/// `… for 214 of 631 models: `a`, `b`, `c` and 211 more`.
fn concerning(problem: Problem, affected: &[String], models: usize) -> Problem {
    let named: Vec<_> = affected.iter().take(NAMED).map(|model| format!("`{model}`")).collect();
    let whom = match affected.len() {
        _ if models == 1 => format!(" for {}", named.join(", ")),
        all if all == models => format!(" for all {models} models"),
        some if some > NAMED => {
            format!(" for {some} of {models} models: {} and {} more", named.join(", "), some - NAMED)
        }
        some => format!(" for {some} of {models} models: {}", named.join(", ")),
    };
    Problem { message: problem.message.clone() + &whom, ..problem }
}
