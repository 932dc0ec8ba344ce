//! Looks at the clock, the memory and the launcher between two messages, and ends what exceeds its limits.

use std::time::{Duration, Instant};

use tgen_core::schedule::job::expected_time;

use super::{Engine, RunProgress, Stop};
use crate::run::active::{Active, Asked, Cause, Process};
use crate::run::messages::StartId;
use crate::run::processes::{self, Ending};

/// How long after its end the messages of a process may arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How many times as long as a measurement of memory the pause after it is, at least.
const PAUSE_BETWEEN_MEASUREMENTS: u32 = 10;
/// The most bytes of output that a process may leave; more is dropped while it runs.
const LONGEST_LOG: u64 = 16 << 20;

impl Engine<'_> {
    pub(super) fn check_stop(&mut self) {
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

    pub(super) fn tick(&mut self) -> anyhow::Result<()> {
        self.ticked = Instant::now();
        for at in 0..self.active.len() {
            self.check_limits(at);
        }
        self.check_launcher()?;
        let running = self.active.iter().map(|active| (&self.run.units[active.job], active.began.elapsed())).collect();
        let progress = RunProgress {
            running,
            done: self.done.len(),
            planned: self.run.units.len(),
            failed: self.ended.failed + self.active.iter().map(Active::failed).sum::<usize>(),
            left: self.time_left(),
        };
        self.listener.tick(&progress);
        Ok(())
    }

    pub(super) fn check_limits(&mut self, at: usize) {
        let limit = self.run.rules.memory.0;
        let memory = self.measured_memory(at);
        self.note_memory(at, memory.unwrap_or(0));
        let active = &self.active[at];
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

    /// The memory of the processes of a unit, unless it was measured a moment ago. The more processes there are, the more it
    /// costs to ask, and the longer is the moment.
    fn measured_memory(&mut self, at: usize) -> Option<u64> {
        let process = &mut self.active[at].process;
        let began = Instant::now();
        if began < process.measured_next {
            return None;
        }
        let memory = process.pid.and_then(processes::memory);
        process.measured_next = Instant::now() + began.elapsed() * PAUSE_BETWEEN_MEASUREMENTS;
        memory
    }

    /// Takes note of the memory that the processes of a unit have, unless earlier files have left some of it.
    pub(super) fn note_memory(&mut self, at: usize, bytes: u64) {
        if !self.workers.share_processes() {
            self.active[at].add_memory(bytes);
        }
    }

    pub(super) fn end_process(&mut self, at: usize, cause: Cause, ending: Ending) {
        let process = &mut self.active[at].process;
        process.set_ending(cause, ending);
        self.workers.signal(process.id, process.pid, ending);
    }

    /// Replaces a launcher that has died, and looks after the processes that it has started.
    pub(super) fn check_launcher(&mut self) -> anyhow::Result<()> {
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

    /// A process between the launcher and files has died: looks after those of the files that still run.
    pub(super) fn on_lost(&mut self, starts: &[StartId]) {
        for active in self.active.iter().filter(|active| starts.contains(&active.process.id)) {
            self.orphaned.entry(active.process.id).or_default();
        }
        self.listener.warning("a process that starts tests has died; another one was started");
    }

    pub(super) fn orphan_all(&mut self) {
        for active in &self.active {
            self.orphaned.entry(active.process.id).or_default();
        }
    }

    /// A process without its launcher that has ended, and has no more to say: the launcher would have told so.
    pub(super) fn ended_orphan(&mut self) -> Option<(usize, i32)> {
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

    pub(super) fn end_left_processes(&mut self, at: usize, left_processes: bool) {
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

    pub(super) fn known_pids(&self) -> Vec<i32> {
        let mut known = self.workers.own_pids();
        known.extend(self.active.iter().filter_map(|active| active.process.pid));
        known
    }

    /// Ends what runs when the run ends, whatever the reason.
    pub(super) fn end_everything(&mut self) {
        for active in &self.active {
            self.workers.signal(active.process.id, active.process.pid, Ending::Kill);
        }
        self.workers.dismiss_shared();
        let own = self.workers.own_pids();
        for adopted in processes::adopted(&own) {
            processes::end_adopted(adopted);
        }
    }

    /// How long the rest takes if it takes as much longer than expected as what is done.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let all = expected_time(self.scheduler.jobs()).as_secs_f64();
        let done = self.expected_of_done.as_secs_f64();
        let left = self.began.elapsed().as_secs_f64() * (all - done).max(0.0) / done;
        // Without anything done, and where the expectation is beyond all bounds, there is no answer.
        Duration::try_from_secs_f64(left).ok()
    }
}

/// Drops what a process has written beyond all measure.
fn shorten(process: &Process) {
    if std::fs::metadata(&process.log).is_ok_and(|metadata| metadata.len() > LONGEST_LOG) {
        // The process appends, so that it goes on at the new end.
        let _ = std::fs::File::options().write(true).open(&process.log).and_then(|file| file.set_len(0));
    }
}
