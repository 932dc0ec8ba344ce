use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use typed_index_collections::TiVec;

use super::estimate::{Estimate, Origin};
use super::forecast::forecast;
use super::job::{Job, JobIndex, Needs, expected_time, select};
use super::machine::{Device, Machine};
use super::scheduler::{BlockReason, End, MOST_OVERTAKING, Scheduler, Start};
use super::shard::{Shard, shard};
use crate::base::bytes::Bytes;
use crate::model::hardware::HardwareType::{self, Cuda, Rocm};

/// A job that needs one byte for a second.
fn job(unit: &str) -> Job {
    Job {
        unit: unit.to_owned(),
        needs: Needs { memory: Estimate::stated(Bytes(1)), device: None },
        priority: 5,
        expected: Estimate::default(Duration::from_secs(1)),
        timeout: Duration::from_mins(10),
        group: None,
        after: Vec::new(),
    }
}

fn memory(bytes: u64, job: Job) -> Job {
    Job { needs: Needs { memory: Estimate::stated(Bytes(bytes)), ..job.needs }, ..job }
}

fn on(hardware: HardwareType, job: Job) -> Job {
    Job { needs: Needs { device: Some(hardware), ..job.needs }, ..job }
}

fn takes(seconds: u64, job: Job) -> Job {
    Job { expected: Estimate::default(Duration::from_secs(seconds)), ..job }
}

fn after(jobs: &[usize], job: Job) -> Job {
    Job { after: jobs.iter().map(|index| JobIndex::from(*index)).collect(), ..job }
}

fn machine(memory: u64, jobs: usize, devices: &[(HardwareType, &str, usize)]) -> Machine {
    let device = |(hardware, label, slots): &(_, &str, _)| Device {
        hardware: *hardware,
        label: (*label).to_owned(),
        slots: *slots,
    };
    Machine { memory: Bytes(memory), jobs, devices: devices.iter().map(device).collect() }
}

fn scheduler(machine: Machine, jobs: impl IntoIterator<Item = Job>) -> Scheduler {
    Scheduler::new(jobs.into_iter().collect(), machine)
}

/// The units that start now, each with its device and slot.
fn start_all(scheduler: &mut Scheduler) -> String {
    let mut started = Vec::new();
    while let Some(Start { job, device }) = scheduler.start_next() {
        let slot = device.map_or(String::new(), |slot| format!(" {}:{}", slot.device.0, slot.slot));
        started.push(format!("{}{slot}", scheduler.jobs()[job].unit));
    }
    started.join(", ")
}

fn blocked(scheduler: &mut Scheduler) -> Vec<String> {
    let blocked = scheduler.blocked();
    blocked.into_iter().map(|(job, reason)| format!("{}: {reason:?}", scheduler.jobs()[job].unit)).collect()
}

#[test]
fn jobs_start_by_priority_then_the_longest_first() {
    let jobs = [takes(1, job("a")), takes(9, job("b")), Job { priority: 1, ..takes(2, job("c")) }, takes(9, job("d"))];
    assert_eq!(start_all(&mut scheduler(machine(9, 9, &[]), jobs)), "c, b, d, a");
}

#[test]
fn a_job_starts_when_its_memory_fits_and_smaller_ones_fill_the_rest() {
    let jobs = [takes(3, memory(6, job("large"))), takes(2, memory(6, job("larger"))), memory(2, job("small"))];
    let mut scheduler = scheduler(machine(10, 9, &[]), jobs);
    assert_eq!(start_all(&mut scheduler), "large, small");
    scheduler.finished(JobIndex::from(2), End::Passed);
    assert_eq!(start_all(&mut scheduler), "");
    scheduler.finished(JobIndex::from(0), End::DidNotPass);
    assert_eq!(start_all(&mut scheduler), "larger");
}

#[test]
fn devices_share_the_load_and_no_slot_is_given_twice() {
    let jobs = ["a", "b", "c", "d"].map(|unit| on(Cuda, job(unit)));
    let devices = [(Cuda, "cuda:0", 2), (Rocm, "rocm:0", 1), (Cuda, "cuda:1", 1)];
    let mut scheduler = scheduler(machine(9, 9, &devices), jobs);
    assert_eq!(start_all(&mut scheduler), "a 0:0, b 0:1, c 2:0");
    scheduler.finished(JobIndex::from(1), End::Passed);
    assert_eq!(start_all(&mut scheduler), "d 0:1");
}

#[test]
fn a_device_can_have_any_number_of_slots() {
    let jobs = ["a", "b"].map(|unit| on(Cuda, job(unit)));
    let mut scheduler = scheduler(machine(9, usize::MAX, &[(Cuda, "cuda:0", usize::MAX)]), jobs);
    assert_eq!(start_all(&mut scheduler), "a 0:0, b 0:1");
}

#[test]
fn jobs_of_a_group_run_one_after_another() {
    let in_group = |job: Job| Job { group: Some("port".to_owned()), ..job };
    let mut scheduler = scheduler(machine(9, 9, &[]), [in_group(job("a")), in_group(job("b")), job("c")]);
    assert_eq!(start_all(&mut scheduler), "a, c");
    scheduler.finished(JobIndex::from(0), End::DidNotPass);
    assert_eq!(start_all(&mut scheduler), "b");
}

#[test]
fn a_job_waits_for_what_it_depends_on_and_is_blocked_with_its_name() {
    let jobs = [job("1"), after(&[0], job("4")), after(&[1], job("16")), job("other"), after(&[3, 0], job("both"))];
    let mut scheduler = scheduler(machine(9, 9, &[]), jobs);
    assert_eq!(start_all(&mut scheduler), "1, other");
    scheduler.finished(JobIndex::from(3), End::Passed);
    assert_eq!(start_all(&mut scheduler), "");
    scheduler.finished(JobIndex::from(0), End::DidNotPass);
    assert_eq!(
        blocked(&mut scheduler),
        ["both: DependsOn(JobIndex(0))", "4: DependsOn(JobIndex(0))", "16: DependsOn(JobIndex(0))",]
    );
    assert!(scheduler.is_done());
    assert_eq!(blocked(&mut scheduler), [""; 0]);
}

#[test]
fn what_the_machine_can_never_give_is_blocked_and_a_guess_is_not() {
    let guess = Estimate { value: Bytes(99), origin: Origin::Estimated };
    let jobs = [
        memory(10, job("too large")),
        on(Rocm, job("no device")),
        on(Cuda, job("no slot")),
        after(&[0], job("behind")),
        Job { needs: Needs { memory: guess, device: None }, ..job("guess") },
        after(&[6], job("circle")),
        after(&[5], job("circle too")),
        after(&[5], job("behind the circle")),
        after(&[99], job("out of range")),
    ];
    let mut scheduler = scheduler(machine(9, 9, &[(Cuda, "cuda:0", 0)]), jobs);
    assert_snapshot!(blocked(&mut scheduler).join("\n"), @"
    circle: Circle
    circle too: Circle
    behind the circle: Circle
    too large: Memory { needs: Estimate { value: Bytes(10), origin: Stated }, has: Bytes(9) }
    behind: DependsOn(JobIndex(0))
    no device: NoDevice(Rocm)
    no slot: NoDevice(Cuda)
    ");
    assert_eq!(start_all(&mut scheduler), "guess");
    scheduler.finished(JobIndex::from(4), End::Passed);
    assert_eq!(start_all(&mut scheduler), "out of range");
}

#[test]
fn a_job_that_is_tried_again_is_queued_again() {
    let mut scheduler = scheduler(machine(1, 1, &[]), [takes(3, job("a")), takes(1, job("b")), after(&[0], job("c"))]);
    assert_eq!(start_all(&mut scheduler), "a");
    scheduler.requeue(JobIndex::from(0));
    assert_eq!(start_all(&mut scheduler), "a");
    scheduler.finished(JobIndex::from(0), End::Passed);
    // What is not running has nothing to give back.
    scheduler.finished(JobIndex::from(0), End::DidNotPass);
    scheduler.requeue(JobIndex::from(2));
    assert_eq!(start_all(&mut scheduler), "b");
    assert_eq!(blocked(&mut scheduler), [""; 0]);
}

#[test]
fn jobs_that_are_left_out_count_as_passed() {
    let jobs: TiVec<JobIndex, Job> = [job("a"), after(&[0], job("b")), after(&[0, 1], job("c"))].into_iter().collect();
    let chosen = select(&jobs, &[JobIndex::from(1), JobIndex::from(2)]);
    assert_eq!(chosen.iter().map(|job| job.after.clone()).collect::<Vec<_>>(), [vec![], vec![JobIndex::from(0)]]);
}

#[test]
fn a_shard_is_written_as_a_fraction() {
    let parse = |text: &str| text.parse::<Shard>().map(|shard| shard.to_string());
    assert_eq!(parse("2/8").as_deref(), Ok("2/8"));
    for wrong in ["0/4", "5/4", "1/0", "1", "a/b", "-1/4", ""] {
        assert_eq!(parse(wrong), Err("write it as `2/4`: the second of four parts"), "{wrong}");
    }
}

#[test]
fn there_can_be_more_shards_than_jobs() {
    let jobs: TiVec<JobIndex, Job> = [takes(1, job("a")), takes(2, job("b"))].into_iter().collect();
    let part = |text: String| shard(&jobs, text.parse().unwrap());
    let most = usize::MAX;
    let parts = [1, 2, 3, most].map(|index| part(format!("{index}/{most}")));
    assert_eq!(parts, [vec![JobIndex::from(1)], vec![JobIndex::from(0)], vec![], vec![]]);
}

#[test]
fn expected_times_of_any_length_are_added() {
    let longest = |unit| Job { expected: Estimate::default(Duration::MAX), ..job(unit) };
    assert_eq!(expected_time(&[longest("a"), longest("b")]), Duration::MAX);
}

fn hardware() -> impl Strategy<Value = Option<HardwareType>> {
    prop::sample::select(vec![None, None, Some(Cuda), Some(Rocm)])
}

/// Jobs whose dependencies may lead anywhere, circles included.
fn jobs() -> impl Strategy<Value = TiVec<JobIndex, Job>> {
    let one =
        (0..12_u64, hardware(), 1..4_u8, 0..9_u64, prop::option::of(0..2_u8), vec(0..30_usize, 0..2), any::<bool>());
    vec(one, 0..25).prop_map(|jobs| {
        let count = jobs.len();
        let job = |(at, (bytes, device, priority, seconds, group, on, is_guess)): (
            usize,
            (_, _, _, _, Option<u8>, Vec<usize>, _),
        )| {
            let origin = if is_guess { Origin::Estimated } else { Origin::Learnt { samples: 1 } };
            // Mostly backwards, or nearly all jobs would be behind a circle.
            let on: Vec<usize> = on
                .into_iter()
                .map(|on| if on % 7 == 0 { on } else { on % at.max(1) })
                .filter(|on| *on != at && *on < count)
                .collect();
            let needs = Needs { memory: Estimate { value: Bytes(bytes), origin }, device };
            let group = group.map(|group| group.to_string());
            after(&on, takes(seconds, Job { needs, priority, group, ..job(&format!("unit {at}")) }))
        };
        jobs.into_iter().enumerate().map(job).collect()
    })
}

fn machines() -> impl Strategy<Value = Machine> {
    (0..10_u64, 0..5_usize, 0..3_usize, 0..2_usize).prop_map(|(memory, jobs, cuda, rocm)| {
        machine(memory, jobs, &[(Cuda, "cuda:0", cuda), (Cuda, "cuda:1", 1), (Rocm, "rocm:0", rocm)])
    })
}

/// What a test does with a job that runs.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pass,
    Fail,
    TryAgain,
}

fn acts() -> impl Strategy<Value = Vec<(prop::sample::Index, Act)>> {
    vec(
        (any::<prop::sample::Index>(), prop::sample::select(vec![Act::Pass, Act::Pass, Act::Fail, Act::TryAgain])),
        0..60,
    )
}

/// Runs jobs to their end in an order that a test chooses, and checks every promise of the queue.
struct Follower {
    scheduler: Scheduler,
    machine: Machine,
    running: HashMap<JobIndex, Start>,
    passed: BTreeSet<JobIndex>,
    failed: BTreeSet<JobIndex>,
    blocked: BTreeSet<JobIndex>,
    /// How often each job that could start was overtaken by one that takes what it waits for.
    overtaken: HashMap<JobIndex, u32>,
}

impl Follower {
    fn new(jobs: TiVec<JobIndex, Job>, machine: Machine) -> Self {
        let scheduler = Scheduler::new(jobs, machine.clone());
        let none = BTreeSet::new;
        Self {
            scheduler,
            machine,
            running: HashMap::new(),
            passed: none(),
            failed: none(),
            blocked: none(),
            overtaken: HashMap::new(),
        }
    }

    fn follow(mut self, acts: &[(prop::sample::Index, Act)]) -> Result<(), TestCaseError> {
        let mut acts = acts.iter();
        loop {
            self.start()?;
            self.note_blocked()?;
            if self.running.is_empty() {
                break;
            }
            let mut running: Vec<JobIndex> = self.running.keys().copied().collect();
            running.sort_unstable();
            let (which, act) = acts.next().map_or((0, Act::Pass), |(index, act)| (index.index(running.len()), *act));
            self.act(running[which], act);
        }
        prop_assert!(self.scheduler.is_done());
        prop_assert_eq!(self.passed.len() + self.failed.len() + self.blocked.len(), self.scheduler.jobs().len());
        Ok(())
    }

    fn act(&mut self, job: JobIndex, act: Act) {
        self.running.remove(&job);
        match act {
            Act::Pass => {
                self.passed.insert(job);
                self.scheduler.finished(job, End::Passed);
            }
            Act::Fail => {
                self.failed.insert(job);
                self.scheduler.finished(job, End::DidNotPass);
            }
            Act::TryAgain => self.scheduler.requeue(job),
        }
    }

    fn start(&mut self) -> Result<(), TestCaseError> {
        while let Some(start) = self.scheduler.start_next() {
            let job = self.scheduler.jobs()[start.job].clone();
            prop_assert!(job.after.iter().all(|on| self.passed.contains(on)), "{:?} started too early", start.job);
            prop_assert!(
                !self.passed.contains(&start.job)
                    && !self.failed.contains(&start.job)
                    && !self.blocked.contains(&start.job)
            );
            prop_assert!(self.running.insert(start.job, start).is_none(), "it runs already");
            self.check_order(start.job)?;
            self.check_machine(&job, start)?;
        }
        Ok(())
    }

    fn check_machine(&self, job: &Job, start: Start) -> Result<(), TestCaseError> {
        prop_assert!(self.running.len() <= self.machine.jobs.max(1));
        let jobs = self.scheduler.jobs();
        let memory: u64 = self.running.keys().map(|job| jobs[*job].needs.memory.value.min(self.machine.memory).0).sum();
        prop_assert!(memory <= self.machine.memory.0, "over memory");
        let slots: Vec<_> = self.running.values().filter_map(|start| start.device).collect();
        prop_assert_eq!(slots.iter().collect::<BTreeSet<_>>().len(), slots.len(), "two on a slot");
        let device = start.device.map(|slot| (&self.machine.devices[slot.device.0], slot.slot));
        prop_assert_eq!(device.map(|(device, _)| device.hardware), job.needs.device);
        prop_assert!(device.is_none_or(|(device, slot)| slot < device.slots));
        let groups: Vec<_> = self.running.keys().filter_map(|job| jobs[*job].group.as_ref()).collect();
        prop_assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "two of a group");
        Ok(())
    }

    /// A job that could start too, ranks before and is overtaken has found too little free, and that not too often.
    fn check_order(&mut self, started: JobIndex) -> Result<(), TestCaseError> {
        let jobs = self.scheduler.jobs();
        let rank = |job: JobIndex| (jobs[job].priority, Reverse(jobs[job].expected.value), job);
        let could_start = |job: &JobIndex| {
            let is_open = ![&self.passed, &self.failed, &self.blocked].iter().any(|ended| ended.contains(job));
            is_open && !self.running.contains_key(job) && jobs[*job].after.iter().all(|on| self.passed.contains(on))
        };
        let overtaken: Vec<JobIndex> =
            jobs.keys().filter(|job| rank(*job) < rank(started)).filter(could_start).collect();
        for job in overtaken {
            let competes = jobs[job].needs.device.is_none() && jobs[job].group.is_none();
            let count = self.overtaken.entry(job).or_default();
            *count += 1;
            prop_assert!(!competes || *count <= MOST_OVERTAKING, "{job:?} starves");
        }
        Ok(())
    }

    fn note_blocked(&mut self) -> Result<(), TestCaseError> {
        for (job, reason) in self.scheduler.blocked() {
            prop_assert!(self.blocked.insert(job), "told twice");
            match reason {
                BlockReason::DependsOn(on) => prop_assert!(self.failed.contains(&on) || self.blocked.contains(&on)),
                BlockReason::Memory { needs, has } => prop_assert!(needs.value > has && needs.origin.is_known()),
                BlockReason::NoDevice(hardware) => {
                    let slots = self.machine.devices.iter().filter(|device| device.hardware == hardware);
                    prop_assert_eq!(slots.map(|device| device.slots).sum::<usize>(), 0);
                }
                BlockReason::Circle => prop_assert!(!self.scheduler.jobs()[job].after.is_empty()),
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_nothing_is_given_twice_and_everything_ends(jobs in jobs(), machine in machines(), acts in acts()) {
        Follower::new(jobs, machine).follow(&acts)?;
    }

    #[test]
    fn no_job_starves_while_others_are_tried_again_for_ever(
        bytes in 1..5_u64, small in 2..5_usize, acts in vec(any::<prop::sample::Index>(), 200)
    ) {
        // The large job becomes ready when others run already, and these are tried again whenever they end.
        let mut jobs: Vec<Job> = (0..small).map(|at| memory(bytes, job(&format!("small {at}")))).collect();
        let (first, large) = (JobIndex::from(small), JobIndex::from(small + 1));
        jobs.push(Job { priority: 1, ..job("first") });
        jobs.push(after(&[small], takes(9, memory(10, job("large")))));
        let mut scheduler = scheduler(machine(10, 9, &[]), jobs);
        let mut running = Vec::new();
        let mut overtaking = None;
        for act in acts {
            while let Some(start) = scheduler.start_next() {
                if start.job == large {
                    return Ok(());
                }
                overtaking = overtaking.map(|count| count + 1);
                running.push(start.job);
            }
            prop_assert!(overtaking.is_none_or(|count| count <= MOST_OVERTAKING), "it starves");
            let ended = running.swap_remove(act.index(running.len()));
            if ended == first {
                scheduler.finished(ended, End::Passed);
                overtaking = Some(0);
            } else {
                scheduler.requeue(ended);
            }
        }
        prop_assert!(overtaking.is_none(), "it never started");
    }

    #[test]
    fn a_forecast_has_every_job_that_is_not_blocked_once_and_keeps_its_order(jobs in jobs(), machine in machines()) {
        let mut scheduler = Scheduler::new(jobs.clone(), machine);
        let blocked = scheduler.blocked().len();
        let schedule = forecast(scheduler);
        prop_assert_eq!(schedule.len() + blocked, jobs.len());
        let times: HashMap<_, _> = schedule.iter().map(|entry| (entry.job, (entry.start, entry.end))).collect();
        for (job, (start, end)) in &times {
            prop_assert_eq!(*end, *start + jobs[*job].expected.value);
            prop_assert!(jobs[*job].after.iter().all(|on| times[on].1 <= *start));
        }
    }

    #[test]
    fn shards_have_every_job_once_together_with_what_it_depends_on(jobs in jobs(), of in 1..6_usize) {
        let parts: Vec<Vec<JobIndex>> =
            (1..=of).map(|index| shard(&jobs, format!("{index}/{of}").parse().unwrap())).collect();
        let mut all: Vec<JobIndex> = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(all, jobs.keys().collect::<Vec<_>>());
        for part in &parts {
            prop_assert!(part.is_sorted());
            for job in part {
                prop_assert!(jobs[*job].after.iter().all(|on| part.contains(on)));
            }
        }
    }

    #[test]
    fn shards_of_independent_jobs_differ_by_one_job_at_most(seconds in vec(0..100_u64, 1..60), of in 1..6_usize) {
        let jobs: TiVec<JobIndex, Job> = seconds.iter().enumerate().map(|(at, seconds)| takes(*seconds, job(&format!("{at:02}")))).collect();
        let load = |index: usize| {
            let part = shard(&jobs, format!("{index}/{of}").parse().unwrap());
            part.iter().map(|job| jobs[*job].expected.value).sum::<Duration>()
        };
        let loads: Vec<Duration> = (1..=of).map(load).collect();
        let longest = jobs.iter().map(|job| job.expected.value).max().unwrap();
        prop_assert!(*loads.iter().max().unwrap() <= *loads.iter().min().unwrap() + longest);
    }
}
