//! Records attempts of tests and ends of units, and counts them.

use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::outcome::Outcome;
use tgen_core::schedule::job::JobIndex;
use tgen_core::schedule::machine::DeviceSlot;
use tgen_core::schedule::scheduler::{BlockReason, End};

use super::{Engine, Stop, remove_log};
use crate::run::blank::{bare_attempt, bare_end, rounded};
use crate::run::unit::{Good, Unit};

/// The most bytes of what pytest says of a failure that are recorded.
const LONGEST_LOG: usize = 4096;

impl Engine<'_> {
    pub(super) fn bare_attempt(&self, at: usize, nodeid: &str, outcome: Outcome, reason: &str) -> Attempt {
        bare_attempt(&self.run.units[self.active[at].job], nodeid, outcome, reason)
    }

    /// Records an attempt of a test of a running unit.
    pub(super) fn record(&mut self, at: usize, attempt: Attempt) -> anyhow::Result<()> {
        let active = &mut self.active[at];
        let unit = &self.run.units[active.job];
        let number = active.attempts.entry(attempt.nodeid.clone()).or_insert(0);
        *number += 1;
        let attempt = Attempt {
            attempt: *number,
            model: attempt.model.or_else(|| unit.model.clone()),
            batch: attempt.batch.or(unit.batch),
            hardware: unit.hardware,
            device: active.device.as_ref().map(|(_, label)| label.clone()),
            memory_peak: active.memory_peak,
            ..attempt
        };
        active.device_memory_peak = active.device_memory_peak.max(attempt.device_memory_peak);
        active.device_name = attempt.device_name.clone().or_else(|| active.device_name.take());
        if attempt.implementation.as_deref() == Some("REAL") || active.implementation.is_none() {
            active.implementation.clone_from(&attempt.implementation);
        }
        active.last.insert(attempt.nodeid.clone(), (attempt.outcome, attempt.reason.clone()));
        let text = active.process.failures.remove(&attempt.nodeid).unwrap_or_default();
        self.write(unit, attempt, &text)
    }

    pub(super) fn write(&mut self, unit: &Unit, attempt: Attempt, text: &str) -> anyhow::Result<()> {
        let attempt = Attempt {
            run: self.run.id.to_owned(),
            unit: unit.name.clone(),
            test_id: unit.test_id.clone(),
            shard: self.run.rules.shard.clone(),
            log: log_end(text),
            ..attempt
        };
        self.recording.add(&attempt)?;
        self.listener.attempt(&attempt, text)
    }

    /// Records how a unit has ended that has no test to blame.
    pub(super) fn record_whole(&mut self, at: usize, outcome: Outcome, reason: &str) -> anyhow::Result<()> {
        self.record_whole_with_text(at, outcome, reason, "")
    }

    pub(super) fn record_whole_with_text(
        &mut self,
        at: usize,
        outcome: Outcome,
        reason: &str,
        text: &str,
    ) -> anyhow::Result<()> {
        let file = self.run.units[self.active[at].job].file.clone();
        self.active[at].process.failures.insert(file.to_string(), text.to_owned());
        let attempt = self.bare_attempt(at, file.as_str(), outcome, reason);
        self.record(at, attempt)
    }

    /// Records the tests that were collected and did not run.
    pub(super) fn record_rest(&mut self, at: usize, reason: &str) -> anyhow::Result<()> {
        for nodeid in self.active[at].process.left() {
            let attempt = self.bare_attempt(at, &nodeid, Outcome::NotRun, reason);
            self.active[at].process.finished.insert(nodeid);
            self.record(at, attempt)?;
        }
        Ok(())
    }

    pub(super) fn conclude(&mut self, at: usize) -> anyhow::Result<()> {
        let active = self.active.swap_remove(at);
        remove_log(&active.process);
        let unit = &self.run.units[active.job];
        let outcome = active.outcome();
        for (outcome, _) in active.last.values() {
            self.count(*outcome);
        }
        self.ended.flaky += active.flaky();
        let end = UnitEnd {
            outcome,
            partial: active.is_partial || self.ended.stop.is_some(),
            started: Some(active.started.to_string()),
            duration: rounded(active.began.elapsed().as_secs_f64()),
            implementation: active.implementation.clone(),
            device: active.device.as_ref().map(|(_, label)| label.clone()),
            device_name: active.device_name.clone(),
            memory_peak: active.memory_peak,
            memory_expected: Some(self.scheduler.jobs()[active.job].needs.memory.value.0),
            device_memory_peak: active.device_memory_peak,
            ..bare_end(unit, outcome)
        };
        self.scheduler.finished(active.job, if outcome.is_good() { End::Passed } else { End::DidNotPass });
        self.end_unit(active.job, end)
    }

    pub(super) fn end_unit(&mut self, job: JobIndex, end: UnitEnd) -> anyhow::Result<()> {
        self.done.insert(job);
        self.expected_of_done = self.expected_of_done.saturating_add(self.scheduler.jobs()[job].expected.value);
        let end = UnitEnd { run: self.run.id.to_owned(), shard: self.run.rules.shard.clone(), ..end };
        self.recording.add(&end)?;
        self.listener.unit(&end)?;
        if self.run.rules.fail_fast.is_some_and(|most| self.ended.failed >= most) {
            self.ended.stop.get_or_insert(Stop::EnoughFailed);
        }
        Ok(())
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::InfraError => self.ended.infrastructure += 1,
            Outcome::NotRun | Outcome::Blocked => self.ended.not_run += 1,
            outcome if outcome.is_good() => self.ended.passed += 1,
            _ => self.ended.failed += 1,
        }
    }

    /// Records a unit that was never started.
    pub(super) fn record_without_start(&mut self, job: JobIndex, outcome: Outcome, reason: &str) -> anyhow::Result<()> {
        let unit = &self.run.units[job];
        self.count(outcome);
        let attempt = bare_attempt(unit, unit.file.as_str(), outcome, reason);
        self.write(unit, attempt, "")?;
        self.end_unit(job, bare_end(unit, outcome))
    }

    pub(super) fn record_unstarted(
        &mut self,
        job: JobIndex,
        device: Option<(DeviceSlot, String)>,
        error: &anyhow::Error,
    ) -> anyhow::Result<()> {
        drop(device);
        self.scheduler.finished(job, End::DidNotPass);
        self.record_without_start(job, Outcome::InfraError, &format!("{error:#}"))
    }

    pub(super) fn record_blocked(&mut self) -> anyhow::Result<()> {
        for (job, reason) in self.scheduler.blocked() {
            let reason = self.words_for_block(reason);
            self.record_without_start(job, Outcome::Blocked, &reason)?;
        }
        Ok(())
    }

    pub(super) fn words_for_block(&self, reason: BlockReason) -> String {
        match reason {
            BlockReason::Memory { needs, has } => {
                format!("it needs {} of memory ({}), and there is {has}", needs.value, needs.origin)
            }
            BlockReason::NoDevice(hardware) => format!("this machine has no {hardware} device"),
            BlockReason::DependsOn(job) => {
                let on = &self.run.units[job];
                format!("it depends on `{}` on {}, which has not passed", on.name, on.hardware)
            }
            BlockReason::Circle => "it depends on itself".to_owned(),
        }
    }

    pub(super) fn record_not_started(&mut self) -> anyhow::Result<()> {
        let reason = self.ended.stop.map_or("the run ended before", Stop::reason);
        for job in self.run.units.keys() {
            if !self.done.contains(&job) {
                self.record_without_start(job, Outcome::NotRun, reason)?;
            }
        }
        Ok(())
    }

    // --- The clock.
}

/// What is kept of what pytest says of a failure; none where it says nothing.
fn log_end(text: &str) -> Option<String> {
    let from = text.ceil_char_boundary(text.len().saturating_sub(LONGEST_LOG));
    (!text.is_empty()).then(|| text[from..].to_owned())
}
