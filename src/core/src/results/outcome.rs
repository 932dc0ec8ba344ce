//! How an attempt of a test ended. This module must not know how that was found out.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::base::named::named_enum;

named_enum! {
    /// How an attempt of a test, or of a whole unit, ended.
    pub enum Outcome {
        /// It passed.
        Passed = "passed",
        /// An assertion failed, or the test raised an error.
        Failed = "failed",
        /// The test said that it does not apply here.
        Skipped = "skipped",
        /// It failed as it was expected to.
        Xfailed = "xfailed",
        /// It passed although it was expected to fail.
        Xpassed = "xpassed",
        /// It could not be set up, collected or taken down.
        Error = "error",
        /// It ran longer than it may, and was ended.
        TimedOut = "timed_out",
        /// Its process died of a signal or left without a result.
        Crashed = "crashed",
        /// It needed more memory than there was.
        Oom = "oom",
        /// It was not tried: what it needs is not there, or what it depends on did not pass.
        Blocked = "blocked",
        /// It was not reached: the run was interrupted or its budget was used up.
        NotRun = "not_run",
        /// The machine failed, not the test: no interpreter, a full disk.
        InfraError = "infra_error",
    }
}

/// What an outcome says of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// Nothing is wrong with it.
    Success,
    /// Something is wrong with it.
    Failure,
    /// Nothing is known of it.
    Unknown,
}

impl Outcome {
    /// The outcome of that name. Pytest without a runner writes `interrupted` for a test that did not end.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "interrupted" {
            return Some(Self::NotRun);
        }
        Self::ALL.iter().copied().find(|outcome| outcome.name() == name)
    }

    /// What it says of the test.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        match self {
            Self::Passed | Self::Skipped | Self::Xfailed | Self::Xpassed => Meaning::Success,
            Self::Failed | Self::Error | Self::TimedOut | Self::Crashed | Self::Oom => Meaning::Failure,
            Self::Blocked | Self::NotRun | Self::InfraError => Meaning::Unknown,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no outcome `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_outcome() {
        assert!(Outcome::ALL.iter().all(|outcome| Outcome::from_name(outcome.name()) == Some(*outcome)));
        assert_eq!(Outcome::from_name("interrupted"), Some(Outcome::NotRun));
        assert_eq!(Outcome::from_name("rerun"), None);
    }
}
