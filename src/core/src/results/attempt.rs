//! The lines of a results file: [`Header`], [`Attempt`], [`UnitEnd`].
//!
//! The names of the keys are the file's format. Unknown keys are not an error: a later release may write more. This module
//! must not know files or verdicts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::outcome::Outcome;
use crate::model::hardware::HardwareType;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// The first line of a run, or of a shard of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    #[serde(rename = "tgen-results")]
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// When it started, as RFC 3339 in UTC: such times sort as text.
    pub started: String,
    /// The run that this one finishes (`--rerun`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<String>,
    /// The machine: its name, system and processor.
    #[serde(default)]
    pub machine: String,
    /// The command line.
    #[serde(default)]
    pub command: String,
    /// The commit that was checked out.
    #[serde(default)]
    pub git_commit: Option<String>,
    /// The version of Python.
    #[serde(default)]
    pub python: Option<String>,
    /// The version of torch.
    #[serde(default)]
    pub torch: Option<String>,
    /// The version of transformers.
    #[serde(default)]
    pub transformers: Option<String>,
    /// The version of the devices' driver.
    #[serde(default)]
    pub driver: Option<String>,
    /// The part of the plan that this run has, such as `2/8`.
    #[serde(default)]
    pub shard: Option<String>,
    /// How many units were planned.
    #[serde(default)]
    pub planned: u64,
    /// The planned units, so that those that did not end can be named; empty where there are too many for a line.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<HardwareType, Vec<String>>,
}

/// One attempt of one test.
///
/// A unit without a test of its own to blame (blocked, not run, timed out before its first test) has one such line: its
/// `nodeid` is its file, and it has no phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The run's id.
    pub run: String,
    /// The test file, relative to the folder that pytest ran in.
    pub file: String,
    /// The test's name, as pytest has it.
    pub nodeid: String,
    /// The platform that the test noted, where it is one of the built-in tests.
    #[serde(default)]
    pub platform: Option<String>,
    /// Which attempt of the test it is, from 1.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// The name that the built-in tests have for the test, such as `output`.
    #[serde(default)]
    pub test: Option<String>,
    /// The model's task.
    #[serde(default)]
    pub task: Option<String>,
    /// The batch size.
    #[serde(default)]
    pub batch: Option<u32>,
    /// `REAL` or `MOCK`.
    #[serde(default)]
    pub implementation: Option<String>,
    /// How it ended: the worst of its phases.
    pub outcome: Outcome,
    /// Why it did not pass, or what a test that passed has noted.
    #[serde(default)]
    pub reason: String,
    /// The end of what pytest or the interpreter said of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// How each phase ended: `setup`, `call`, `teardown`.
    #[serde(default)]
    pub phases: BTreeMap<String, String>,
    /// How many subtests ended how.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subtests: BTreeMap<String, u64>,
    /// How long it took, in seconds.
    #[serde(default, deserialize_with = "sensible_seconds")]
    pub duration: f64,
    /// The peak of torch's memory that the built-in tests noted, in bytes.
    #[serde(default)]
    pub peak_memory: Option<u64>,
    /// The worker of pytest-xdist.
    #[serde(default)]
    pub worker: Option<String>,
    /// What was executed: an output's path, or a planned test's id. Empty for a run of pytest itself.
    #[serde(default)]
    pub unit: String,
    /// The id of the planned test.
    #[serde(default)]
    pub test_id: Option<String>,
    /// The hardware type that it ran on. A line without one is read as `platform`, or else as the processor.
    pub hardware: HardwareType,
    /// The device that it ran on, such as `cuda:0`.
    #[serde(default)]
    pub device: Option<String>,
    /// The name that the device's driver has for it: what was learnt on one kind of device says little of another.
    #[serde(default)]
    pub device_name: Option<String>,
    /// When it started, as in [`Header::started`].
    #[serde(default)]
    pub started: Option<String>,
    /// The peak of the memory of all its processes together, in bytes.
    #[serde(default)]
    pub memory_peak: Option<u64>,
    /// The peak of the device's memory, in bytes.
    #[serde(default)]
    pub device_memory_peak: Option<u64>,
    /// The shard that ran it.
    #[serde(default)]
    pub shard: Option<String>,
}

/// The end of a unit; the lines of its tests come before it. A unit with attempts and without such a line was cut short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitEnd {
    /// What was executed, as in [`Attempt::unit`].
    #[serde(rename = "tgen-unit")]
    pub unit: String,
    /// The run's id.
    pub run: String,
    /// The hardware type that it ran on.
    pub hardware: HardwareType,
    /// Which attempt of the unit it is, from 1.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The worst outcome of its tests' last attempts in the run, or its own.
    pub outcome: Outcome,
    /// Whether some of its tests were left out, because they had passed before or were not asked for: then it tells
    /// nothing of how long the unit takes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// When it started, as in [`Header::started`].
    #[serde(default)]
    pub started: Option<String>,
    /// How long all of it took, imports and collection included, in seconds.
    #[serde(default, deserialize_with = "sensible_seconds")]
    pub duration: f64,
    /// The model, where the unit has one.
    #[serde(default)]
    pub model: Option<String>,
    /// The batch size, where the unit has one.
    #[serde(default)]
    pub batch: Option<u32>,
    /// `REAL` if one of its tests was.
    #[serde(default)]
    pub implementation: Option<String>,
    /// The device that it ran on, such as `cuda:0`.
    #[serde(default)]
    pub device: Option<String>,
    /// As [`Attempt::device_name`].
    #[serde(default)]
    pub device_name: Option<String>,
    /// As [`Attempt::memory_peak`].
    #[serde(default)]
    pub memory_peak: Option<u64>,
    /// The memory that it was expected to need, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_expected: Option<u64>,
    /// As [`Attempt::device_memory_peak`].
    #[serde(default)]
    pub device_memory_peak: Option<u64>,
    /// The shard that ran it.
    #[serde(default)]
    pub shard: Option<String>,
}

/// What identifies an attempt: no two lines of a file share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The test file.
    pub file: &'a str,
    /// The test's name.
    pub nodeid: &'a str,
    /// The hardware type.
    pub hardware: HardwareType,
    /// Which attempt, from 1.
    pub attempt: u32,
}

impl Attempt {
    /// What identifies it among the attempts of all runs.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            run: &self.run,
            file: &self.file,
            nodeid: &self.nodeid,
            hardware: self.hardware,
            attempt: self.attempt,
        }
    }

    /// What was executed: the file, where pytest ran without a runner.
    #[must_use]
    pub fn unit_name(&self) -> &str {
        if self.unit.is_empty() { &self.file } else { &self.unit }
    }

    /// How long it took.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        seconds(self.duration)
    }
}

impl UnitEnd {
    /// How long it took.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        seconds(self.duration)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Seconds rounded to a tenth of a millisecond, which is what is written; nonsense is read as 0. A longer fraction would not
/// survive writing and reading, and merging a merged file would change it.
fn sensible_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    const MOST: f64 = 1e9;
    let seconds = f64::deserialize(deserializer)?;
    Ok(if (0.0..=MOST).contains(&seconds) { (seconds * 1e4).round() / 1e4 } else { 0.0 })
}

const fn first() -> u32 {
    1
}
