//! A schedule before anything runs: which job would start when, if each took as long as expected and passed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::job::JobIndex;
use super::machine::DeviceSlot;
use super::scheduler::{End, Scheduler, Start};

/// A job in a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The job.
    pub job: JobIndex,
    /// The slot that it has.
    pub device: Option<DeviceSlot>,
    /// When it starts, counted from the beginning.
    pub start: Duration,
    /// When it ends.
    pub end: Duration,
}

/// What a scheduler that has not started anything would do, by time. Blocked jobs are left out.
#[must_use]
pub fn forecast(mut scheduler: Scheduler) -> Vec<Forecast> {
    let mut schedule = Vec::new();
    let mut running = BinaryHeap::new();
    let mut now = Duration::ZERO;
    loop {
        while let Some(Start { job, device }) = scheduler.start_next() {
            let end = now.saturating_add(scheduler.jobs()[job].expected.value);
            running.push(Reverse((end, job)));
            schedule.push(Forecast { job, device, start: now, end });
        }
        let Some(Reverse((end, job))) = running.pop() else { return schedule };
        now = end;
        scheduler.finished(job, End::Passed);
    }
}
