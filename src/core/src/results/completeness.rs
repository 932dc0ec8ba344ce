//! What is missing from a run: shards whose files are not there, units that did not end.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::Recorded;
use super::rerun::missing_units;
use super::verdict::is_of_whole_unit;
use crate::model::hardware::HardwareType;

/// The most shards of a run; a header that names more is ignored.
const MOST_SHARDS: u32 = 10_000;

/// What is missing from a run; all of it is empty if nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completeness {
    /// Shards of which there is no header, such as `3/8`.
    pub shards: Vec<String>,
    /// Planned units that did not end, by name as far as it is known.
    pub units: Vec<MissingUnit>,
    /// How many more planned units did not end.
    pub unnamed_units: u64,
    /// How many lines could not be read.
    pub unreadable_lines: usize,
}

/// A planned unit that did not end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingUnit {
    /// Its name: the path of an output, or the id of a planned test.
    pub unit: String,
    /// The hardware type.
    pub hardware: HardwareType,
    /// Whether something of it was recorded.
    pub has_begun: bool,
}

impl Completeness {
    /// What is missing from runs that are reported together.
    #[must_use]
    pub fn of(recorded: &Recorded) -> Self {
        let missing = missing_units(recorded);
        let mut units = units_without_end(recorded);
        // A rerun may have finished some of them, which only the count takes into account.
        units.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        let unnamed_units = missing.saturating_sub(units.len() as u64);
        Self { shards: missing_shards(recorded), units, unnamed_units, unreadable_lines: recorded.ignored.len() }
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// How many planned units did not end.
    #[must_use]
    pub fn missing_units(&self) -> u64 {
        self.unnamed_units.saturating_add(self.units.len() as u64)
    }
}

fn missing_shards(recorded: &Recorded) -> Vec<String> {
    let mut present: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for shard in recorded.headers.iter().filter_map(|header| header.shard.as_deref()) {
        if let Some((part, parts)) = shard.split_once('/')
            && let (Ok(part), Ok(parts @ 1..=MOST_SHARDS)) = (part.trim().parse(), parts.trim().parse())
        {
            present.entry(parts).or_default().insert(part);
        }
    }
    let missing = present.iter().flat_map(|(parts, present)| {
        (1..=*parts).filter(|part| !present.contains(part)).map(move |part| format!("{part}/{parts}"))
    });
    missing.collect()
}

/// The units that are named by a header or have begun, and have no end.
fn units_without_end(recorded: &Recorded) -> Vec<MissingUnit> {
    let ended: BTreeSet<(&str, HardwareType)> =
        recorded.ends.iter().map(|end| (end.unit.as_str(), end.hardware)).collect();
    // A run of pytest itself plans nothing and ends no unit.
    let planning: BTreeSet<&str> =
        recorded.headers.iter().filter(|header| header.planned > 0).map(|header| header.run.as_str()).collect();
    let of_runner = recorded.attempts.iter().filter(|attempt| planning.contains(attempt.run.as_str()));
    let begun: BTreeMap<(&str, HardwareType), bool> =
        of_runner.map(|attempt| ((attempt.unit_name(), attempt.hardware), is_of_whole_unit(attempt))).collect();
    let planned = recorded.headers.iter().flat_map(|header| &header.units);
    let planned = planned.flat_map(|(hardware, units)| units.iter().map(|unit| (unit.as_str(), *hardware)));
    let all: BTreeSet<(&str, HardwareType)> = planned.chain(begun.keys().copied()).collect();
    let missing = all.into_iter().filter(|unit| !ended.contains(unit) && begun.get(unit) != Some(&true));
    let named = missing.map(|unit| MissingUnit {
        unit: unit.0.to_owned(),
        hardware: unit.1,
        has_begun: begun.contains_key(&unit),
    });
    named.collect()
}
