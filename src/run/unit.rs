//! What is run, and how: the units, and the rules that the user has set.

use std::fmt;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Serialize;
use tgen_core::base::bytes::Bytes;
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::outcome::Outcome;
use tgen_core::schedule::machine::Device;

/// A test file on one hardware type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Its name in the results: the output's path, or the planned test's id.
    pub(crate) name: String,
    /// The file, relative to the project's root or absolute.
    pub(crate) file: Utf8PathBuf,
    /// The id of the planned test, where the unit is one.
    pub(crate) test_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) hardware: HardwareType,
    /// Which of the hardware types of its file that are run this is.
    pub(crate) place: PlaceInFile,
    pub(crate) batch: Option<u32>,
    /// The tests that are not run, because they have passed before.
    pub(crate) passed: Vec<String>,
}

/// The place of a unit among the units of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceInFile {
    /// There is no other.
    Only,
    /// It also has the tests that are for no certain hardware type.
    First,
    /// It has only the tests for its hardware type.
    Later,
}

/// How the tests of one file are kept from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Isolation {
    /// A process for each file, forked from one that has imported what the tests import
    #[cfg_attr(unix, default)]
    Fork,
    /// A new interpreter for each file
    #[cfg_attr(not(unix), default)]
    Spawn,
    /// One interpreter for several files, one after the other: what a file changes, imports or leaves in memory is there for
    /// the next
    None,
}

/// What is tried again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retries {
    /// How often.
    pub(crate) count: u32,
    /// The outcomes that are tried again, and parts of reasons.
    pub(crate) on: Vec<RetryOn>,
}

/// A reason to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryOn {
    /// A test that ended so.
    Outcome(Outcome),
    /// A test that failed with this text in its reason.
    Message(String),
}

/// As the command line has it.
impl fmt::Display for RetryOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(outcome) => formatter.write_str(outcome.name()),
            Self::Message(part) => formatter.write_str(part),
        }
    }
}

impl Retries {
    /// Whether a test that ended so is tried again, after so many attempts.
    pub(super) fn wants(&self, attempts: u32, outcome: Outcome, reason: &str) -> bool {
        let is_meant = |on: &RetryOn| match on {
            RetryOn::Outcome(wanted) => *wanted == outcome,
            RetryOn::Message(part) => !outcome.is_good() && reason.contains(part.as_str()),
        };
        attempts <= self.count && self.on.iter().any(is_meant)
    }
}

/// Whether an outcome leaves nothing to do.
pub(super) trait Good {
    fn is_good(&self) -> bool;
}

impl Good for Outcome {
    fn is_good(&self) -> bool {
        self.meaning() == tgen_core::results::outcome::Meaning::Success
    }
}

/// The rules of a run.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Arguments for pytest.
    pub(crate) arguments: Vec<String>,
    pub(crate) retries: Retries,
    /// Start nothing more after so many tests have failed.
    pub(crate) fail_fast: Option<usize>,
    /// End the run after this long.
    pub(crate) budget: Option<Duration>,
    /// How long a process may take to end after it was asked to.
    pub(crate) grace: Duration,
    /// The memory that all running files together may use, and the limit of each.
    pub(crate) memory: Bytes,
    pub(crate) devices: Vec<Device>,
    pub(crate) shard: Option<String>,
}
