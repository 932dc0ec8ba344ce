//! What changed from one run to another.
//!
//! A test that was skipped or not reached has not been fixed and has not begun to pass: it no longer runs, which is a
//! change of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key::TestKey;
use super::message::{masked, message};
use super::outcome::{Meaning, Outcome};
use super::verdict::{Test, Verdict};
use crate::base::named::named_enum;

named_enum! {
    /// What became of a test from one run to the next.
    pub enum TestChange {
        /// It fails, and did not.
        New = "new",
        /// It failed and fails, for another reason.
        Changed = "changed",
        /// It failed, and passes.
        Fixed = "fixed",
        /// It ran in the other run, and does not in this one.
        Gone = "gone",
        /// It failed and fails, for the same reason.
        Still = "still",
    }
}

named_enum! {
    /// What became of a model from one run to the next.
    pub enum ModelChange {
        /// Some of its tests fail, and none did.
        FailsNow = "fails now",
        /// Some of its tests failed, and none does.
        Fixed = "fixed",
        /// The other run has no test of it.
        Added = "added",
        /// This run has no test of it.
        Removed = "removed",
    }
}

/// A test that changed, or fails still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangedTest<'r> {
    /// What became of it.
    pub change: TestChange,
    /// The test in the other run.
    pub before: Option<&'r Test<'r>>,
    /// The test in this run.
    pub now: Option<&'r Test<'r>>,
}

impl<'r> ChangedTest<'r> {
    /// The test in this run, or else in the other.
    #[must_use]
    pub fn test(&self) -> Option<&'r Test<'r>> {
        self.now.or(self.before)
    }
}

/// What changed from one run to another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison<'r> {
    /// The tests, by what became of them and then in the order of the runs.
    pub tests: Vec<ChangedTest<'r>>,
    /// The models, by name.
    pub models: BTreeMap<&'r str, ModelChange>,
}

impl<'r> Comparison<'r> {
    /// Compares the tests of a run with those of another.
    #[must_use]
    pub fn new(now: &'r [Test<'r>], before: &'r [Test<'r>]) -> Self {
        let earlier: HashMap<TestKey<'_>, &Test<'_>> = before.iter().map(|test| (key(test), test)).collect();
        let present: BTreeSet<TestKey<'_>> = now.iter().map(key).collect();
        let of_now = now.iter().map(|test| (earlier.get(&key(test)).copied(), Some(test)));
        let of_before = before.iter().filter(|test| !present.contains(&key(test))).map(|test| (Some(test), None));
        let changed = of_now
            .chain(of_before)
            .filter_map(|(before, now)| change(before, now).map(|change| ChangedTest { change, before, now }));
        let mut tests: Vec<ChangedTest<'r>> = changed.collect();
        tests.sort_by_key(|test| test.change);
        Self { tests, models: model_changes(now, before) }
    }

    /// The tests with this change.
    pub fn of(&self, change: TestChange) -> impl Iterator<Item = &ChangedTest<'r>> {
        self.tests.iter().filter(move |test| test.change == change)
    }

    /// The models with this change.
    pub fn models_of(&self, change: ModelChange) -> impl Iterator<Item = &'r str> {
        self.models.iter().filter(move |(_, one)| **one == change).map(|(model, _)| *model)
    }
}

fn key<'r>(test: &Test<'r>) -> TestKey<'r> {
    TestKey::of(test.last())
}

/// What a run knows of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passes,
    Fails,
    DoesNotRun,
}

fn state(test: Option<&Test<'_>>) -> State {
    match test.map(|test| test.verdict) {
        None | Some(Verdict::Ended(Outcome::Skipped)) => State::DoesNotRun,
        Some(verdict) => match verdict.meaning() {
            Meaning::Success => State::Passes,
            Meaning::Failure => State::Fails,
            Meaning::Unknown => State::DoesNotRun,
        },
    }
}

fn change(before: Option<&Test<'_>>, now: Option<&Test<'_>>) -> Option<TestChange> {
    match (state(before), state(now)) {
        (State::Fails, State::Fails) if fault(before) != fault(now) => Some(TestChange::Changed),
        (State::Fails, State::Fails) => Some(TestChange::Still),
        (_, State::Fails) => Some(TestChange::New),
        (State::Fails, State::Passes) => Some(TestChange::Fixed),
        (State::Fails | State::Passes, State::DoesNotRun) => Some(TestChange::Gone),
        (State::Passes | State::DoesNotRun, _) => None,
    }
}

/// How a test failed: its verdict, and its message, masked.
fn fault(test: Option<&Test<'_>>) -> Option<(Verdict, String)> {
    test.map(|test| (test.verdict, masked(message(&test.last().reason))))
}

fn model_changes<'r>(now: &'r [Test<'r>], before: &'r [Test<'r>]) -> BTreeMap<&'r str, ModelChange> {
    let (now, before) = (models_failing(now), models_failing(before));
    let all: BTreeSet<&str> = now.keys().chain(before.keys()).copied().collect();
    let changed = all.into_iter().filter_map(|model| {
        let change = match (before.get(model), now.get(model)) {
            (None, _) => ModelChange::Added,
            (_, None) => ModelChange::Removed,
            (Some(false), Some(true)) => ModelChange::FailsNow,
            (Some(true), Some(false)) => ModelChange::Fixed,
            _ => return None,
        };
        Some((model, change))
    });
    changed.collect()
}

/// Every model, with whether one of its tests fails.
fn models_failing<'r>(tests: &'r [Test<'r>]) -> BTreeMap<&'r str, bool> {
    let mut models = BTreeMap::new();
    for test in tests {
        if let Some(model) = &test.last().model {
            *models.entry(model.as_str()).or_insert(false) |= test.verdict.meaning() == Meaning::Failure;
        }
    }
    models
}
