//! What earlier runs tell of how long units take and what memory they need.
//!
//! A timeout is a lower bound, never a sample. An out-of-memory doubles what was tried, until the unit passes again. What
//! the configuration states is not asked here: it wins.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::estimate::{Estimate, Origin};
use crate::base::bytes::Bytes;
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::results::attempt::UnitEnd;
use crate::results::merging::runs;
use crate::results::outcome::Outcome;
use crate::results::reading::Recorded;

/// How many of the last passes tell the duration, and from how many on the memory is a percentile.
const MOST_SAMPLES: usize = 10;
/// What is put on top of the percentile.
const MARGIN: f64 = 1.2;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The output's path, or the planned test's id.
    pub unit: &'a str,
    /// The model.
    pub model: Option<&'a str>,
    /// The model's family.
    pub family: Option<&'a Family>,
    /// The hardware type.
    pub hardware: HardwareType,
    /// The name of the device's kind, where it is known: samples from others count only if there are none from it.
    pub device_name: Option<&'a str>,
    /// The batch size, where the unit has one.
    pub batch: Option<u32>,
}

/// The ended units of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct History {
    units: HashMap<(String, HardwareType), Vec<Sample>>,
    models: HashMap<(String, HardwareType), Vec<Sample>>,
    families: HashMap<(Family, HardwareType), Vec<Sample>>,
}

/// One end of a unit; in a list, the newest comes last.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    outcome: Outcome,
    batch: Option<u32>,
    implementation: Option<String>,
    device_name: Option<String>,
    duration: Duration,
    memory: Option<Bytes>,
}

impl History {
    /// What files tell, whatever their order; units of which only a part ran tell nothing. `family_of` gives a model's
    /// family.
    #[must_use]
    pub fn new(recorded: &Recorded, family_of: &dyn Fn(&str) -> Option<Family>) -> Self {
        let ranks: BTreeMap<String, usize> = runs(recorded).into_iter().zip(0..).collect();
        let mut ends: Vec<&UnitEnd> = recorded.ends.iter().filter(|end| !end.partial).collect();
        ends.sort_by_key(|end| (ranks.get(&end.run), &end.started, end.attempt));
        let mut history = Self::default();
        for end in ends {
            history.add(end, family_of);
        }
        history
    }

    fn add(&mut self, end: &UnitEnd, family_of: &dyn Fn(&str) -> Option<Family>) {
        let sample = Sample::of(end);
        if let Some(model) = &end.model {
            if let Some(family) = family_of(model) {
                self.families.entry((family, end.hardware)).or_default().push(sample.clone());
            }
            self.models.entry((model.clone(), end.hardware)).or_default().push(sample.clone());
        }
        self.units.entry((end.unit.clone(), end.hardware)).or_default().push(sample);
    }

    /// How long a unit takes; `default` if nothing is known of it.
    #[must_use]
    pub fn duration(&self, subject: &Subject<'_>, default: Duration) -> Estimate<Duration> {
        let pools = self.pools(subject);
        let known = pools.iter().find_map(|pool| Some((pool, median(&pool.last_passes(MOST_SAMPLES))?)));
        let estimate =
            known.map_or(Estimate::default(default), |(pool, (value, samples))| pool.estimate(value, samples));
        let bound = pools.iter().filter(|pool| pool.is_of_subject).filter_map(Pool::longest_timeout).max();
        estimate.map(|value| value.max(bound.unwrap_or_default()))
    }

    /// The memory that a unit needs; `default` if nothing is known of it.
    #[must_use]
    pub fn memory(&self, subject: &Subject<'_>, default: Bytes) -> Estimate<Bytes> {
        let pools = self.pools(subject);
        let known = pools.iter().find_map(|pool| Some((pool, peak(&pool.passes())?)));
        let estimate =
            known.map_or(Estimate::default(default), |(pool, (value, samples))| pool.estimate(value, samples));
        let ran_out = pools.iter().filter(|pool| pool.is_of_subject).find_map(Pool::ran_out_of_memory);
        match ran_out {
            Some(had) => Estimate { value: had.max(estimate.value).scaled(2.0), origin: Origin::OutOfMemory },
            None => estimate,
        }
    }

    /// The samples that tell of a subject, the nearest first.
    fn pools(&self, subject: &Subject<'_>) -> Vec<Pool> {
        let hardware = subject.hardware;
        let of_unit = self.units.get(&(subject.unit.to_owned(), hardware));
        let of_model = subject.model.and_then(|model| self.models.get(&(model.to_owned(), hardware)));
        let of_family = subject.family.and_then(|family| self.families.get(&(family.clone(), hardware)));
        let same_batch = of_model.into_iter().flatten().filter(|sample| sample.batch == subject.batch);
        let other_batch = of_model.into_iter().flatten().filter(|sample| sample.batch != subject.batch);
        vec![
            Pool::of_subject(of_unit.into_iter().flatten(), subject),
            Pool::of_subject(same_batch, subject),
            Pool::of_relatives(other_batch, subject),
            Pool::of_relatives(of_family.into_iter().flatten(), subject),
        ]
    }
}

impl Sample {
    fn of(end: &UnitEnd) -> Self {
        Self {
            outcome: end.outcome,
            batch: end.batch,
            implementation: end.implementation.clone(),
            device_name: end.device_name.clone(),
            duration: end.elapsed(),
            memory: end.memory_peak.filter(|peak| *peak > 0).map(Bytes),
        }
    }

    /// What it would have been at another batch size: the time follows the batch, and so does the memory where the batch
    /// is larger. A smaller batch still has all of the model's weights.
    fn at_batch(mut self, batch: Option<u32>) -> Self {
        if let (Some(own), Some(wanted)) = (self.batch, batch)
            && own != wanted
        {
            let factor = f64::from(wanted) / f64::from(own.max(1));
            self.duration = Duration::try_from_secs_f64(self.duration.as_secs_f64() * factor).unwrap_or(Duration::MAX);
            self.memory = self.memory.map(|memory| memory.scaled(factor.max(1.0)));
        }
        self
    }
}

/// Samples that tell of a subject, the newest last.
struct Pool {
    samples: Vec<Sample>,
    /// Whether they are of the subject itself, not of something like it.
    is_of_subject: bool,
}

impl Pool {
    fn of_subject<'s>(samples: impl Iterator<Item = &'s Sample>, subject: &Subject<'_>) -> Self {
        Self { samples: comparable(samples.cloned().collect(), subject), is_of_subject: true }
    }

    fn of_relatives<'s>(samples: impl Iterator<Item = &'s Sample>, subject: &Subject<'_>) -> Self {
        let samples = samples.map(|sample| sample.clone().at_batch(subject.batch)).collect();
        Self { samples: comparable(samples, subject), is_of_subject: false }
    }

    fn estimate<T>(&self, value: T, samples: usize) -> Estimate<T> {
        Estimate { value, origin: if self.is_of_subject { Origin::Learnt { samples } } else { Origin::Estimated } }
    }

    fn passes(&self) -> Vec<&Sample> {
        self.samples.iter().filter(|sample| sample.outcome == Outcome::Passed).collect()
    }

    fn last_passes(&self, most: usize) -> Vec<&Sample> {
        let passes = self.passes();
        passes[passes.len().saturating_sub(most)..].to_vec()
    }

    /// The samples after the last pass.
    fn since_last_pass(&self) -> &[Sample] {
        let last = self.samples.iter().rposition(|sample| sample.outcome == Outcome::Passed);
        &self.samples[last.map_or(0, |last| last + 1)..]
    }

    fn longest_timeout(&self) -> Option<Duration> {
        let timed_out = self.since_last_pass().iter().filter(|sample| sample.outcome == Outcome::TimedOut);
        timed_out.map(|sample| sample.duration).max()
    }

    /// The most memory that was not enough, if the subject has run out of memory and not passed since; 0 where no peak was
    /// recorded.
    fn ran_out_of_memory(&self) -> Option<Bytes> {
        let ran_out = self.since_last_pass().iter().filter(|sample| sample.outcome == Outcome::Oom);
        ran_out.map(|sample| sample.memory.unwrap_or_default()).max()
    }
}

/// The samples of the subject's kind of device, if there are any, and of them those that are REAL or MOCK as the newest is:
/// a test that has become REAL takes longer than all of its past.
fn comparable(mut samples: Vec<Sample>, subject: &Subject<'_>) -> Vec<Sample> {
    let is_of_device = |sample: &Sample| sample.device_name.as_deref() == subject.device_name;
    if samples.iter().any(is_of_device) {
        samples.retain(is_of_device);
    }
    let newest = samples.iter().rev().find(|sample| sample.outcome == Outcome::Passed);
    let implementation = newest.and_then(|sample| sample.implementation.clone());
    samples.retain(|sample| sample.outcome != Outcome::Passed || sample.implementation == implementation);
    samples
}

/// The median duration, and of how many samples.
fn median(samples: &[&Sample]) -> Option<(Duration, usize)> {
    let mut durations: Vec<Duration> = samples.iter().map(|sample| sample.duration).collect();
    durations.sort_unstable();
    let (low, high) = (durations.get(durations.len().checked_sub(1)? / 2)?, durations.get(durations.len() / 2)?);
    Some((*low + high.saturating_sub(*low) / 2, durations.len()))
}

/// The highest peak; of many samples, the 95th percentile with a margin. And of how many samples.
fn peak(samples: &[&Sample]) -> Option<(Bytes, usize)> {
    let mut peaks: Vec<Bytes> = samples.iter().filter_map(|sample| sample.memory).collect();
    peaks.sort_unstable();
    let highest = *peaks.last()?;
    if peaks.len() < MOST_SAMPLES {
        return Some((highest, peaks.len()));
    }
    let rank = (peaks.len() * 95).div_ceil(100);
    Some((peaks.get(rank - 1)?.scaled(MARGIN), peaks.len()))
}
