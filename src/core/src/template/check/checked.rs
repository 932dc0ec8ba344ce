//! The template being checked, with helpers to create its problems.

use crate::base::problem::{Code, Problem, Severity};
use crate::template::TemplateName;
use crate::template::analysis::Analysis;
use crate::template::library::{Library, Source};
use crate::template::syntax::tree::Span;

/// The template being checked.
pub(super) struct Checked<'c, 'f> {
    pub(super) library: &'c Library<'f>,
    pub(super) name: &'c TemplateName,
    pub(super) source: &'c Source,
}

impl<'c> Checked<'c, '_> {
    pub(super) fn analysis(&self) -> &'c Analysis {
        self.source.analysis()
    }

    pub(super) fn problem(&self, severity: Severity, code: Code, span: &Span, message: String) -> Problem {
        let problem = Problem { severity, ..Problem::error(code, message) };
        problem.in_file(&self.source.path).at(self.source.range(span))
    }

    pub(super) fn error(&self, code: Code, span: &Span, message: String) -> Problem {
        self.problem(Severity::Error, code, span, message)
    }

    pub(super) fn warning(&self, code: Code, span: &Span, message: String) -> Problem {
        self.problem(Severity::Warning, code, span, message)
    }
}
