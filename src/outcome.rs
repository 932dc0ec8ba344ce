//! The outcome of a command that could run, which decides the exit code.

use tgen_core::base::problem::Problem;

/// The outcome of a command that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Nothing differs and nothing is wrong: exit code 0.
    Clean,
    /// Only the machine has failed: exit code 3.
    Infrastructure,
    /// Differences or problems: exit code 1.
    Findings,
}

impl Outcome {
    /// Findings if a condition holds.
    pub(crate) fn findings_if(found: bool) -> Self {
        if found { Self::Findings } else { Self::Clean }
    }

    /// Findings if one of the problems is an error.
    pub(crate) fn of(problems: &[Problem]) -> Self {
        Self::findings_if(problems.iter().any(Problem::is_error))
    }
}
