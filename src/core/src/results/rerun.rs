//! What is left to run: a test with a recorded pass is never run again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::attempt::Header;
use super::merging::runs;
use super::outcome::Meaning;
use super::reading::Recorded;
use super::verdict::is_of_whole_unit;
use crate::model::hardware::HardwareType;

/// A unit on a hardware type that is left to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its place in the list of planned units.
    pub planned: usize,
    /// The tests of it that have passed, by pytest's names: they are left out.
    pub passed: Vec<String>,
}

/// The id of the run that started last.
#[must_use]
pub fn latest_run(recorded: &Recorded) -> Option<String> {
    runs(recorded).pop()
}

/// The lines of a run, of the runs that it finishes and of those that finish it. Empty if there is no such run.
#[must_use]
pub fn run_with_reruns(recorded: &Recorded, run: &str) -> Recorded {
    let mut related: BTreeSet<&str> = BTreeSet::from([run]);
    loop {
        let before = related.len();
        for Header { run, rerun_of, .. } in &recorded.headers {
            if let Some(earlier) = rerun_of
                && (related.contains(run.as_str()) || related.contains(earlier.as_str()))
            {
                related.extend([run.as_str(), earlier.as_str()]);
            }
        }
        if related.len() == before {
            break;
        }
    }
    let is_related = |run: &str| related.contains(run);
    Recorded {
        headers: recorded.headers.iter().filter(|header| is_related(&header.run)).cloned().collect(),
        attempts: recorded.attempts.iter().filter(|attempt| is_related(&attempt.run)).cloned().collect(),
        ends: recorded.ends.iter().filter(|end| is_related(&end.run)).cloned().collect(),
        ignored: Vec::new(),
    }
}

/// How many planned units have no end recorded: the run was cut short, or one of its files is not here. A run that has a
/// rerun does not count: the rerun has planned what was left of it.
#[must_use]
pub fn missing_units(recorded: &Recorded) -> u64 {
    let rerun: HashSet<&str> = recorded.headers.iter().filter_map(|header| header.rerun_of.as_deref()).collect();
    let mut planned: HashMap<&str, u64> = HashMap::new();
    for header in recorded.headers.iter().filter(|header| !rerun.contains(header.run.as_str())) {
        let planned = planned.entry(&header.run).or_default();
        *planned = planned.saturating_add(header.planned);
    }
    let with_end = recorded.ends.iter().map(|end| (end.run.as_str(), end.unit.as_str(), end.hardware));
    let whole = recorded.attempts.iter().filter(|attempt| is_of_whole_unit(attempt));
    let without_test = whole.map(|attempt| (attempt.run.as_str(), attempt.unit_name(), attempt.hardware));
    let ended: HashSet<_> = with_end.chain(without_test).collect();
    for (run, _, _) in ended {
        planned.entry(run).and_modify(|left| *left = left.saturating_sub(1));
    }
    planned.into_values().fold(0, u64::saturating_add)
}

/// The planned units that a run and its reruns have not brought to a good end: they failed, were not run, were cut short,
/// or are new. `planned` are units with their hardware types.
#[must_use]
pub fn unfinished(recorded: &Recorded, run: &str, planned: &[(&str, HardwareType)]) -> Vec<Unfinished> {
    let related = run_with_reruns(recorded, run);
    let finished = finished(&related);
    let mut passed: HashMap<(&str, HardwareType), BTreeSet<&str>> = HashMap::new();
    for attempt in related.attempts.iter().filter(|attempt| attempt.outcome.meaning() == Meaning::Success) {
        passed.entry((attempt.unit_name(), attempt.hardware)).or_default().insert(&attempt.nodeid);
    }
    let left = planned.iter().enumerate().filter(|(_, unit)| !finished.contains(*unit));
    let unfinished = left.map(|(place, unit)| {
        let passed = passed.get(unit).into_iter().flatten().map(|nodeid| (*nodeid).to_owned()).collect();
        Unfinished { planned: place, passed }
    });
    unfinished.collect()
}

/// The units that ended well. Pytest without a runner writes no ends: there a unit is finished if all of its tests passed.
fn finished(recorded: &Recorded) -> HashSet<(&str, HardwareType)> {
    let of_runner: HashSet<&str> = recorded.headers.iter().map(|header| header.run.as_str()).collect();
    let of_pytest = recorded.attempts.iter().filter(|attempt| !of_runner.contains(attempt.run.as_str()));
    let mut tests: BTreeMap<(&str, HardwareType), BTreeMap<&str, Meaning>> = BTreeMap::new();
    for attempt in of_pytest {
        let of_unit = tests.entry((attempt.unit_name(), attempt.hardware)).or_default();
        of_unit.insert(&attempt.nodeid, attempt.outcome.meaning());
    }
    tests.retain(|_, tests| tests.values().all(|meaning| *meaning == Meaning::Success));
    let ended = recorded.ends.iter().filter(|end| end.outcome.meaning() == Meaning::Success);
    ended.map(|end| (end.unit.as_str(), end.hardware)).chain(tests.into_keys()).collect()
}
