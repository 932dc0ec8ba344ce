//! Results files merged into one: the same whatever their order, however often one is given, and merged again.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attempt::{Header, UnitEnd};
use super::outcome::{Meaning, Outcome};
use super::reading::{Recorded, line};

/// The lines of all files, without duplicates and in one order: run after run, the oldest first. Of two lines with the same
/// identity, one with a known outcome is kept.
#[must_use]
pub fn merged(mut recorded: Recorded) -> Recorded {
    let ranks: BTreeMap<String, usize> = runs(&recorded).into_iter().zip(0..).collect();
    let rank = |run: &str| ranks.get(run).copied();
    recorded.headers.sort_by_cached_key(|header| (rank(&header.run), line(header)));
    recorded.headers.dedup();
    recorded.attempts.sort_by(|left, right| {
        let by_identity = rank(&left.run).cmp(&rank(&right.run)).then_with(|| left.identity().cmp(&right.identity()));
        by_identity.then_with(|| preferred((left.outcome, left), (right.outcome, right)))
    });
    recorded.attempts.dedup_by(|later, earlier| later.identity() == earlier.identity());
    recorded.ends.sort_by(|left, right| {
        let by_identity = rank(&left.run).cmp(&rank(&right.run)).then_with(|| identity(left).cmp(&identity(right)));
        by_identity.then_with(|| preferred((left.outcome, left), (right.outcome, right)))
    });
    recorded.ends.dedup_by(|later, earlier| identity(later) == identity(earlier));
    recorded
}

/// The text of the merged results file.
#[must_use]
pub fn text(recorded: Recorded) -> String {
    let merged = merged(recorded);
    let mut text = String::new();
    let (mut headers, mut attempts, mut ends) =
        (merged.headers.iter().peekable(), merged.attempts.iter().peekable(), merged.ends.iter().peekable());
    for run in runs(&merged) {
        while let Some(header) = headers.next_if(|header| header.run == run) {
            text.push_str(&line(header));
        }
        while let Some(attempt) = attempts.next_if(|attempt| attempt.run == run) {
            text.push_str(&line(attempt));
        }
        while let Some(end) = ends.next_if(|end| end.run == run) {
            text.push_str(&line(end));
        }
    }
    text
}

/// The ids of all runs, the oldest first; runs without a header, which do not say when they started, come before all others.
#[must_use]
pub fn runs(recorded: &Recorded) -> Vec<String> {
    let mut started: BTreeMap<&str, &str> = BTreeMap::new();
    for Header { run, started: at, .. } in &recorded.headers {
        started.entry(run).and_modify(|first| *first = at.as_str().min(first)).or_insert(at);
    }
    let of_attempts = recorded.attempts.iter().map(|attempt| attempt.run.as_str());
    let of_ends = recorded.ends.iter().map(|end| end.run.as_str());
    let all: BTreeSet<&str> = started.keys().copied().chain(of_attempts).chain(of_ends).collect();
    let mut runs: Vec<&str> = all.into_iter().collect();
    runs.sort_by_key(|run| (started.get(run), *run));
    runs.into_iter().map(str::to_owned).collect()
}

fn identity(end: &UnitEnd) -> impl Ord + '_ {
    (&end.run, &end.unit, end.hardware, end.attempt)
}

/// Known outcomes come before unknown ones; then the text decides, so that the choice does not depend on the files' order.
fn preferred<T: Serialize>(left: (Outcome, &T), right: (Outcome, &T)) -> Ordering {
    let is_unknown = |outcome: Outcome| outcome.meaning() == Meaning::Unknown;
    is_unknown(left.0).cmp(&is_unknown(right.0)).then_with(|| line(left.1).cmp(&line(right.1)))
}
