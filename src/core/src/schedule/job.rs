//! What is to be run, and what it needs. This module must not know how jobs are chosen.

use std::collections::HashMap;
use std::time::Duration;

use typed_index_collections::{TiSlice, TiVec};

use super::estimate::Estimate;
use crate::base::bytes::Bytes;
use crate::model::hardware::HardwareType;

/// The place of a job in the list of all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobIndex(usize);

impl From<usize> for JobIndex {
    fn from(index: usize) -> Self {
        Self(index)
    }
}

impl From<JobIndex> for usize {
    fn from(index: JobIndex) -> Self {
        index.0
    }
}

/// A unit to execute: a test file, or a planned test, on one hardware type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The output's path, or the planned test's id.
    pub unit: String,
    /// What must be free.
    pub needs: Needs,
    /// From 1, first, to 10.
    pub priority: u8,
    /// How long it takes.
    pub expected: Estimate<Duration>,
    /// How long it may take.
    pub timeout: Duration,
    /// Jobs of one group run one after another.
    pub group: Option<String>,
    /// The jobs that must have passed first.
    pub after: Vec<JobIndex>,
}

/// What must be free before a job starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Memory of the machine.
    pub memory: Estimate<Bytes>,
    /// A slot of a device of this type; none for a job that runs on the processor alone.
    pub device: Option<HardwareType>,
}

/// How long jobs take one after another. Durations that were learnt from a results file can be of any length, so the sum
/// saturates.
pub fn expected_time<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> Duration {
    jobs.into_iter().map(|job| job.expected.value).fold(Duration::ZERO, Duration::saturating_add)
}

/// Some of the jobs, in their order. Dependencies that are not among them count as passed.
#[must_use]
pub fn select(jobs: &TiSlice<JobIndex, Job>, chosen: &[JobIndex]) -> TiVec<JobIndex, Job> {
    let places: HashMap<JobIndex, JobIndex> = chosen.iter().copied().zip((0..).map(JobIndex)).collect();
    let job =
        |job: &Job| Job { after: job.after.iter().filter_map(|on| places.get(on).copied()).collect(), ..job.clone() };
    chosen.iter().filter_map(|at| jobs.get(*at)).map(job).collect()
}
