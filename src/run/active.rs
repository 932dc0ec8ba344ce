//! A unit that runs: what its processes have reported so far.
//!
//! This module must not know how processes are started or ended, nor where results go.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use jiff::Timestamp;
use tgen_core::base::bytes::Bytes;
use tgen_core::results::outcome::{Meaning, Outcome};
use tgen_core::schedule::job::JobIndex;
use tgen_core::schedule::machine::DeviceSlot;

use super::control_group::ControlGroup;
use super::messages::StartId;
use super::processes::Ending;
use super::unit::{Good, Retries};
use super::workers::Started;

/// The most failures whose text is kept until their test ends.
const MOST_FAILURES: usize = 64;

/// A unit that runs, in as many processes one after another as it takes.
pub(super) struct Active {
    pub(super) job: JobIndex,
    /// Its slot of a device, and the device's name.
    pub(super) device: Option<(DeviceSlot, String)>,
    pub(super) started: Timestamp,
    pub(super) began: Instant,
    /// How many attempts each test has had.
    pub(super) attempts: HashMap<String, u32>,
    /// How each test has ended last, and why.
    pub(super) last: BTreeMap<String, (Outcome, String)>,
    /// How often it was ended because it took too long.
    pub(super) timeouts: u32,
    /// Whether some of its tests are left out.
    pub(super) is_partial: bool,
    pub(super) memory_peak: Option<u64>,
    pub(super) device_memory_peak: Option<u64>,
    /// The name that the driver has for its device.
    pub(super) device_name: Option<String>,
    pub(super) implementation: Option<String>,
    pub(super) process: Process,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Retry {
    /// These tests.
    Tests(Vec<String>),
    /// All tests that have not passed.
    Whole,
}

impl Active {
    pub(super) fn new(job: JobIndex, device: Option<(DeviceSlot, String)>, is_partial: bool, process: Process) -> Self {
        Self {
            job,
            device,
            started: Timestamp::now(),
            began: Instant::now(),
            attempts: HashMap::new(),
            last: BTreeMap::new(),
            timeouts: 0,
            is_partial,
            memory_peak: None,
            device_memory_peak: None,
            device_name: None,
            implementation: None,
            process,
        }
    }

    /// Takes note of the memory that its processes have.
    pub(super) fn add_memory(&mut self, bytes: u64) {
        if bytes > 0 {
            self.memory_peak = self.memory_peak.max(Some(bytes));
        }
    }

    /// The tests that have passed.
    pub(super) fn passed(&self) -> Vec<String> {
        self.last.iter().filter(|(_, (outcome, _))| outcome.is_good()).map(|(nodeid, _)| nodeid.clone()).collect()
    }

    /// How many tests have failed in their last attempt.
    pub(super) fn failed(&self) -> usize {
        self.last.values().filter(|(outcome, _)| outcome.meaning() == Meaning::Failure).count()
    }

    /// How many tests have passed on a retry.
    pub(super) fn flaky(&self) -> usize {
        let is_flaky = |(nodeid, (outcome, _)): &(&String, &(Outcome, String))| {
            *outcome == Outcome::Passed && self.attempts.get(*nodeid).is_some_and(|count| *count > 1)
        };
        self.last.iter().filter(is_flaky).count()
    }

    /// What is to be tried again; `file` is the name of the unit as a whole.
    pub(super) fn take_retry(&mut self, retries: &Retries, file: &str) -> Option<Retry> {
        let wants = |nodeid: &String, (outcome, reason): &(Outcome, String)| {
            retries.wants(self.attempts.get(nodeid).copied().unwrap_or(1), *outcome, reason)
        };
        let wanted: Vec<String> =
            self.last.iter().filter(|(nodeid, last)| wants(nodeid, last)).map(|(nodeid, _)| nodeid.clone()).collect();
        if wanted.iter().any(|nodeid| nodeid == file) {
            // The result of the unit as a whole does not count once its tests have results.
            self.last.remove(file);
            return Some(Retry::Whole);
        }
        (!wanted.is_empty()).then_some(Retry::Tests(wanted))
    }

    /// The worst outcome of its tests.
    pub(super) fn outcome(&self) -> Outcome {
        const WORST_FIRST: [Outcome; 10] = [
            Outcome::Oom,
            Outcome::Crashed,
            Outcome::TimedOut,
            Outcome::Error,
            Outcome::Failed,
            Outcome::InfraError,
            Outcome::NotRun,
            Outcome::Passed,
            Outcome::Xpassed,
            Outcome::Xfailed,
        ];
        let has = |wanted: &Outcome| self.last.values().any(|(outcome, _)| outcome == wanted);
        WORST_FIRST.into_iter().find(has).unwrap_or(Outcome::Skipped)
    }
}

/// One process of a unit.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: StartId,
    /// What pytest prints.
    pub(super) log: Utf8PathBuf,
    group: Option<ControlGroup>,
    /// The memory that it had before it joined its control group.
    pub(super) before_group: Option<u64>,
    /// Its id, which is that of its process group.
    pub(super) pid: Option<i32>,
    /// When its memory is measured next.
    pub(super) measured_next: Instant,
    /// When its time limit is over.
    pub(super) deadline: Option<Instant>,
    ending: Option<Ordered>,
    /// The tests that it was going to run.
    pub(super) collected: Vec<String>,
    /// The test that runs, and since when.
    pub(super) current: Option<(String, Timestamp)>,
    /// The tests that have ended in it.
    pub(super) finished: HashSet<String>,
    /// What pytest says of failures, by test.
    pub(super) failures: HashMap<String, String>,
    /// Why its tests could not be collected.
    pub(super) uncollected: Option<String>,
    /// What has failed outside of the tests.
    pub(super) broken: Option<String>,
    /// How pytest ended.
    pub(super) end: Option<i32>,
    /// Whether one of its tests has ended it.
    pub(super) has_culprit: bool,
}

/// That a process is to end.
#[derive(Debug)]
struct Ordered {
    cause: Cause,
    asked: Instant,
    is_killed: bool,
}

/// Why a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It took longer than this.
    TimedOut(Duration),
    /// It needed more than this.
    TooMuchMemory(Bytes),
    /// The run stops, for this reason.
    Stopped(&'static str),
}

impl Cause {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::TimedOut(_) => Outcome::TimedOut,
            Self::TooMuchMemory(_) => Outcome::Oom,
            Self::Stopped(_) => Outcome::NotRun,
        }
    }

    pub(super) fn reason(self) -> String {
        match self {
            Self::TimedOut(limit) => format!("it was ended after {} s", limit.as_secs_f64()),
            Self::TooMuchMemory(limit) => format!("it was ended because it needed more than {limit} of memory"),
            Self::Stopped(reason) => reason.to_owned(),
        }
    }
}

impl Process {
    pub(super) fn new(Started { id, log, group }: Started) -> Self {
        Self {
            id,
            log,
            group,
            before_group: None,
            pid: None,
            measured_next: Instant::now(),
            deadline: None,
            ending: None,
            collected: Vec::new(),
            current: None,
            finished: HashSet::new(),
            failures: HashMap::new(),
            uncollected: None,
            broken: None,
            end: None,
            has_culprit: false,
        }
    }

    /// The peak of its memory, in bytes, where the kernel tells.
    pub(super) fn memory_peak(&self) -> Option<u64> {
        Some(self.before_group? + self.group.as_ref()?.peak()?)
    }

    /// Why it is being ended, if it is.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.ending.as_ref().map(|ending| ending.cause)
    }

    /// Since when it has been asked to end, as long as it was not killed.
    pub(super) fn asked(&self) -> Option<Asked> {
        let ending = self.ending.as_ref()?;
        Some(if ending.is_killed { Asked::Killed } else { Asked::Since(ending.asked) })
    }

    /// Takes note that it was asked to end. The first cause is kept.
    pub(super) fn set_ending(&mut self, cause: Cause, ending: Ending) {
        let ordered = self.ending.get_or_insert(Ordered { cause, asked: Instant::now(), is_killed: false });
        ordered.is_killed |= ending == Ending::Kill;
    }

    /// Keeps what pytest says of a failure.
    pub(super) fn add_failure(&mut self, nodeid: String, text: &str) {
        if self.failures.len() < MOST_FAILURES || self.failures.contains_key(&nodeid) {
            let kept = self.failures.entry(nodeid).or_default();
            if !kept.is_empty() {
                kept.push('\n');
            }
            kept.push_str(text);
        }
    }

    /// The tests that were collected and have not ended.
    pub(super) fn left(&self) -> Vec<String> {
        self.collected.iter().filter(|nodeid| !self.finished.contains(*nodeid)).cloned().collect()
    }
}

/// How far the ending of a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It was asked then.
    Since(Instant),
    /// It was killed.
    Killed,
}
