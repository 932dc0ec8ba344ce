//! How a command that could run ends, which decides the exit code.

use tgen_core::base::problem::Problem;

/// How a command that could run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Nothing differs and nothing is wrong: exit code 0.
    Clean,
    /// Only the machine has failed: exit code 3.
    Infrastructure,
    /// Differences or problems: exit code 1.
    Findings,
}

impl Exit {
    /// Findings if a condition holds.
    pub(crate) fn findings_if(found: bool) -> Self {
        if found { Self::Findings } else { Self::Clean }
    }

    /// Findings if one of the problems is an error.
    pub(crate) fn of(problems: &[Problem]) -> Self {
        Self::findings_if(problems.iter().any(Problem::is_error))
    }
}
