//! Checks a template by its text and the other templates: syntax, inheritance, calls, unknown names. Commands and the
//! editor both use this module, so their results agree.
//!
//! Nothing is rendered. This module must not know which placeholders exist; `strictness` checks them.

mod calls;
mod checked;
mod flow;
mod inheritance;
mod literals;
mod lost;
mod nones;
mod outputs;
mod tera1;

#[cfg(test)]
mod tests;

use self::checked::Checked;
use super::TemplateName;
use super::analysis::{Allow, Meaning};
use super::library::{Library, Source};
use super::syntax::tree::Span;
use crate::base::conflict::Conflicts;
use crate::base::problem::{Code, Problem, Severity};
use crate::base::suggest::did_you_mean;

/// How many broken placeholders of a template are told.
const MOST_BROKEN: usize = 1_000;

/// All problems of a template except those that its comments allow.
#[must_use]
pub fn problems(library: &Library<'_>, name: &TemplateName) -> Vec<Problem> {
    let source = match library.source(name) {
        Ok(source) => source,
        Err(problem) => return vec![problem],
    };
    let checked = Checked { library, name, source };
    if let Some(problem) = checked.conflict() {
        return vec![problem];
    }
    let mut problems = checked.refusals();
    problems.extend(calls::wrong_arguments(&checked));
    problems.extend(checked.out_of_reach());
    problems.extend(flow::unreachable(&checked));
    // The names used in a tag with a syntax error are unknown.
    if source.tree().faults.is_empty() {
        let lost = lost::bindings(&checked);
        problems.extend(flow::unused_sets(&checked, &lost));
        problems.extend(lost::problems(&checked, &lost));
    }
    problems.extend(outputs::problems(&checked));
    problems.extend(literals::problem(&checked));
    problems.extend(calls::ambiguous_definitions(&checked));
    problems.extend(checked.useless_allows());
    problems.retain(|problem| !allows(source, problem));
    problems.sort_by_key(|problem| problem.range);
    problems
}

/// The problems for which Tera rejects a template, so that it cannot be rendered.
#[must_use]
pub fn refusals(library: &Library<'_>, name: &TemplateName) -> Vec<Problem> {
    match library.source(name) {
        Ok(source) => {
            let checked = Checked { library, name, source };
            checked.conflict().map_or_else(|| checked.refusals(), |problem| vec![problem])
        }
        Err(problem) => vec![problem],
    }
}

/// Whether a comment of the problem's template allows it.
#[must_use]
pub fn is_allowed(library: &Library<'_>, problem: &Problem) -> bool {
    problem.code.can_be_allowed()
        && problem.path.as_ref().and_then(|path| library.source_at(path)).is_some_and(|source| allows(source, problem))
}

fn allows(source: &Source, problem: &Problem) -> bool {
    let Some(at) = problem.range.map(|range| source.lines.offset(range.start)) else { return false };
    // Directives apply to the end of the next line at most.
    let line = source.lines.position(at).line;
    let allows = &source.analysis().allows;
    let before = allows.partition_point(|allow| allow.reach.start <= at);
    let near = |allow: &&Allow| source.lines.position(allow.reach.start).line + 1 >= line;
    let in_reach = allows[..before].iter().rev().take_while(near).filter(|allow| allow.reach.contains(&at));
    problem.code.can_be_allowed()
        && in_reach.flat_map(|allow| &allow.codes).any(|code| code.name == problem.code.name())
}

impl Checked<'_, '_> {
    /// A merge that is not finished, where the text is neither side's and nothing else that is wrong with it counts.
    fn conflict(&self) -> Option<Problem> {
        let found = Conflicts::read(self.source.text.as_bytes())?;
        let message = "the template has git's conflict markers".to_owned();
        let problem = self.error(Code::TemplateSyntax, &found.first_marker, message);
        Some(problem.help("merge the two sides, and delete the markers"))
    }

    fn refusals(&self) -> Vec<Problem> {
        let faults = self.source.tree().faults.iter();
        let mut problems: Vec<_> = faults
            .map(|fault| {
                let problem = self.problem(Severity::Error, Code::TemplateSyntax, &fault.span, fault.message.clone());
                Problem { help: fault.help.clone(), ..problem }
            })
            .collect();
        problems.extend(self.broken_placeholders());
        problems.extend(inheritance::problems(self));
        problems.extend(calls::unknown(self));
        problems
    }

    /// The first of them, and how many more there are: a text that is no template can have millions.
    fn broken_placeholders(&self) -> Vec<Problem> {
        let broken = &self.analysis().broken;
        let mut problems: Vec<_> = broken.iter().take(MOST_BROKEN).map(|span| self.broken_placeholder(span)).collect();
        if let (Some(last), more @ 1..) = (problems.last_mut(), broken.len().saturating_sub(MOST_BROKEN)) {
            last.help = Some(format!("{more} more like it follow; is this file a template?"));
        }
        problems
    }

    fn broken_placeholder(&self, span: &Span) -> Problem {
        let message = format!("`{}` is not a placeholder", self.source.slice(span));
        self.error(Code::TemplateSyntax, span, message)
            .help("write `${name}` with a name of letters, digits and `_`, or `$${` for a literal `${`")
    }

    /// Names in components that are not parameters of them.
    fn out_of_reach(&self) -> Vec<Problem> {
        let names = self.analysis().uses.iter().filter(|found| found.meaning == Meaning::OutOfReach);
        names
            .map(|found| {
                let message = format!("`{}` has no value in a component, which sees only its parameters", found.name);
                self.error(Code::UnknownPlaceholder, &found.span, message).help(format!(
                    "add the parameter `@{}`, which takes the value from where the component is called",
                    found.name
                ))
            })
            .collect()
    }

    /// Comments that allow unknown codes, or codes that cannot be allowed.
    fn useless_allows(&self) -> Vec<Problem> {
        let codes = self.analysis().allows.iter().flat_map(|allow| &allow.codes);
        let known = || Code::ALL.iter().copied().filter(|code| code.can_be_allowed()).map(Code::name);
        codes
            .filter(|code| !known().any(|known| known == code.name))
            .map(|code| {
                let exists = Code::ALL.iter().any(|known| known.name() == code.name);
                let what =
                    if exists { "cannot be allowed: nothing can be rendered with it" } else { "is no problem's code" };
                let problem = self.warning(Code::UselessAllow, &code.span, format!("`{}` {what}", code.name));
                match did_you_mean(&code.name, known()).filter(|_| !exists) {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            })
            .collect()
    }
}
