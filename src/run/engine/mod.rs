//! Runs units: starts what the queue gives, keeps to the limits, and records how each test has ended.
//!
//! One thread handles what the processes report, in turn, and looks at the clock between. It must not print, nor know how
//! the units were chosen.

mod endings;
mod limits;
mod records;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::bail;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tgen_core::model::hardware::HardwareType;
use tgen_core::model::hardware::detection::visibility_variables;
use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::schedule::job::JobIndex;
use tgen_core::schedule::machine::DeviceSlot;
use tgen_core::schedule::scheduler::{Scheduler, Start};
use typed_index_collections::TiVec;

use crate::run::active::{Active, Process};
use crate::run::blank::time;
use crate::run::machine;
use crate::run::messages::{Message, StartId};
use crate::run::recording::Recording;
use crate::run::unit::{Good, PlaceInFile, Rules, Unit};
use crate::run::workers::{Errand, Workers};

/// How often the clock, the memory and the launcher are looked at.
const TICK: Duration = Duration::from_millis(50);

/// What a run tells while it runs.
pub(crate) trait Listener {
    /// An attempt of a test has ended; `text` is what pytest says of its failure.
    fn attempt(&mut self, attempt: &Attempt, text: &str) -> anyhow::Result<()>;
    /// A unit has ended.
    fn unit(&mut self, end: &UnitEnd) -> anyhow::Result<()>;
    /// Something that concerns no test.
    fn warning(&mut self, message: &str);
    /// Nothing has happened, but time has passed.
    fn tick(&mut self, progress: &RunProgress<'_>);
}

/// How far a run is.
#[derive(Debug)]
pub(crate) struct RunProgress<'a> {
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
    /// Pytest does not take its arguments.
    WrongArguments,
}

impl Stop {
    fn reason(self) -> &'static str {
        match self {
            Self::Interrupted => "the run was interrupted",
            Self::BudgetOver => "the time of `--budget` was over",
            Self::EnoughFailed => "`--fail-fast`: enough tests had failed",
            Self::WrongArguments => "pytest does not take its arguments",
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
/// Results cannot be written, or pytest does not take its arguments.
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
        usage_error: None,
    };
    let result = engine.work();
    engine.end_everything();
    result?;
    match engine.usage_error {
        Some(message) => {
            bail!("pytest cannot start: {message}; see the arguments after `--` and pytest's own configuration")
        }
        None => Ok(engine.ended),
    }
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
    /// Why pytest cannot start with the arguments that it is given.
    usage_error: Option<String>,
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
        let mut environment = BTreeMap::new();
        match unit.place {
            PlaceInFile::Only => {}
            PlaceInFile::First => drop(environment.insert("TGEN_PLATFORMS", format!("{},none", unit.hardware))),
            PlaceInFile::Later => drop(environment.insert("TGEN_PLATFORMS", unit.hardware.to_string())),
        }
        environment.extend(device.and_then(visible_device));
        let arguments = &self.run.rules.arguments;
        let is_first = unit.place != PlaceInFile::Later;
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
        if let Message::Lost(starts) = message {
            self.on_lost(&starts);
            return Ok(());
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
                self.note_memory(at, peak);
                return self.on_exit(at, code, left_processes);
            }
            Message::Joined(bytes) => process.before_group = Some(bytes),
            Message::Collected(tests) => process.collected = tests,
            Message::Uncollected(text) => process.uncollected = Some(text),
            Message::Test(nodeid) => process.current = Some((nodeid, Timestamp::now())),
            Message::Interrupted(_) => process.has_culprit = true,
            Message::Failure { nodeid, text } => process.add_failure(nodeid, &text),
            Message::Line(line) => return self.on_line(at, line),
            Message::Modules(modules) => self.workers.learn(modules),
            Message::End(status) => process.end = Some(status),
            Message::Broken(reason) => process.broken = Some(reason),
            Message::Ready { .. } | Message::Warmed { .. } | Message::Lost(_) | Message::Dismissed(()) => {}
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
}

/// The variable that lets a process see one device only.
fn visible_device(label: &str) -> Option<(&'static str, String)> {
    let (hardware, number) = label.split_once(':')?;
    let name = *visibility_variables(HardwareType::from_name(hardware)?).first()?;
    // Where only some devices are visible, the number counts those.
    let visible = std::env::var(name).ok().filter(|value| !value.is_empty());
    let nth = |visible: String| Some(visible.split(',').nth(number.parse().ok()?)?.trim().to_owned());
    Some((name, visible.and_then(nth).unwrap_or_else(|| number.to_owned())))
}

fn remove_log(process: &Process) {
    // The folder goes with the run in any case.
    let _ = std::fs::remove_file(&process.log);
}
