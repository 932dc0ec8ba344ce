//! What a command that could run says, and so the exit code.

use tgen_core::base::problem::Problem;

/// What a command that could run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Nothing differs and nothing is wrong: exit code 0.
    Clean,
    /// Differences or problems: exit code 1.
    Findings,
}

impl Outcome {
    /// Findings where something is true.
    pub(crate) fn findings_if(found: bool) -> Self {
        if found { Self::Findings } else { Self::Clean }
    }

    /// Findings where one of the problems is an error.
    pub(crate) fn of(problems: &[Problem]) -> Self {
        Self::findings_if(problems.iter().any(Problem::is_error))
    }
}
