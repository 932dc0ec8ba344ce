//! The queue: a job starts when what it needs is free and what it depends on has passed.
//!
//! Of the jobs that could start, the one of the best priority does; of those, the one that takes longest, so that no long
//! job is left for the end. A job that lacks memory or a device is overtaken by later ones that fit, but not for ever. The
//! queue must not know the time: it is told which job has ended.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use typed_index_collections::TiVec;

use super::estimate::Estimate;
use super::job::{Job, JobIndex};
use super::machine::{Device, DeviceIndex, DeviceSlot, Machine};
use crate::base::bytes::Bytes;
use crate::model::hardware::HardwareType;

/// How many jobs may overtake one that waits for memory or for a device. Then nothing else starts that takes what it
/// waits for.
pub const MOST_OVERTAKING: u32 = 16;

/// A job that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The job.
    pub job: JobIndex,
    /// The slot of a device that it has to itself, if it needs one.
    pub device: Option<DeviceSlot>,
}

/// How a job ended, as far as others depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It passed.
    Passed,
    /// It ended in any other way.
    DidNotPass,
}

/// Why a job is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockReason {
    /// The machine has less memory than the job is known to need.
    Memory {
        /// What it needs.
        needs: Estimate<Bytes>,
        /// What the machine has.
        has: Bytes,
    },
    /// The machine has no such device.
    NoDevice(HardwareType),
    /// This job did not pass, or is blocked itself.
    DependsOn(JobIndex),
    /// The job, or one that it depends on, depends on itself.
    Circle,
}

/// The queue of jobs on a machine.
#[derive(Debug, Clone)]
pub struct Scheduler {
    jobs: TiVec<JobIndex, Job>,
    machine: Machine,
    states: TiVec<JobIndex, State>,
    /// The jobs that depend on each job.
    dependents: TiVec<JobIndex, Vec<JobIndex>>,
    ready: BTreeSet<Rank>,
    /// How often each job was overtaken.
    overtaken: TiVec<JobIndex, u32>,
    /// How many jobs wait for others.
    waiting: usize,
    running: usize,
    free_memory: Bytes,
    busy_groups: HashSet<String>,
    /// Which slots of each device are in use.
    busy_slots: Vec<Vec<bool>>,
    newly_blocked: Vec<(JobIndex, BlockReason)>,
}

/// The order of jobs that could start.
type Rank = (u8, Reverse<Duration>, JobIndex);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many jobs have to pass first.
    Waiting(usize),
    Ready,
    Running(Option<DeviceSlot>),
    Ended,
}

/// What a job that is ready lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Memory,
    DeviceOrGroup,
}

/// What is kept for jobs that were overtaken too often.
#[derive(Default)]
struct Reserved {
    hardware: HashSet<HardwareType>,
    groups: HashSet<String>,
}

impl Reserved {
    fn add(&mut self, job: &Job) {
        self.hardware.extend(job.needs.device);
        self.groups.extend(job.group.clone());
    }

    /// Whether a job needs something that is kept for others.
    fn conflicts_with(&self, job: &Job) -> bool {
        job.needs.device.is_some_and(|hardware| self.hardware.contains(&hardware))
            || job.group.as_ref().is_some_and(|group| self.groups.contains(group))
    }
}

impl Scheduler {
    /// All jobs, none of them started.
    #[must_use]
    pub fn new(jobs: TiVec<JobIndex, Job>, machine: Machine) -> Self {
        let mut dependents: TiVec<JobIndex, Vec<JobIndex>> = jobs.iter().map(|_| Vec::new()).collect();
        let mut states = TiVec::with_capacity(jobs.len());
        for (at, job) in jobs.iter_enumerated() {
            let earlier: Vec<_> = job.after.iter().filter(|on| jobs.get(**on).is_some()).collect();
            states.push(State::Waiting(earlier.len()));
            for on in earlier {
                dependents[*on].push(at);
            }
        }
        // `--slots` can be any number, and no more jobs than this run at a time.
        let most_slots = jobs.len().min(machine.jobs.max(1));
        let slots = |device: &Device| vec![false; device.slots.min(most_slots)];
        let mut scheduler = Self {
            waiting: jobs.len(),
            overtaken: jobs.iter().map(|_| 0).collect(),
            ready: BTreeSet::new(),
            running: 0,
            free_memory: machine.memory,
            busy_groups: HashSet::new(),
            busy_slots: machine.devices.iter().map(slots).collect(),
            newly_blocked: Vec::new(),
            jobs,
            machine,
            states,
            dependents,
        };
        scheduler.block_what_can_never_run();
        scheduler.release_independent();
        scheduler
    }

    /// All jobs, in their order.
    #[must_use]
    pub fn jobs(&self) -> &TiVec<JobIndex, Job> {
        &self.jobs
    }

    /// The next job that starts now; call it until there is none.
    pub fn start_next(&mut self) -> Option<Start> {
        if self.running >= self.machine.jobs.max(1) {
            return None;
        }
        let mut reserved = Reserved::default();
        let mut passed_over = Vec::new();
        let mut chosen = None;
        for rank @ &(_, _, job) in &self.ready {
            match self.lacking(job) {
                None if reserved.conflicts_with(&self.jobs[job]) => passed_over.push(job),
                None => {
                    chosen = Some(*rank);
                    break;
                }
                Some(_) if self.overtaken[job] < MOST_OVERTAKING => passed_over.push(job),
                // Whatever starts now would take memory.
                Some(Lacking::Memory) => break,
                Some(Lacking::DeviceOrGroup) => reserved.add(&self.jobs[job]),
            }
        }
        let rank = chosen?;
        for job in passed_over {
            self.overtaken[job] += 1;
        }
        self.ready.remove(&rank);
        Some(self.start(rank.2))
    }

    /// A job has ended; what it had is free, and what depends on it is released or blocked.
    pub fn finished(&mut self, job: JobIndex, end: End) {
        if !self.free(job) {
            return;
        }
        self.states[job] = State::Ended;
        match end {
            End::Passed => self.release_dependents(job),
            End::DidNotPass => self.block_dependents(job),
        }
    }

    /// A job is tried again, instead of being [`Self::finished`]: what it had is free, and it is ready again.
    pub fn requeue(&mut self, job: JobIndex) {
        if self.free(job) {
            self.make_ready(job);
        }
    }

    /// The jobs that were blocked since the last call.
    pub fn blocked(&mut self) -> Vec<(JobIndex, BlockReason)> {
        std::mem::take(&mut self.newly_blocked)
    }

    /// Whether nothing runs and nothing is left to start.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.running == 0 && self.ready.is_empty() && self.waiting == 0
    }

    /// How many jobs run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
    }

    /// What a job takes of the machine's memory. A guess beyond all that the machine has is cut to that: the job then runs
    /// alone, since guesses are too rough to refuse it.
    fn memory(&self, job: JobIndex) -> Bytes {
        self.jobs[job].needs.memory.value.min(self.machine.memory)
    }

    fn lacking(&self, job: JobIndex) -> Option<Lacking> {
        let Job { needs, group, .. } = &self.jobs[job];
        if self.memory(job) > self.free_memory {
            return Some(Lacking::Memory);
        }
        let lacks_device = needs.device.is_some_and(|hardware| self.free_slot(hardware).is_none());
        let lacks_group = group.as_ref().is_some_and(|group| self.busy_groups.contains(group));
        (lacks_device || lacks_group).then_some(Lacking::DeviceOrGroup)
    }

    /// A free slot of the device that has most of them.
    fn free_slot(&self, hardware: HardwareType) -> Option<DeviceSlot> {
        let devices = self.machine.devices.iter().zip(&self.busy_slots).enumerate();
        let free = devices.filter(|(_, (device, _))| device.hardware == hardware).filter_map(|(device, (_, busy))| {
            let slot = busy.iter().position(|is_busy| !is_busy)?;
            let count = busy.iter().filter(|is_busy| !**is_busy).count();
            Some((Reverse(count), DeviceSlot { device: DeviceIndex(device), slot }))
        });
        free.min().map(|(_, slot)| slot)
    }

    fn start(&mut self, job: JobIndex) -> Start {
        let device = self.jobs[job].needs.device.and_then(|hardware| self.free_slot(hardware));
        self.set_busy(device, true);
        self.busy_groups.extend(self.jobs[job].group.clone());
        self.free_memory = Bytes(self.free_memory.0 - self.memory(job).0);
        self.running += 1;
        self.states[job] = State::Running(device);
        Start { job, device }
    }

    /// Takes back what a running job had. Gives whether it was running.
    fn free(&mut self, job: JobIndex) -> bool {
        let Some(State::Running(device)) = self.states.get(job).copied() else { return false };
        self.set_busy(device, false);
        if let Some(group) = &self.jobs[job].group {
            self.busy_groups.remove(group);
        }
        self.free_memory = Bytes(self.free_memory.0 + self.memory(job).0);
        self.running -= 1;
        true
    }

    fn set_busy(&mut self, slot: Option<DeviceSlot>, is_busy: bool) {
        if let Some(DeviceSlot { device: DeviceIndex(device), slot }) = slot {
            self.busy_slots[device][slot] = is_busy;
        }
    }

    fn make_ready(&mut self, job: JobIndex) {
        self.states[job] = State::Ready;
        let Job { priority, expected, .. } = &self.jobs[job];
        self.ready.insert((*priority, Reverse(expected.value), job));
    }

    fn release_independent(&mut self) {
        let states = self.states.iter_enumerated();
        let independent: Vec<_> =
            states.filter(|(_, state)| **state == State::Waiting(0)).map(|(job, _)| job).collect();
        for job in independent {
            self.waiting -= 1;
            self.make_ready(job);
        }
    }

    fn release_dependents(&mut self, job: JobIndex) {
        for dependent in self.dependents[job].clone() {
            match self.states[dependent] {
                State::Waiting(1) => {
                    self.waiting -= 1;
                    self.make_ready(dependent);
                }
                State::Waiting(left) => self.states[dependent] = State::Waiting(left - 1),
                State::Ready | State::Running(_) | State::Ended => {}
            }
        }
    }

    /// Blocks all jobs that depend on a job, directly or through others, with that job as the reason.
    fn block_dependents(&mut self, job: JobIndex) {
        let mut open = self.dependents[job].clone();
        while let Some(dependent) = open.pop() {
            if self.block(dependent, BlockReason::DependsOn(job)) {
                open.extend(&self.dependents[dependent]);
            }
        }
    }

    /// Blocks a job that waits for others. Gives whether it did.
    fn block(&mut self, job: JobIndex, reason: BlockReason) -> bool {
        let was_waiting = matches!(self.states[job], State::Waiting(_));
        if was_waiting {
            self.waiting -= 1;
            self.states[job] = State::Ended;
            self.newly_blocked.push((job, reason));
        }
        was_waiting
    }

    fn block_what_can_never_run(&mut self) {
        for job in self.on_circles() {
            self.block(job, BlockReason::Circle);
        }
        for job in self.jobs.keys() {
            if let Some(reason) = self.refusal(job)
                && self.block(job, reason)
            {
                self.block_dependents(job);
            }
        }
    }

    /// Why the machine cannot run a job.
    fn refusal(&self, job: JobIndex) -> Option<BlockReason> {
        let needs = self.jobs[job].needs;
        let has = self.machine.memory;
        let has_device = |hardware| self.machine.devices.iter().any(|one| one.hardware == hardware && one.slots > 0);
        match needs.device.filter(|hardware| !has_device(*hardware)) {
            Some(hardware) => Some(BlockReason::NoDevice(hardware)),
            None if needs.memory.origin.is_known() && needs.memory.value > has => {
                Some(BlockReason::Memory { needs: needs.memory, has })
            }
            None => None,
        }
    }

    /// The jobs that would wait for ever even if all others passed.
    fn on_circles(&self) -> Vec<JobIndex> {
        let mut left: TiVec<JobIndex, usize> = self
            .states
            .iter()
            .map(|state| match state {
                State::Waiting(left) => *left,
                State::Ready | State::Running(_) | State::Ended => 0,
            })
            .collect();
        let mut open: Vec<JobIndex> =
            left.iter_enumerated().filter(|(_, left)| **left == 0).map(|(job, _)| job).collect();
        let mut reached: TiVec<JobIndex, bool> = left.iter().map(|left| *left == 0).collect();
        while let Some(job) = open.pop() {
            for dependent in &self.dependents[job] {
                left[*dependent] -= 1;
                if left[*dependent] == 0 {
                    reached[*dependent] = true;
                    open.push(*dependent);
                }
            }
        }
        reached.iter_enumerated().filter(|(_, reached)| !**reached).map(|(job, _)| job).collect()
    }
}
