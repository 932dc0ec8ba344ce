//! Runs units: starts what the queue gives, keeps to the limits, and records how each test has ended.
//!
//! One thread handles what the processes report, in turn, and looks at the clock between. It must not print, nor know how
//! the units were chosen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::outcome::Outcome;
use tgen_core::schedule::job::JobIndex;
use tgen_core::schedule::machine::DeviceSlot;
use tgen_core::schedule::scheduler::{BlockReason, End, Scheduler, Start};
use typed_index_collections::TiVec;

use super::active::{Active, Asked, Cause, Process, Retry};
use super::autopsy::{innermost_calls, last_line, line_in, words_for_exit};
use super::blank::{bare_attempt, bare_end, rounded, time};
use super::launcher::last_lines;
use super::machine;
use super::messages::{Message, StartId};
use super::processes::{self, Ending};
use super::recording::Recording;
use super::unit::{Good, Place, Rules, Unit};
use super::workers::{Errand, Workers};

/// How often the clock, the memory and the launcher are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long after its end the messages of a process may arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// After so many timeouts, the rest of a file is not run.
const MOST_TIMEOUTS: u32 = 3;
/// The most bytes of output that a process may leave; more is dropped while it runs.
const LONGEST_LOG: u64 = 16 << 20;
/// The exit statuses of pytest that do not follow from its tests.
const INTERNAL_ERROR: i32 = 3;
const USAGE_ERROR: i32 = 4;

/// What a run tells while it runs.
pub(crate) trait Listener {
    /// An attempt of a test has ended; `text` is what pytest says of its failure.
    fn attempt(&mut self, attempt: &Attempt, text: &str) -> anyhow::Result<()>;
    /// A unit has ended.
    fn unit(&mut self, end: &UnitEnd) -> anyhow::Result<()>;
    /// Something that concerns no test.
    fn warning(&mut self, message: &str);
    /// Nothing has happened, but time has passed.
    fn tick(&mut self, progress: &Progress<'_>);
}

/// How far a run is.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    /// The units that run, with how long they have.
    pub(crate) running: Vec<(&'a Unit, Duration)>,
    /// The units that have ended.
    pub(crate) done: usize,
    /// The units in all.
    pub(crate) planned: usize,
    /// The tests that have failed.
    pub(crate) failed: usize,
    /// How long the run is expected to take yet.
    pub(crate) left: Option<Duration>,
}

/// Why a run stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user, or a newer run, wants it so.
    Interrupted,
    /// Its time is over.
    BudgetOver,
    /// Enough tests have failed.
    EnoughFailed,
}

impl Stop {
    fn reason(self) -> &'static str {
        match self {
            Self::Interrupted => "the run was interrupted",
            Self::BudgetOver => "the time of `--budget` was over",
            Self::EnoughFailed => "`--fail-fast`: enough tests had failed",
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ended {
    pub(crate) stop: Option<Stop>,
    /// The tests that passed, or did not apply.
    pub(crate) passed: usize,
    /// The tests that failed.
    pub(crate) failed: usize,
    /// The tests that passed on a retry.
    pub(crate) flaky: usize,
    /// The tests that were not run or blocked.
    pub(crate) not_run: usize,
    /// The tests that the machine has failed.
    pub(crate) infrastructure: usize,
}

/// What a run is made from.
pub(crate) struct Run<'a> {
    pub(crate) id: &'a str,
    pub(crate) units: &'a TiVec<JobIndex, Unit>,
    pub(crate) rules: &'a Rules,
    /// Whether the run is to be interrupted.
    pub(crate) is_interrupted: &'a dyn Fn() -> bool,
}

/// Runs all units of a queue.
///
/// # Errors
/// Results cannot be written.
pub(crate) fn execute(
    run: &Run<'_>,
    scheduler: Scheduler,
    workers: &mut Workers,
    recording: &mut Recording,
    listener: &mut dyn Listener,
) -> anyhow::Result<Ended> {
    let mut engine = Engine {
        run,
        scheduler,
        workers,
        recording,
        listener,
        active: Vec::new(),
        ended: Ended::default(),
        done: HashSet::new(),
        began: Instant::now(),
        ticked: Instant::now(),
        expected_of_done: Duration::ZERO,
        kernel_kills: machine::kills_for_memory(),
        orphaned: HashMap::new(),
    };
    let result = engine.work();
    engine.end_everything();
    result.map(|()| engine.ended)
}

struct Engine<'a> {
    run: &'a Run<'a>,
    scheduler: Scheduler,
    workers: &'a mut Workers,
    recording: &'a mut Recording,
    listener: &'a mut dyn Listener,
    active: Vec<Active>,
    ended: Ended,
    done: HashSet<JobIndex>,
    began: Instant,
    ticked: Instant,
    expected_of_done: Duration,
    /// How many processes the kernel had ended for want of memory.
    kernel_kills: Option<u64>,
    /// The starts whose launcher has died; those of them that have ended, with their exit status and since when.
    orphaned: HashMap<StartId, Option<(i32, Instant)>>,
}

impl Engine<'_> {
    fn work(&mut self) -> anyhow::Result<()> {
        loop {
            self.check_stop();
            self.start_what_may()?;
            self.record_blocked()?;
            if self.active.is_empty() {
                return self.record_not_started();
            }
            if let Some((id, message)) = self.workers.next(TICK) {
                self.on_message(id, message)?;
            }
            if self.ticked.elapsed() >= TICK {
                self.tick()?;
            }
        }
    }

    // --- Starting.

    fn start_what_may(&mut self) -> anyhow::Result<()> {
        while self.ended.stop.is_none() {
            let Some(Start { job, device }) = self.scheduler.start_next() else { break };
            let (unit, device) = (&self.run.units[job], device.map(|slot| (slot, self.label(slot))));
            let skip: Vec<&String> = unit.passed.iter().collect();
            match self.order(unit, device.as_ref().map(|(_, label)| label.as_str()), None, skip) {
                Ok(process) => {
                    let is_partial = !unit.passed.is_empty();
                    self.active.push(Active::new(job, device, is_partial, process));
                }
                Err(error) => self.record_unstarted(job, device, &error)?,
            }
        }
        Ok(())
    }

    /// Orders a process for a unit.
    fn order(
        &mut self,
        unit: &Unit,
        device: Option<&str>,
        only: Option<&[String]>,
        skip: Vec<&String>,
    ) -> anyhow::Result<Process> {
        let mut environment = BTreeMap::from([("TGEN_RUN_ID", self.run.id.to_owned())]);
        match unit.place {
            Place::Only => {}
            Place::First => drop(environment.insert("TGEN_PLATFORMS", format!("{},none", unit.hardware))),
            Place::Later => drop(environment.insert("TGEN_PLATFORMS", unit.hardware.to_string())),
        }
        environment.extend(device.and_then(visible_device));
        let arguments = &self.run.rules.arguments;
        let is_first = unit.place != Place::Later;
        let errand = Errand { run: self.run.id, arguments, environment, only, skip, is_first };
        self.workers.order(unit, &errand).map(Process::new)
    }

    fn label(&self, slot: DeviceSlot) -> String {
        self.run.rules.devices.get(slot.device.0).map(|device| device.label.clone()).unwrap_or_default()
    }

    // --- Messages.

    fn on_message(&mut self, id: StartId, message: Message) -> anyhow::Result<()> {
        let about = match &message {
            Message::Started { unit, .. } | Message::Unstarted { unit, .. } | Message::Exited { unit, .. } => *unit,
            _ => id,
        };
        if let Message::Warmed { is_spoilt: true, .. } = message {
            self.workers.give_up_forking();
            self.listener.warning(
                "importing what the tests import touches a device, after which no process can be forked; each file gets a new interpreter",
            );
        }
        let Some(at) = self.active.iter().position(|active| active.process.id == about) else { return Ok(()) };
        let active = &mut self.active[at];
        let process = &mut active.process;
        match message {
            Message::Started { pid, .. } => {
                process.pid = Some(pid);
                process.deadline = Some(Instant::now() + self.scheduler.jobs()[active.job].timeout);
            }
            Message::Unstarted { reason, .. } => return self.on_unstarted(at, &reason),
            Message::Exited { code, left_processes, peak, .. } => {
                active.add_memory(peak);
                return self.on_exit(at, code, left_processes);
            }
            Message::Collected(tests) => process.collected = tests,
            Message::Uncollected(text) => process.uncollected = Some(text),
            Message::Test(nodeid) => process.current = Some((nodeid, Timestamp::now())),
            Message::Failure { nodeid, text } => process.add_failure(nodeid, &text),
            Message::Line(line) => return self.on_line(at, line),
            Message::Modules(modules) => self.workers.learn(modules),
            Message::End(status) => process.end = Some(status),
            Message::Broken(reason) => process.broken = Some(reason),
            Message::Ready { .. } | Message::Warmed { .. } => {}
        }
        Ok(())
    }

    fn on_line(&mut self, at: usize, mut line: Map<String, Value>) -> anyhow::Result<()> {
        let unit = &self.run.units[self.active[at].job];
        line.entry("hardware").or_insert_with(|| unit.hardware.name().into());
        let started = line.remove("started").and_then(|seconds| seconds.as_f64()).and_then(time);
        let attempt: Attempt = match serde_json::from_value(Value::Object(line)) {
            Ok(attempt) => attempt,
            Err(error) => {
                self.active[at].process.broken = Some(format!("a result cannot be read: {error}"));
                return Ok(());
            }
        };
        let attempt = Attempt { started, ..attempt };
        let process = &mut self.active[at].process;
        process.current = None;
        process.finished.insert(attempt.nodeid.clone());
        let attempt = match process.cause() {
            // It was asked to end in the middle of the test, which cannot be held against what the test made of that.
            Some(cause) if !attempt.outcome.is_good() => {
                process.has_culprit = true;
                Attempt { outcome: cause.outcome(), reason: cause.reason(), ..attempt }
            }
            _ => attempt,
        };
        self.record(at, attempt)
    }

    fn on_unstarted(&mut self, at: usize, reason: &str) -> anyhow::Result<()> {
        self.record_whole(at, Outcome::InfraError, &format!("no process could be started: {reason}"))?;
        self.conclude(at)
    }

    /// A process has ended: records what of its tests is not recorded yet, and starts another one if that is due.
    fn on_exit(&mut self, at: usize, code: i32, left_processes: bool) -> anyhow::Result<()> {
        self.end_left_processes(at, left_processes);
        self.workers.forget_learner(self.active[at].process.id);
        let process = &self.active[at].process;
        match process.end {
            Some(status) if process.cause().is_none() && process.broken.is_none() => {
                self.on_ordinary_end(at, status)?;
            }
            _ => self.on_sudden_end(at, code)?,
        }
        self.go_on_or_conclude(at)
    }

    /// Pytest has ended by itself.
    fn on_ordinary_end(&mut self, at: usize, status: i32) -> anyhow::Result<()> {
        let process = &self.active[at].process;
        if let Some(text) = process.uncollected.clone() {
            return self.record_whole_with_text(at, Outcome::Error, last_line(&text), &text);
        }
        if status == USAGE_ERROR || status == INTERNAL_ERROR {
            let text = last_lines(&process.log);
            let reason = text.lines().rev().find(|line| line.contains("error") || line.contains("Error"));
            let reason = reason.unwrap_or("pytest could not run the file").to_owned();
            return self.record_whole_with_text(at, Outcome::Error, &reason, &text);
        }
        self.record_rest(at, "pytest stopped before this test")
    }

    /// The process has ended in the middle.
    fn on_sudden_end(&mut self, at: usize, code: i32) -> anyhow::Result<()> {
        let kills = machine::kills_for_memory();
        let was_killed_for_memory = kills > self.kernel_kills && code == -Ending::Kill.signal();
        self.kernel_kills = kills;
        let process = &self.active[at].process;
        let (outcome, reason) = match (process.cause(), &process.broken) {
            (Some(cause), _) => (cause.outcome(), cause.reason()),
            (None, Some(broken)) => (Outcome::Error, broken.clone()),
            (None, None) if was_killed_for_memory => {
                (Outcome::Oom, "the kernel ended the process for want of memory".to_owned())
            }
            (None, None) => (Outcome::Crashed, words_for_exit(code)),
        };
        let text = innermost_calls(&last_lines(&process.log)).unwrap_or_default();
        let is_timeout = outcome == Outcome::TimedOut;
        self.active[at].timeouts += u32::from(is_timeout);
        let file = &self.run.units[self.active[at].job].file;
        let reason = match line_in(&text, file) {
            // As pytest does.
            Some(line) => format!("{file}:{line}: {reason}"),
            None => reason,
        };
        match self.active[at].process.current.take() {
            Some((nodeid, started)) => {
                self.active[at].process.finished.insert(nodeid.clone());
                self.active[at].process.has_culprit = true;
                let seconds = rounded(started.duration_until(Timestamp::now()).as_secs_f64());
                let attempt = Attempt {
                    started: Some(started.to_string()),
                    duration: seconds,
                    ..self.bare_attempt(at, &nodeid, outcome, &reason)
                };
                self.active[at].process.failures.insert(nodeid, text);
                self.record(at, attempt)
            }
            None if self.active[at].process.has_culprit => Ok(()),
            None => self.record_whole_with_text(at, outcome, &reason, &text),
        }
    }

    /// Starts the next process of a unit if tests are left or are to be tried again, and ends the unit otherwise.
    fn go_on_or_conclude(&mut self, at: usize) -> anyhow::Result<()> {
        let active = &self.active[at];
        let left = active.process.left();
        let may_go_on = self.ended.stop.is_none() && active.timeouts < MOST_TIMEOUTS;
        if !left.is_empty() && active.process.has_culprit && may_go_on {
            return self.start_again(at, Some(&left));
        }
        let reason = self.ended.stop.map_or("the file was ended before this test", Stop::reason);
        self.record_rest(at, reason)?;
        if self.ended.stop.is_none() {
            let unit = &self.run.units[self.active[at].job];
            match self.active[at].take_retry(&self.run.rules.retries, unit.file.as_str()) {
                Some(Retry::Tests(tests)) => return self.start_again(at, Some(&tests)),
                Some(Retry::Whole) => return self.start_again(at, None),
                None => {}
            }
        }
        self.conclude(at)
    }

    fn start_again(&mut self, at: usize, only: Option<&[String]>) -> anyhow::Result<()> {
        let unit = &self.run.units[self.active[at].job];
        let passed = self.active[at].passed();
        let skip: Vec<&String> = if only.is_some() { Vec::new() } else { unit.passed.iter().chain(&passed).collect() };
        let label = self.active[at].device.as_ref().map(|(_, label)| label.clone());
        remove_log(&self.active[at].process);
        match self.order(unit, label.as_deref(), only, skip) {
            Ok(process) => {
                self.active[at].process = process;
                Ok(())
            }
            Err(error) => self.on_unstarted(at, &format!("{error:#}")),
        }
    }

    // --- Recording.

    fn bare_attempt(&self, at: usize, nodeid: &str, outcome: Outcome, reason: &str) -> Attempt {
        bare_attempt(&self.run.units[self.active[at].job], nodeid, outcome, reason)
    }

    /// Records an attempt of a test of a running unit.
    fn record(&mut self, at: usize, attempt: Attempt) -> anyhow::Result<()> {
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
        if attempt.implementation.as_deref() == Some("REAL") || active.implementation.is_none() {
            active.implementation.clone_from(&attempt.implementation);
        }
        active.last.insert(attempt.nodeid.clone(), (attempt.outcome, attempt.reason.clone()));
        let text = active.process.failures.remove(&attempt.nodeid).unwrap_or_default();
        self.write(unit, attempt, &text)
    }

    fn write(&mut self, unit: &Unit, attempt: Attempt, text: &str) -> anyhow::Result<()> {
        let attempt = Attempt {
            run: self.run.id.to_owned(),
            unit: unit.name.clone(),
            test_id: unit.test_id.clone(),
            shard: self.run.rules.shard.clone(),
            ..attempt
        };
        self.recording.add(&attempt)?;
        self.listener.attempt(&attempt, text)
    }

    /// Records how a unit has ended that has no test to blame.
    fn record_whole(&mut self, at: usize, outcome: Outcome, reason: &str) -> anyhow::Result<()> {
        self.record_whole_with_text(at, outcome, reason, "")
    }

    fn record_whole_with_text(&mut self, at: usize, outcome: Outcome, reason: &str, text: &str) -> anyhow::Result<()> {
        let file = self.run.units[self.active[at].job].file.clone();
        self.active[at].process.failures.insert(file.to_string(), text.to_owned());
        let attempt = self.bare_attempt(at, file.as_str(), outcome, reason);
        self.record(at, attempt)
    }

    /// Records the tests that were collected and did not run.
    fn record_rest(&mut self, at: usize, reason: &str) -> anyhow::Result<()> {
        for nodeid in self.active[at].process.left() {
            let attempt = self.bare_attempt(at, &nodeid, Outcome::NotRun, reason);
            self.active[at].process.finished.insert(nodeid);
            self.record(at, attempt)?;
        }
        Ok(())
    }

    fn conclude(&mut self, at: usize) -> anyhow::Result<()> {
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
            memory_peak: active.memory_peak,
            device_memory_peak: active.device_memory_peak,
            ..bare_end(unit, outcome)
        };
        self.scheduler.finished(active.job, if outcome.is_good() { End::Passed } else { End::DidNotPass });
        self.end_unit(active.job, end)
    }

    fn end_unit(&mut self, job: JobIndex, end: UnitEnd) -> anyhow::Result<()> {
        self.done.insert(job);
        self.expected_of_done += self.scheduler.jobs()[job].expected.value;
        let end = UnitEnd { run: self.run.id.to_owned(), shard: self.run.rules.shard.clone(), ..end };
        self.recording.add(&end)?;
        self.listener.unit(&end)?;
        if self.run.rules.fail_fast.is_some_and(|most| self.ended.failed >= most) {
            self.ended.stop.get_or_insert(Stop::EnoughFailed);
        }
        Ok(())
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::InfraError => self.ended.infrastructure += 1,
            Outcome::NotRun | Outcome::Blocked => self.ended.not_run += 1,
            outcome if outcome.is_good() => self.ended.passed += 1,
            _ => self.ended.failed += 1,
        }
    }

    /// Records a unit that was never started.
    fn record_without_start(&mut self, job: JobIndex, outcome: Outcome, reason: &str) -> anyhow::Result<()> {
        let unit = &self.run.units[job];
        self.count(outcome);
        let attempt = bare_attempt(unit, unit.file.as_str(), outcome, reason);
        self.write(unit, attempt, "")?;
        self.end_unit(job, bare_end(unit, outcome))
    }

    fn record_unstarted(
        &mut self,
        job: JobIndex,
        device: Option<(DeviceSlot, String)>,
        error: &anyhow::Error,
    ) -> anyhow::Result<()> {
        drop(device);
        self.scheduler.finished(job, End::DidNotPass);
        self.record_without_start(job, Outcome::InfraError, &format!("{error:#}"))
    }

    fn record_blocked(&mut self) -> anyhow::Result<()> {
        for (job, reason) in self.scheduler.blocked() {
            let reason = self.words_for_block(reason);
            self.record_without_start(job, Outcome::Blocked, &reason)?;
        }
        Ok(())
    }

    fn words_for_block(&self, reason: BlockReason) -> String {
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

    fn record_not_started(&mut self) -> anyhow::Result<()> {
        let reason = self.ended.stop.map_or("the run ended before", Stop::reason);
        for job in self.run.units.keys() {
            if !self.done.contains(&job) {
                self.record_without_start(job, Outcome::NotRun, reason)?;
            }
        }
        Ok(())
    }

    // --- The clock.

    fn check_stop(&mut self) {
        let is_over = self.run.rules.budget.is_some_and(|budget| self.began.elapsed() > budget);
        let stop = if (self.run.is_interrupted)() {
            Stop::Interrupted
        } else if is_over {
            Stop::BudgetOver
        } else {
            return;
        };
        if self.ended.stop != Some(stop) && self.ended.stop != Some(Stop::Interrupted) {
            self.ended.stop = Some(stop);
            for at in 0..self.active.len() {
                self.end_process(at, Cause::Stopped(stop.reason()), Ending::Ask);
            }
        }
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        self.ticked = Instant::now();
        for at in 0..self.active.len() {
            self.check_limits(at);
        }
        self.check_launcher()?;
        let running = self.active.iter().map(|active| (&self.run.units[active.job], active.began.elapsed())).collect();
        let progress = Progress {
            running,
            done: self.done.len(),
            planned: self.run.units.len(),
            failed: self.ended.failed + self.active.iter().map(Active::failed).sum::<usize>(),
            left: self.time_left(),
        };
        self.listener.tick(&progress);
        Ok(())
    }

    fn check_limits(&mut self, at: usize) {
        let limit = self.run.rules.memory.0;
        let active = &mut self.active[at];
        let memory = active.process.pid.and_then(processes::memory);
        active.add_memory(memory.unwrap_or(0));
        shorten(&active.process);
        let timeout = self.scheduler.jobs()[active.job].timeout;
        let is_over = active.process.deadline.is_some_and(|deadline| Instant::now() > deadline);
        match active.process.asked() {
            Some(Asked::Since(asked)) if asked.elapsed() > self.run.rules.grace => {
                let cause = active.process.cause().unwrap_or(Cause::TimedOut(timeout));
                self.end_process(at, cause, Ending::Kill);
            }
            None if memory.is_some_and(|memory| memory > limit) => {
                self.end_process(at, Cause::TooMuchMemory(self.run.rules.memory), Ending::Kill);
            }
            None if is_over => self.end_process(at, Cause::TimedOut(timeout), Ending::Ask),
            Some(_) | None => {}
        }
    }

    fn end_process(&mut self, at: usize, cause: Cause, ending: Ending) {
        let process = &mut self.active[at].process;
        process.set_ending(cause, ending);
        self.workers.signal(process.id, process.pid, ending);
    }

    /// Replaces a launcher that has died, and looks after the processes that it has started.
    fn check_launcher(&mut self) -> anyhow::Result<()> {
        match self.workers.replace_dead() {
            Ok(None) => {}
            Ok(Some(status)) => {
                self.orphan_all();
                self.listener.warning(&format!(
                    "the process that starts the tests has died ({status}); another one was started"
                ));
            }
            Err(error) => {
                self.orphan_all();
                self.listener.warning(&format!("the process that starts the tests has died: {error:#}"));
            }
        }
        while let Some((at, code)) = self.ended_orphan() {
            self.orphaned.remove(&self.active[at].process.id);
            self.on_exit(at, code, false)?;
        }
        Ok(())
    }

    fn orphan_all(&mut self) {
        for active in &self.active {
            self.orphaned.entry(active.process.id).or_default();
        }
    }

    /// A process without its launcher that has ended, and has no more to say: the launcher would have told so.
    fn ended_orphan(&mut self) -> Option<(usize, i32)> {
        for (at, active) in self.active.iter().enumerate() {
            let Process { id, pid, end, .. } = &active.process;
            let Some(seen) = self.orphaned.get_mut(id) else { continue };
            if seen.is_none() {
                let code = pid.map_or(Some(-Ending::Kill.signal()), processes::ended);
                *seen = code.map(|code| (code, Instant::now()));
            }
            match seen {
                Some((code, since)) if end.is_some() || since.elapsed() > LAST_WORDS => return Some((at, *code)),
                _ => {}
            }
        }
        None
    }

    fn end_left_processes(&mut self, at: usize, left_processes: bool) {
        let process = &self.active[at].process;
        let mark = process.id.0.to_string();
        let mut left = usize::from(left_processes);
        for adopted in processes::adopted(&self.known_pids()) {
            if process.pid.is_some_and(|pid| processes::belongs_to(adopted, pid, &mark)) {
                processes::end_adopted(adopted);
                left += 1;
            }
        }
        if left > 0 {
            let unit = &self.run.units[self.active[at].job];
            self.listener.warning(&format!("`{}` left processes behind, which were ended", unit.file));
        }
    }

    fn known_pids(&self) -> Vec<i32> {
        let mut known = self.workers.own_pids();
        known.extend(self.active.iter().filter_map(|active| active.process.pid));
        known
    }

    /// Ends what runs when the run ends, whatever the reason.
    fn end_everything(&mut self) {
        for active in &self.active {
            self.workers.signal(active.process.id, active.process.pid, Ending::Kill);
        }
        let own = self.workers.own_pids();
        for adopted in processes::adopted(&own) {
            processes::end_adopted(adopted);
        }
    }

    /// How long the rest takes if it takes as much longer than expected as what is done.
    fn time_left(&self) -> Option<Duration> {
        let all: Duration = self.scheduler.jobs().iter().map(|job| job.expected.value).sum();
        let done = self.expected_of_done.as_secs_f64();
        (done > 0.0).then(|| self.began.elapsed().mul_f64((all.as_secs_f64() - done).max(0.0) / done))
    }
}

/// The variable that lets a process see one device only.
fn visible_device(label: &str) -> Option<(&'static str, String)> {
    let (hardware, number) = label.split_once(':')?;
    let name = match HardwareType::from_name(hardware)? {
        HardwareType::Cuda => "CUDA_VISIBLE_DEVICES",
        HardwareType::Rocm => "HIP_VISIBLE_DEVICES",
        _ => return None,
    };
    // Where only some devices are visible, the number counts those.
    let visible = std::env::var(name).ok().filter(|value| !value.is_empty());
    let nth = |visible: String| Some(visible.split(',').nth(number.parse().ok()?)?.trim().to_owned());
    Some((name, visible.and_then(nth).unwrap_or_else(|| number.to_owned())))
}

fn remove_log(process: &Process) {
    // The folder goes with the run in any case.
    let _ = std::fs::remove_file(&process.log);
}

/// Drops what a process has written beyond all measure.
fn shorten(process: &Process) {
    if std::fs::metadata(&process.log).is_ok_and(|metadata| metadata.len() > LONGEST_LOG) {
        // The process appends, so that it goes on at the new end.
        let _ = std::fs::File::options().write(true).open(&process.log).and_then(|file| file.set_len(0));
    }
}
