//! Tera's errors as problems with exact places.
//!
//! Tera reports lines from 1 and columns in characters from 0, and for unknown names only in its rendered report; this
//! is the one module that knows how it words them.

use std::ops::Range;

use tera::{Error, ErrorKind, ReportError};

use super::TemplateName;
use super::analysis::CalleeKind;
use super::callees;
use super::compiled::{LARGEST_OUTPUT, suggestion};
use super::library::Source;
use crate::base::problem::{Code, Problem};
use crate::base::text::{LineIndex, Position};

/// The problems in an error of parsing or linking templates. `find` gives the source of a template by name.
pub(super) fn explain_all<'l>(
    error: &Error,
    root: &TemplateName,
    find: &dyn Fn(&str) -> Option<&'l Source>,
) -> Vec<Problem> {
    match error.kind() {
        ErrorKind::SyntaxError(report) => vec![located(Code::TemplateSyntax, report, find(report.filename()))],
        ErrorKind::CircularExtend { tpl, inheritance_chain } => vec![circle("extends", tpl, inheritance_chain, find)],
        ErrorKind::CircularInclude { tpl, include_chain } => vec![circle("includes", tpl, include_chain, find)],
        ErrorKind::Msg(message) if message.starts_with("error: ") => {
            message.split("\n\nerror: ").map(|report| from_report(report, root, find)).collect()
        }
        other => vec![in_root(Problem::error(Code::TemplateSyntax, lower_first(&other.to_string())), root, find)],
    }
}

/// The problem in an error of rendering. The path is the template's name; whoever knows the library replaces it.
pub(super) fn explain_rendering(error: &Error, root: &TemplateName) -> Problem {
    match error.kind() {
        ErrorKind::RenderingError(report) => rendering_problem(report),
        ErrorKind::Io(_) => Problem::error(
            Code::LimitExceeded,
            format!("the output grows beyond {} MiB", LARGEST_OUTPUT / (1024 * 1024)),
        )
        .in_file(root.as_str())
        .help("look for a loop that writes without end"),
        other => Problem::error(Code::RenderFailed, lower_first(&other.to_string())).in_file(root.as_str()),
    }
}

fn rendering_problem(report: &ReportError) -> Problem {
    let message = report.message();
    let problem = if is_undefined(message) {
        Problem::error(Code::UndefinedValue, "this has no value here")
            .help("ask first with `is defined`, or give a default: `| default(value=\"…\")`")
    } else {
        let code = if message.contains("`range`") { Code::LimitExceeded } else { Code::RenderFailed };
        Problem::error(code, lower_first(message))
    };
    let span = report.span();
    let start = Position::new(narrow(span.start_line.saturating_sub(1)), narrow(span.start_col));
    let end = Position::new(narrow(span.end_line.saturating_sub(1)), narrow(span.end_col));
    problem.in_file(report.filename()).at(crate::base::text::Range::new(start, end))
}

/// The ways in which Tera says that something has no value.
fn is_undefined(message: &str) -> bool {
    let is_missing = |what: &str| message.starts_with(what) && message.contains("is not defined");
    message == "Tried to render a variable that is undefined"
        || message == "Cannot index into an undefined value"
        || message == "Cannot slice an undefined value"
        || message.ends_with("but its value is undefined")
        || (message.starts_with("Invalid type for the value") && message.ends_with("but got `undefined`"))
        || is_missing("Variable `")
        || is_missing("Field `")
}

fn located(code: Code, report: &ReportError, source: Option<&Source>) -> Problem {
    let problem = Problem::error(code, lower_first(report.message()));
    match source {
        Some(source) => problem.in_file(&source.path).at(range_of(source, report.span().range.clone())),
        None => problem.in_file(report.filename()),
    }
}

/// Tera's end of input is after the last character; the place shown is the last line that has text.
fn range_of(source: &Source, span: Range<usize>) -> crate::base::text::Range {
    let end = source.text.trim_end().len();
    if span.start >= end { source.lines.range(end.saturating_sub(1)..end) } else { source.lines.range(span) }
}

/// One report of Tera: `message\n --> file:line:column\n …`, the column in characters from 1.
fn from_report<'l>(report: &str, root: &TemplateName, find: &dyn Fn(&str) -> Option<&'l Source>) -> Problem {
    let report = report.strip_prefix("error: ").unwrap_or(report);
    let (message, rest) = report.split_once('\n').unwrap_or((report, ""));
    let code = if message.starts_with("Unknown template") || message.starts_with("Block") {
        Code::BrokenInheritance
    } else {
        Code::UnknownFunction
    };
    let problem = with_help(Problem::error(code, lower_first(message)), message);
    match locus(rest).and_then(|(file, line, column)| Some((find(file)?, line, column))) {
        Some((source, line, column)) => problem.in_file(&source.path).at(word_at(source, line, column)),
        None => in_root(problem, root, find),
    }
}

/// ``Unknown filter `uper` `` may mean another filter.
fn with_help(problem: Problem, message: &str) -> Problem {
    let kind = match message.split(' ').nth(1) {
        Some("filter") => CalleeKind::Filter,
        Some("test") => CalleeKind::Test,
        Some("function") => CalleeKind::Function,
        _ => return problem,
    };
    let known: Vec<&str> = callees::of_kind(kind).map(|callee| callee.name).collect();
    let name = message.split('`').nth(1).unwrap_or_default();
    problem.help(suggestion(name, known))
}

fn locus(rest: &str) -> Option<(&str, usize, usize)> {
    let locus = rest.lines().next()?.trim_start().strip_prefix("--> ")?;
    let (rest, column) = locus.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

/// The range of the word at a line and column, both from 1, the column in characters.
fn word_at(source: &Source, line: usize, column: usize) -> crate::base::text::Range {
    let text = source.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let before: usize = text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let word =
        text[before..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count();
    let start = source.lines.offset(Position::new(narrow(line.saturating_sub(1)), narrow(before)));
    source.lines.range(start..start + word.max(1))
}

fn circle<'l>(verb: &str, name: &str, chain: &[String], find: &dyn Fn(&str) -> Option<&'l Source>) -> Problem {
    let way = if chain.is_empty() { name.to_owned() } else { chain.join("` -> `") };
    let message = format!("template `{name}` {verb} itself: `{way}`");
    let problem = Problem::error(Code::BrokenInheritance, message).help("take one of these out of the circle");
    match find(name) {
        Some(source) => problem.in_file(&source.path).at(first_mention(source, chain)),
        None => problem.in_file(name),
    }
}

/// Where a template first names another of the circle.
fn first_mention(source: &Source, chain: &[String]) -> crate::base::text::Range {
    let quoted = chain.iter().flat_map(|name| [format!("\"{name}\""), format!("'{name}'")]);
    let found = quoted
        .filter_map(|name| source.text.find(&name).map(|at| at + 1..at + name.len() - 1))
        .min_by_key(|span| span.start);
    source.lines.range(found.unwrap_or(0..0))
}

fn in_root<'l>(problem: Problem, root: &TemplateName, find: &dyn Fn(&str) -> Option<&'l Source>) -> Problem {
    match find(root.as_str()) {
        Some(source) => problem.in_file(&source.path),
        None => problem.in_file(root.as_str()),
    }
}

/// Columns of a rendering error are in characters; with the text at hand they become bytes.
#[must_use]
pub(crate) fn columns_to_bytes(source: &str, range: crate::base::text::Range) -> crate::base::text::Range {
    let index = LineIndex::new(source);
    let convert = |position: Position| {
        let line = source.lines().nth(position.line as usize).unwrap_or_default();
        let column = line.chars().take(position.column as usize).map(char::len_utf8).sum();
        index.position(index.offset(Position::new(position.line, narrow(column))))
    };
    crate::base::text::Range::new(convert(range.start), convert(range.end))
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn lower_first(message: &str) -> String {
    let message = message.trim_end_matches('.').replace('\'', "`");
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
