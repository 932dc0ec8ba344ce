//! `plan.json`: the units of a bundle as the driver reads them (`driver/tgen_driver/plan.py`).

use serde::Serialize;
use tgen_core::model::hardware::HardwareType;
use tgen_core::schedule::job::Job;

use crate::run::{PlaceInFile, Selection, Unit};

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct DriverPlan<'a> {
    #[serde(rename = "tgen-plan")]
    version: u32,
    /// The run that this one finishes.
    rerun_of: Option<&'a str>,
    /// The arguments of pytest.
    arguments: &'a [String],
    units: Vec<PlannedUnit<'a>>,
}

#[derive(Serialize)]
struct PlannedUnit<'a> {
    name: &'a str,
    file: &'a str,
    hardware: HardwareType,
    place: &'static str,
    test_id: Option<&'a str>,
    model: Option<&'a str>,
    batch: Option<u32>,
    /// In bytes.
    memory: u64,
    memory_is_known: bool,
    memory_origin: String,
    priority: u8,
    /// In nanoseconds, so that the driver divides the units as `run --shard` does.
    expected: u64,
    /// In seconds.
    timeout: u64,
    after: Vec<usize>,
    /// The tests that do not run, because they have passed before.
    passed: &'a [String],
}

/// The plan of a bundle: the same text for the same units.
pub(crate) fn plan_json(
    selection: &Selection,
    arguments: &[String],
    rerun_of: Option<&str>,
) -> anyhow::Result<Vec<u8>> {
    let units = selection.units.iter().zip(&selection.jobs).map(|(unit, job)| planned(unit, job)).collect();
    Ok(serde_json::to_vec_pretty(&DriverPlan { version: VERSION, rerun_of, arguments, units })?)
}

fn planned<'a>(unit: &'a Unit, job: &'a Job) -> PlannedUnit<'a> {
    PlannedUnit {
        name: &unit.name,
        file: unit.file.as_str(),
        hardware: unit.hardware,
        place: match unit.place {
            PlaceInFile::Only => "only",
            PlaceInFile::First => "first",
            PlaceInFile::Later => "later",
        },
        test_id: unit.test_id.as_deref(),
        model: unit.model.as_deref(),
        batch: unit.batch,
        memory: job.needs.memory.value.0,
        memory_is_known: job.needs.memory.origin.is_known(),
        memory_origin: job.needs.memory.origin.to_string(),
        priority: job.priority,
        expected: u64::try_from(job.expected.value.as_nanos()).unwrap_or(u64::MAX),
        timeout: job.timeout.as_secs(),
        after: job.after.iter().map(|on| usize::from(*on)).collect(),
        passed: &unit.passed,
    }
}
