//! The closure of a template: everything that it extends or includes, directly or not, and the templates that define
//! the components which are called. Compiling, checking and the editor all use it.
//!
//! This module must not know how templates are compiled.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::TemplateName;
use super::analysis::{Analysis, Reference};
use super::library::{Library, Source};
use super::syntax::tree::Span;
use crate::base::problem::{Code, Problem, Related};

/// The deepest chain of templates that extend or include each other; Tera searches all levels for blocks and values.
pub(super) const MAX_LEVELS: usize = 100;

/// A template and everything that is rendered with it.
pub(super) struct Closure<'l> {
    /// The template itself, then the others in the order of their first reference.
    pub(super) members: Vec<Member<'l>>,
    /// The problems of templates that cannot be read.
    pub(super) problems: Vec<Problem>,
}

/// A template of a closure.
pub(super) struct Member<'l> {
    pub(super) name: TemplateName,
    pub(super) source: &'l Source,
    pub(super) analysis: &'l Analysis,
}

/// The reference that added a member, if any.
type AskedBy<'l> = Option<(&'l Source, &'l Span)>;

impl<'l> Closure<'l> {
    pub(super) fn of(library: &'l Library<'_>, root: &TemplateName) -> Self {
        let mut closure = Self { members: Vec::new(), problems: Vec::new() };
        let mut seen = HashSet::from([root.clone()]);
        let mut waiting: VecDeque<(TemplateName, AskedBy<'l>, usize)> = VecDeque::from([(root.clone(), None, 0)]);
        while let Some((name, asked_by, level)) = waiting.pop_front() {
            match library.source(&name) {
                Ok(_) if level > MAX_LEVELS => closure.problems.extend(too_deep(asked_by)),
                Ok(source) => {
                    let asked = closure.add(name, source).into_iter();
                    let new = asked.filter(|(name, _)| seen.insert(name.clone()));
                    waiting.extend(new.map(|(name, asked_by)| (name, asked_by, level + 1)));
                }
                Err(problem) => closure.problems.push(blame(problem, asked_by)),
            }
            if waiting.is_empty() {
                let definers = closure.definers(library).into_iter().filter(|name| seen.insert((*name).clone()));
                waiting.extend(definers.map(|name| (name.clone(), None, 0)));
            }
        }
        closure
    }

    /// Adds a member and returns what it extends and includes.
    fn add(&mut self, name: TemplateName, source: &'l Source) -> Vec<(TemplateName, AskedBy<'l>)> {
        let analysis = source.analysis();
        self.members.push(Member { name, source, analysis });
        let references = analysis.builds_on.iter();
        references.map(|found| (TemplateName::new(&found.name), Some((source, &found.span)))).collect()
    }

    /// The templates that define components which are called but not defined by a member yet.
    fn definers(&self, library: &'l Library<'_>) -> BTreeSet<&'l TemplateName> {
        let defined = self.names_of(|analysis| &analysis.defines);
        let called = self.names_of(|analysis| &analysis.calls);
        called.difference(&defined).flat_map(|component| library.graph().definers_of(component)).collect()
    }

    /// The names in one list of every member's analysis.
    pub(super) fn names_of(&self, list: impl Fn(&'l Analysis) -> &'l Vec<Reference>) -> BTreeSet<&'l str> {
        self.members.iter().flat_map(|member| list(member.analysis)).map(|reference| reference.name.as_str()).collect()
    }
}

fn too_deep(asked_by: AskedBy<'_>) -> Option<Problem> {
    let (source, span) = asked_by?;
    let message = format!("templates extend or include each other more than {MAX_LEVELS} levels deep");
    let problem = Problem::error(Code::LimitExceeded, message).help("let fewer templates build on each other");
    Some(problem.in_file(&source.path).at(source.range(span)))
}

/// Reports an unreadable template at the place that refers to it.
fn blame(problem: Problem, asked_by: AskedBy<'_>) -> Problem {
    let Some((source, span)) = asked_by else { return problem };
    let code = if problem.code == Code::MissingTemplate { Code::BrokenInheritance } else { problem.code };
    let mut blamed = Problem { code, ..problem.clone() }.in_file(&source.path).at(source.range(span));
    if let Some(path) = problem.path {
        blamed.related.push(Related { path, range: problem.range, message: "this is the template".to_owned() });
    }
    blamed
}
