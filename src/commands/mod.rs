//! The commands, one short file each: gather input, call core, print.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod hardware;
pub(crate) mod init;
pub(crate) mod lint;
pub(crate) mod lsp;
pub(crate) mod man;
pub(crate) mod map;
#[cfg(feature = "store")]
pub(crate) mod mapping;
pub(crate) mod models;
pub(crate) mod placeholders;
#[cfg(feature = "store")]
pub(crate) mod plan;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "store")]
pub(crate) mod template;
pub(crate) mod watch;

use tgen_core::hardware::HardwareType;
use tgen_core::problem::Problem;
use tgen_core::suggest::closest;

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

/// Reads a hardware type on the command line.
pub(crate) fn hardware_type(name: &str) -> Result<HardwareType, String> {
    HardwareType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = HardwareType::ALL.iter().map(|hardware| hardware.name()).collect();
        let slip =
            closest(name, known.iter().copied()).map(|close| format!("did you mean `{close}`? ")).unwrap_or_default();
        format!("{slip}there is {}", known.join(", "))
    })
}
