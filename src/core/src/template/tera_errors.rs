//! Converts Tera's errors to problems with exact places.
//!
//! Tera reports lines from 1 and columns in characters from 0, and unknown names only in its rendered report. This is
//! the only module that parses its wording, which is why Tera's version is pinned exactly.

use std::collections::HashMap;

use tera::{Error, ErrorKind, ReportError};

use super::TemplateName;
use super::analysis::CalleeKind;
use super::budget::{DEEPEST_VALUE, LARGEST_OUTPUT, RENDERING_BUDGET, Stop};
use super::callees;
use super::library::Source;
use super::metering::MeteredPlaces;
use crate::base::problem::{Code, Problem};
use crate::base::suggest::did_you_mean;
use crate::base::text::{Position, Range, columns_to_bytes};

/// The problems for an error of parsing or linking templates. `find` returns the source of a template by name.
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

/// For each template, the mapping of places in its metered text back to the original.
pub(super) type Places = HashMap<TemplateName, MeteredPlaces>;

/// The problem for a rendering error. Its path is the template's name, which `Library::locate` replaces.
pub(super) fn explain_rendering(error: &Error, stop: Option<Stop>, root: &TemplateName, places: &Places) -> Problem {
    let report = match error.kind() {
        ErrorKind::RenderingError(report) => Some(report),
        _ => None,
    };
    let problem = match (stop, error.kind()) {
        (Some(stop), _) => stopped(stop),
        (None, ErrorKind::RenderingError(report)) => rendering_problem(report),
        (None, ErrorKind::Io(_)) => {
            let message = format!("the output grows beyond {} MiB", LARGEST_OUTPUT / (1024 * 1024));
            Problem::error(Code::LimitExceeded, message).help("look for a loop that writes without end")
        }
        (None, other) => Problem::error(Code::RenderFailed, lower_first(&other.to_string())),
    };
    let Some(report) = report else { return problem.in_file(root.as_str()) };
    let place = places.get(&TemplateName::new(report.filename()));
    let range = characters(report);
    problem.in_file(report.filename()).at(place.map_or(range, |place| place.original(range)))
}

fn stopped(stop: Stop) -> Problem {
    let (message, help) = match stop {
        Stop::Spent => (
            format!("rendering takes more than {RENDERING_BUDGET} steps or {} MiB", LARGEST_OUTPUT / (1024 * 1024)),
            "look for loops in loops, templates that include others many times, or a text that is added to itself",
        ),
        Stop::TooDeep => (
            format!("a list or map nests more than {DEEPEST_VALUE} levels deep"),
            "look for a loop that puts a value into itself",
        ),
        Stop::Cancelled => ("the rendering was cancelled".to_owned(), "render again"),
    };
    Problem::error(Code::LimitExceeded, message).help(help)
}

/// The problem for an expression that Tera accepts, but not with the inserted metering calls.
pub(super) fn too_complex<'l>(
    error: &Error,
    root: &TemplateName,
    find: &dyn Fn(&str) -> Option<&'l Source>,
    places: &HashMap<TemplateName, &MeteredPlaces>,
) -> Problem {
    let message = "this expression has too many operators to be rendered within limits";
    let problem = Problem::error(Code::LimitExceeded, message).help("`set` a part of it to a name first");
    let ErrorKind::SyntaxError(report) = error.kind() else { return in_root(problem, root, find) };
    let place = places.get(&TemplateName::new(report.filename()));
    match (find(report.filename()), place) {
        (Some(source), Some(place)) => {
            let range = columns_to_bytes(&source.text, place.original(characters(report)));
            problem.in_file(&source.path).at(range)
        }
        _ => in_root(problem, root, find),
    }
}

fn rendering_problem(report: &ReportError) -> Problem {
    let message = report.message();
    if is_undefined(message) {
        return Problem::error(Code::UndefinedValue, "this has no value here")
            .help("ask first with `is defined`, or give a default: `| default(value=\"…\")`");
    }
    Problem::error(Code::RenderFailed, lower_first(message))
}

/// The place that a report points to, with columns in characters.
fn characters(report: &ReportError) -> Range {
    let span = report.span();
    let start = Position::new(narrow(span.start_line.saturating_sub(1)), narrow(span.start_col));
    let end = Position::new(narrow(span.end_line.saturating_sub(1)), narrow(span.end_col));
    Range::new(start, end)
}

/// Whether Tera's message says that something has no value.
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

/// Tera's end of input is after the last character; the reported place is the last line that has text.
fn range_of(source: &Source, span: std::ops::Range<usize>) -> Range {
    let end = source.text.trim_end().len();
    if span.start >= end { source.lines.range(end.saturating_sub(1)..end) } else { source.lines.range(span) }
}

/// Parses one report of Tera: `message\n --> file:line:column\n …`, the column in characters from 1.
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

/// Adds a suggestion for ``Unknown filter `uper` ``.
fn with_help(problem: Problem, message: &str) -> Problem {
    let kind = match message.split(' ').nth(1) {
        Some("filter") => CalleeKind::Filter,
        Some("test") => CalleeKind::Test,
        Some("function") => CalleeKind::Function,
        _ => return problem,
    };
    let known = callees::of_kind(kind).map(|callee| callee.name);
    let name = message.split('`').nth(1).unwrap_or_default();
    match did_you_mean(name, known) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn locus(rest: &str) -> Option<(&str, usize, usize)> {
    let locus = rest.lines().next()?.trim_start().strip_prefix("--> ")?;
    let (rest, column) = locus.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

/// The range of the word at a line and column, both from 1, the column in characters.
fn word_at(source: &Source, line: usize, column: usize) -> Range {
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
    let problem = Problem::error(Code::BrokenInheritance, message).help("remove one of these to break the cycle");
    match find(name) {
        Some(source) => problem.in_file(&source.path).at(first_mention(source, chain)),
        None => problem.in_file(name),
    }
}

/// The place where a template first names another one of the cycle.
fn first_mention(source: &Source, chain: &[String]) -> Range {
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

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn lower_first(message: &str) -> String {
    let message = message.trim_end_matches('.').replace('\'', "`");
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
