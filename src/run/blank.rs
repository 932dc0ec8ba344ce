//! The lines of results files that the runner writes itself: attempts of tests that reported nothing, and the ends of units.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::outcome::Outcome;

use super::unit::Unit;

/// An attempt of a test of which only the outcome is known.
pub(super) fn bare_attempt(unit: &Unit, nodeid: &str, outcome: Outcome, reason: &str) -> Attempt {
    Attempt {
        run: String::new(),
        file: unit.file.to_string(),
        nodeid: nodeid.to_owned(),
        platform: None,
        attempt: 1,
        model: unit.model.clone(),
        test: None,
        task: None,
        batch: unit.batch,
        implementation: None,
        outcome,
        reason: reason.to_owned(),
        log: None,
        phases: BTreeMap::new(),
        subtests: BTreeMap::new(),
        duration: 0.0,
        peak_memory: None,
        worker: None,
        unit: unit.name.clone(),
        test_id: None,
        hardware: unit.hardware,
        device: None,
        device_name: None,
        started: Some(Timestamp::now().to_string()),
        memory_peak: None,
        device_memory_peak: None,
        shard: None,
    }
}

/// The end of a unit of which only the outcome is known.
pub(super) fn bare_end(unit: &Unit, outcome: Outcome) -> UnitEnd {
    UnitEnd {
        unit: unit.name.clone(),
        run: String::new(),
        hardware: unit.hardware,
        attempt: 1,
        outcome,
        partial: true,
        started: Some(Timestamp::now().to_string()),
        duration: 0.0,
        model: unit.model.clone(),
        batch: unit.batch,
        implementation: None,
        device: None,
        device_name: None,
        memory_peak: None,
        memory_expected: None,
        device_memory_peak: None,
        shard: None,
    }
}

/// Seconds, rounded to a tenth of a millisecond as in results files.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}

/// A time in seconds since 1970, as text for results files.
pub(super) fn time(seconds: f64) -> Option<String> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    let time = Timestamp::UNIX_EPOCH.checked_add(since).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_calendar_has_is_left_out() {
        assert_eq!(time(0.5).as_deref(), Some("1970-01-01T00:00:00.5Z"));
        for nonsense in [-1.0, 1e13, 1e19, f64::MAX, f64::NAN] {
            assert_eq!(time(nonsense), None, "{nonsense}");
        }
    }
}
