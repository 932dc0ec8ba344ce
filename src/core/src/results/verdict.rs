//! The verdict of a test over its attempts, and how many tests have which verdict.

use std::collections::{BTreeMap, HashMap};

use super::attempt::{Attempt, UnitEnd};
use super::outcome::{Meaning, Outcome};
use super::reading::Recorded;
use crate::model::hardware::HardwareType;

/// The result of a test over all of its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It passed, after an attempt that did not.
    Flaky,
    /// It ended as its last attempt did.
    Ended(Outcome),
}

impl Verdict {
    /// Every verdict, in the order of summaries: what passed, what did not apply, what failed, what is not known.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let ended = Outcome::ALL.iter().map(|outcome| Self::Ended(*outcome));
        let mut all: Vec<Self> = ended.collect();
        all.insert(1, Self::Flaky);
        all
    }

    /// Its name: `flaky`, or the outcome's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flaky => "flaky",
            Self::Ended(outcome) => outcome.name(),
        }
    }

    /// What it says of the test.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        match self {
            Self::Flaky => Meaning::Success,
            Self::Ended(outcome) => outcome.meaning(),
        }
    }
}

/// A test on one hardware type, with its attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct Test<'r> {
    /// Its attempts in the last run that it was part of, in order; never empty.
    pub attempts: Vec<&'r Attempt>,
    /// The verdict.
    pub verdict: Verdict,
}

impl<'r> Test<'r> {
    /// The attempt that the verdict follows: the last.
    #[must_use]
    pub fn last(&self) -> &'r Attempt {
        self.attempts[self.attempts.len() - 1]
    }
}

/// Every test, sorted by file and name; `recorded` has its runs in their order. Only the last run of a test counts: a failure
/// in an earlier run does not make it flaky.
#[must_use]
pub fn tests(recorded: &Recorded) -> Vec<Test<'_>> {
    let ends = last_ends(&recorded.ends);
    let mut attempts: Vec<&Attempt> = recorded.attempts.iter().collect();
    // Stable: the attempts of a test stay in the order of the runs.
    attempts.sort_by(|left, right| test(left).cmp(&test(right)));
    let of_one_test = attempts.chunk_by(|left, right| test(left) == test(right));
    let of_last_run = of_one_test.map(of_last_run).filter(|attempts| !is_superseded(attempts, &ends));
    of_last_run.map(|attempts| Test { attempts: attempts.to_vec(), verdict: verdict(attempts, &ends) }).collect()
}

/// How each unit ended last, and in which run.
type LastEnds<'r> = HashMap<(&'r str, HardwareType), (&'r str, Outcome)>;

fn of_last_run<'a, 'r>(attempts: &'a [&'r Attempt]) -> &'a [&'r Attempt] {
    let last = attempts.last().map(|attempt| &attempt.run);
    let before = attempts.iter().rposition(|attempt| Some(&attempt.run) != last);
    &attempts[before.map_or(0, |before| before + 1)..]
}

/// Whether the attempts stand for a whole unit that ended well in a later run.
fn is_superseded(attempts: &[&Attempt], ends: &LastEnds<'_>) -> bool {
    attempts.last().is_some_and(|last| {
        let end = ends.get(&(last.unit_name(), last.hardware));
        is_of_whole_unit(last)
            && end.is_some_and(|(run, outcome)| *run != last.run && outcome.meaning() == Meaning::Success)
    })
}

fn last_ends(ends: &[UnitEnd]) -> LastEnds<'_> {
    ends.iter().map(|end| ((end.unit.as_str(), end.hardware), (end.run.as_str(), end.outcome))).collect()
}

fn test(attempt: &Attempt) -> (&str, &str, HardwareType) {
    (&attempt.file, &attempt.nodeid, attempt.hardware)
}

fn verdict(attempts: &[&Attempt], ends: &LastEnds<'_>) -> Verdict {
    let mut outcomes: Vec<Outcome> = attempts.iter().map(|attempt| attempt.outcome).collect();
    // What ended a unit as a whole, such as a crash before its first test, no longer counts once the unit has passed.
    if let [.., last] = attempts
        && is_of_whole_unit(last)
        && let Some((_, end)) = ends.get(&(last.unit_name(), last.hardware))
        && end.meaning() == Meaning::Success
    {
        outcomes.push(Outcome::Passed);
    }
    match outcomes.split_last() {
        Some((Outcome::Passed, before)) if before.iter().any(|outcome| outcome.meaning() == Meaning::Failure) => {
            Verdict::Flaky
        }
        Some((last, _)) => Verdict::Ended(*last),
        None => Verdict::Ended(Outcome::NotRun),
    }
}

/// The verdict of a test over its attempts in one run.
pub(super) fn verdict_of(attempts: &[&Attempt]) -> Verdict {
    verdict(attempts, &LastEnds::new())
}

/// Whether a line stands for a unit that had no test to blame.
#[must_use]
pub fn is_of_whole_unit(attempt: &Attempt) -> bool {
    attempt.nodeid == attempt.file && attempt.phases.is_empty()
}

/// The result of a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conclusion {
    /// Nothing is wrong with any of them.
    Passed,
    /// Some were blocked or not run, and none failed.
    Incomplete,
    /// The machine failed, and no test did.
    InfrastructureFailed,
    /// Something is wrong with a test.
    TestsFailed,
}

/// How many tests have which verdict on which hardware type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    counts: BTreeMap<(HardwareType, Verdict), usize>,
}

impl Summary {
    /// Counts tests.
    #[must_use]
    pub fn of(tests: &[Test<'_>]) -> Self {
        let mut counts = BTreeMap::new();
        for test in tests {
            *counts.entry((test.last().hardware, test.verdict)).or_insert(0) += 1;
        }
        Self { counts }
    }

    /// The hardware types that tests ran on.
    #[must_use]
    pub fn hardware(&self) -> Vec<HardwareType> {
        let mut hardware: Vec<_> = self.counts.keys().map(|(hardware, _)| *hardware).collect();
        hardware.dedup();
        hardware
    }

    /// How many tests have a verdict on a hardware type.
    #[must_use]
    pub fn count(&self, hardware: HardwareType, verdict: Verdict) -> usize {
        self.counts.get(&(hardware, verdict)).copied().unwrap_or(0)
    }

    /// How many tests have a verdict.
    #[must_use]
    pub fn total(&self, verdict: Verdict) -> usize {
        self.counts.iter().filter(|((_, one), _)| *one == verdict).map(|(_, count)| count).sum()
    }

    /// How many tests have a verdict of that meaning.
    #[must_use]
    pub fn meaning(&self, meaning: Meaning) -> usize {
        self.counts.iter().filter(|((_, verdict), _)| verdict.meaning() == meaning).map(|(_, count)| count).sum()
    }

    /// The result of the run as a whole.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        let has = |verdict| self.total(verdict) > 0;
        if self.meaning(Meaning::Failure) > 0 {
            Conclusion::TestsFailed
        } else if has(Verdict::Ended(Outcome::InfraError)) {
            Conclusion::InfrastructureFailed
        } else if self.meaning(Meaning::Unknown) > 0 {
            Conclusion::Incomplete
        } else {
            Conclusion::Passed
        }
    }

    /// How many tests there are.
    #[must_use]
    pub fn tests(&self) -> usize {
        self.counts.values().sum()
    }
}
