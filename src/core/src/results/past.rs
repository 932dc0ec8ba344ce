//! What earlier runs tell of a test: its last outcomes, whether it flips between passing and failing, and how long it
//! takes. The history of units is in the room `schedule`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::attempt::Attempt;
use super::key::TestKey;
use super::merging::runs;
use super::outcome::{Meaning, Outcome};
use super::reading::Recorded;
use super::verdict::{Test, Verdict, verdict_of};

/// How many of the last outcomes are given, that of the reported run among them.
const MOST_OUTCOMES: usize = 20;
/// How many passes are needed to tell which duration is usual.
const FEWEST_PASSES: usize = 5;
/// A duration is unusual only if it exceeds the median by this much: milliseconds vary for no reason.
const FLOOR: Duration = Duration::from_secs(1);
/// How many median absolute deviations are usual.
const DEVIATIONS: u32 = 3;
/// A test that has changed so often between passing and failing is unstable.
const FLIPS: usize = 2;

/// Earlier runs, test by test.
#[derive(Debug, Clone, Default)]
pub struct Past<'r> {
    tests: HashMap<TestKey<'r>, Vec<Earlier<'r>>>,
}

/// A test in one of the earlier runs.
#[derive(Debug, Clone, Copy)]
struct Earlier<'r> {
    verdict: Verdict,
    duration: Duration,
    implementation: Option<&'r str>,
}

/// A test that took longer than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slow {
    /// How long it took.
    pub took: Duration,
    /// The median of its earlier passes.
    pub median: Duration,
}

impl<'r> Past<'r> {
    /// The recorded runs, test by test, without those that are reported.
    #[must_use]
    pub fn new(recorded: &'r Recorded, reported: &Recorded) -> Self {
        let reported: HashSet<&str> = reported.attempts.iter().map(|attempt| attempt.run.as_str()).collect();
        let order: HashMap<String, usize> = runs(recorded).into_iter().zip(0..).collect();
        let is_earlier = |attempt: &&Attempt| !reported.contains(attempt.run.as_str());
        let mut attempts: Vec<&Attempt> = recorded.attempts.iter().filter(is_earlier).collect();
        attempts.sort_by_cached_key(|attempt| (order.get(&attempt.run), TestKey::of(attempt), attempt.attempt));
        let mut past = Self::default();
        for of_test in
            attempts.chunk_by(|left, right| (&left.run, TestKey::of(left)) == (&right.run, TestKey::of(right)))
        {
            past.add(of_test);
        }
        past
    }

    /// Whether there are no earlier runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    fn add(&mut self, attempts: &[&'r Attempt]) {
        let Some(last) = attempts.last() else { return };
        let implementation = last.implementation.as_deref();
        let earlier = Earlier { verdict: verdict_of(attempts), duration: last.elapsed(), implementation };
        self.tests.entry(TestKey::of(last)).or_default().push(earlier);
    }

    fn of<'a>(&'a self, test: &'a Test<'_>) -> &'a [Earlier<'r>] {
        self.tests.get(&TestKey::of(test.last())).map_or(&[], Vec::as_slice)
    }

    /// The last verdicts of a test, the oldest first and that of the reported run at the end.
    #[must_use]
    pub fn strip(&self, test: &Test<'_>) -> Vec<Verdict> {
        let earlier = self.of(test);
        let from = earlier.len().saturating_sub(MOST_OUTCOMES - 1);
        earlier[from..].iter().map(|earlier| earlier.verdict).chain([test.verdict]).collect()
    }

    /// Whether a test flips between passing and failing from run to run, or passed only on a retry.
    #[must_use]
    pub fn is_unstable(&self, test: &Test<'_>) -> bool {
        test.verdict == Verdict::Flaky || flips(&self.strip(test)) >= FLIPS
    }

    /// The durations of a test that passed, if it took longer than usual.
    #[must_use]
    pub fn slow(&self, test: &Test<'_>) -> Option<Slow> {
        let last = test.last();
        let is_like = |earlier: &&Earlier<'_>| {
            earlier.verdict == Verdict::Ended(Outcome::Passed)
                && earlier.implementation == last.implementation.as_deref()
        };
        let durations: Vec<Duration> = self.of(test).iter().filter(is_like).map(|earlier| earlier.duration).collect();
        if durations.len() < FEWEST_PASSES || test.verdict != Verdict::Ended(Outcome::Passed) {
            return None;
        }
        let (took, median) = (last.elapsed(), median(&durations)?);
        let deviations: Vec<Duration> = durations.iter().map(|duration| duration.abs_diff(median)).collect();
        let usual = self::median(&deviations)?.saturating_mul(DEVIATIONS).max(FLOOR);
        (took > median.saturating_add(usual)).then_some(Slow { took, median })
    }
}

/// How often a test changed between passing and failing; skipped and unknown outcomes do not count.
fn flips(strip: &[Verdict]) -> usize {
    let does_not_count =
        |verdict: &&Verdict| **verdict == Verdict::Ended(Outcome::Skipped) || verdict.meaning() == Meaning::Unknown;
    let meanings: Vec<Meaning> =
        strip.iter().filter(|verdict| !does_not_count(verdict)).map(|verdict| verdict.meaning()).collect();
    meanings.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn median(durations: &[Duration]) -> Option<Duration> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
