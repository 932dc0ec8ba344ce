//! How processes end, and what of their file still has to run.

use jiff::Timestamp;
use tgen_core::results::attempt::Attempt;
use tgen_core::results::outcome::Outcome;

use super::{Engine, Stop, remove_log};
use crate::run::active::{Cause, Retry};
use crate::run::autopsy::{innermost_calls, last_line, line_in, usage_error, words_for_exit};
use crate::run::blank::rounded;
use crate::run::launcher::last_lines;
use crate::run::machine;
use crate::run::processes::Ending;

/// After so many timeouts, the rest of a file is not run.
const MOST_TIMEOUTS: u32 = 3;
/// The exit statuses of pytest that do not follow from its tests.
const INTERNAL_ERROR: i32 = 3;
const USAGE_ERROR: i32 = 4;

impl Engine<'_> {
    pub(super) fn on_unstarted(&mut self, at: usize, reason: &str) -> anyhow::Result<()> {
        self.record_whole(at, Outcome::InfraError, &format!("no process could be started: {reason}"))?;
        self.conclude(at)
    }

    /// A process has ended: records what of its tests is not recorded yet, and starts another one if that is due.
    pub(super) fn on_exit(&mut self, at: usize, code: i32, left_processes: bool) -> anyhow::Result<()> {
        self.end_left_processes(at, left_processes);
        let peak = self.active[at].process.memory_peak();
        self.note_memory(at, peak.unwrap_or(0));
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
    pub(super) fn on_ordinary_end(&mut self, at: usize, status: i32) -> anyhow::Result<()> {
        let process = &self.active[at].process;
        if let Some(text) = process.uncollected.clone() {
            return self.record_whole_with_text(at, Outcome::Error, last_line(&text), &text);
        }
        if status == USAGE_ERROR || status == INTERNAL_ERROR {
            let text = last_lines(&process.log);
            if let Some(message) = usage_error(&text).filter(|_| status == USAGE_ERROR) {
                return self.on_usage_error(at, message);
            }
            let reason = text.lines().rev().find(|line| line.contains("error") || line.contains("Error"));
            let reason = reason.unwrap_or("pytest could not run the file").to_owned();
            return self.record_whole_with_text(at, Outcome::Error, &reason, &text);
        }
        // The rest of a file whose test has ended the session still runs.
        if process.has_culprit { Ok(()) } else { self.record_rest(at, "pytest stopped before this test") }
    }

    /// Every file would end like this one: nothing more is started.
    fn on_usage_error(&mut self, at: usize, message: &str) -> anyhow::Result<()> {
        self.ended.stop = Some(Stop::WrongArguments);
        self.usage_error.get_or_insert_with(|| message.to_owned());
        for other in (0..self.active.len()).filter(|other| *other != at) {
            self.end_process(other, Cause::Stopped(Stop::WrongArguments.reason()), Ending::Ask);
        }
        self.record_whole(at, Outcome::NotRun, Stop::WrongArguments.reason())
    }

    /// The process has ended in the middle.
    pub(super) fn on_sudden_end(&mut self, at: usize, code: i32) -> anyhow::Result<()> {
        let (outcome, reason) = self.explain_end(at, code);
        self.active[at].timeouts += u32::from(outcome == Outcome::TimedOut);
        let text = innermost_calls(&last_lines(&self.active[at].process.log)).unwrap_or_default();
        let file = &self.run.units[self.active[at].job].file;
        let reason = match line_in(&text, file) {
            // As pytest does.
            Some(line) => format!("{file}:{line}: {reason}"),
            None => reason,
        };
        match self.active[at].process.current.take() {
            Some((nodeid, started)) => {
                let process = &mut self.active[at].process;
                process.finished.insert(nodeid.clone());
                process.has_culprit = true;
                process.failures.insert(nodeid.clone(), text);
                let attempt = Attempt {
                    started: Some(started.to_string()),
                    duration: rounded(started.duration_until(Timestamp::now()).as_secs_f64()),
                    ..self.bare_attempt(at, &nodeid, outcome, &reason)
                };
                self.record(at, attempt)
            }
            None if self.active[at].process.has_culprit => Ok(()),
            None => self.record_whole_with_text(at, outcome, &reason, &text),
        }
    }

    /// Why a process has ended in the middle.
    fn explain_end(&mut self, at: usize, code: i32) -> (Outcome, String) {
        let kills = machine::kills_for_memory();
        let was_killed_for_memory = kills > self.kernel_kills && code == -Ending::Kill.signal();
        self.kernel_kills = kills;
        let process = &self.active[at].process;
        match (process.cause(), &process.broken) {
            (Some(cause), _) => (cause.outcome(), cause.reason()),
            (None, Some(broken)) => (Outcome::Error, broken.clone()),
            (None, None) if was_killed_for_memory => {
                (Outcome::Oom, "the kernel ended the process for want of memory".to_owned())
            }
            (None, None) => (Outcome::Crashed, words_for_exit(code)),
        }
    }

    /// Starts the next process of a unit if tests are left or are to be tried again, and ends the unit otherwise.
    pub(super) fn go_on_or_conclude(&mut self, at: usize) -> anyhow::Result<()> {
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

    pub(super) fn start_again(&mut self, at: usize, only: Option<&[String]>) -> anyhow::Result<()> {
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
}
