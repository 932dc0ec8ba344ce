//! What earlier runs tell of how long units take and what memory they need.
//!
//! A timeout is a lower bound, never a sample. An out-of-memory doubles what was tried, until the unit passes again. What
//! the configuration states takes precedence, and this module must not know it.

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

/// How many of the last passes give the duration, and from how many passes on the memory is a percentile.
const MOST_SAMPLES: usize = 10;
/// The factor on the percentile.
const MARGIN: f64 = 1.2;

/// The unit that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstimateSubject<'a> {
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
    /// The history in results files of any order, without the units of which only a part ran. `family_of` gives a model's
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
    pub fn duration(&self, subject: &EstimateSubject<'_>, default: Duration) -> Estimate<Duration> {
        let pools = self.pools(subject);
        let known = pools.iter().find_map(|pool| Some((pool, median(&pool.last_passes(MOST_SAMPLES))?)));
        let estimate =
            known.map_or(Estimate::default(default), |(pool, (value, samples))| pool.estimate(value, samples));
        let bound = pools.iter().filter(|pool| pool.is_of_subject).filter_map(Pool::longest_timeout).max();
        estimate.map(|value| value.max(bound.unwrap_or_default()))
    }

    /// The memory that a unit needs; `default` if nothing is known of it.
    #[must_use]
    pub fn memory(&self, subject: &EstimateSubject<'_>, default: Bytes) -> Estimate<Bytes> {
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
    fn pools(&self, subject: &EstimateSubject<'_>) -> Vec<Pool> {
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
    fn of_subject<'s>(samples: impl Iterator<Item = &'s Sample>, subject: &EstimateSubject<'_>) -> Self {
        Self { samples: comparable(samples.cloned().collect(), subject), is_of_subject: true }
    }

    fn of_relatives<'s>(samples: impl Iterator<Item = &'s Sample>, subject: &EstimateSubject<'_>) -> Self {
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

/// The samples that compare with the subject: those of its kind of device, if that is known and there are any; and of the
/// passes those that are REAL or MOCK as the newest is, since a test that has become REAL takes longer than before.
fn comparable(mut samples: Vec<Sample>, subject: &EstimateSubject<'_>) -> Vec<Sample> {
    let is_of_device = |sample: &Sample| sample.device_name.as_deref() == subject.device_name;
    if subject.device_name.is_some() && samples.iter().any(is_of_device) {
        samples.retain(is_of_device);
    }
    let newest = samples.iter().rev().find(|sample| sample.outcome == Outcome::Passed);
    let implementation = newest.and_then(|sample| sample.implementation.clone());
    samples.retain(|sample| sample.outcome != Outcome::Passed || sample.implementation == implementation);
    samples
}

/// The median duration, and the number of samples.
fn median(samples: &[&Sample]) -> Option<(Duration, usize)> {
    let mut durations: Vec<Duration> = samples.iter().map(|sample| sample.duration).collect();
    durations.sort_unstable();
    let (low, high) = (durations.get(durations.len().checked_sub(1)? / 2)?, durations.get(durations.len() / 2)?);
    Some((*low + high.saturating_sub(*low) / 2, durations.len()))
}

/// The highest peak, or of many samples the 95th percentile with a margin; and the number of samples.
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::results::attempt::Header;
    use crate::results::reading::line;

    /// A history from a line for each end, in one run each: `MODEL BATCH OUTCOME SECONDS MEGABYTES [MOCK] [partial]
    /// [on DEVICE]`; each model and batch has a unit of its own.
    fn history(ends: &str) -> History {
        let mut text = String::new();
        for (run, end) in ends.lines().enumerate() {
            let words: Vec<&str> = end.split_whitespace().collect();
            let [model, batch, outcome, seconds, megabytes, ref more @ ..] = words[..] else { panic!("{end}") };
            let (has_mock, is_partial) = (more.contains(&"MOCK"), more.contains(&"partial"));
            let device = more.iter().skip_while(|word| **word != "on").nth(1);
            let run = format!("{run:03}");
            let header = json!({"tgen-results": 1, "run": run, "started": run});
            let header: Header = serde_json::from_value(header).unwrap();
            let end = json!({
                "tgen-unit": format!("{model} {batch}"), "run": run, "hardware": "cuda", "model": model,
                "batch": batch.parse::<u32>().unwrap(), "outcome": outcome, "duration": seconds.parse::<f64>().unwrap(),
                "memory_peak": megabytes.parse::<u64>().unwrap() * 1_000_000, "partial": is_partial,
                "implementation": if has_mock { "MOCK" } else { "REAL" }, "device_name": device,
            });
            let end: UnitEnd = serde_json::from_value(end).unwrap();
            text.push_str(&(line(&header) + &line(&end)));
        }
        let recorded = crate::results::reading::read(text.as_bytes()).unwrap();
        History::new(&recorded, &|model| Some(if model.starts_with("vi") { Family::VISION } else { Family::AUDIO }))
    }

    /// What is expected of a model at a batch size.
    fn expected(ends: &str, model: &str, batch: u32, device_name: Option<&str>) -> String {
        let history = history(ends);
        let unit = format!("{model} {batch}");
        let family = Family::VISION;
        let (model, family, batch) = (Some(model), Some(&family), Some(batch));
        let subject = EstimateSubject { unit: &unit, model, family, hardware: HardwareType::Cuda, device_name, batch };
        let duration = history.duration(&subject, Duration::from_mins(1));
        let memory = history.memory(&subject, Bytes(500_000_000));
        format!("{:?} ({}), {} ({})", duration.value, duration.origin, memory.value, memory.origin)
    }

    #[track_caller]
    fn check(ends: &str, expected_words: &str) {
        assert_eq!(expected(ends, "vit", 4, None), expected_words);
    }

    #[test]
    fn a_duration_is_the_median_of_the_last_ten_passes_and_memory_the_highest_peak() {
        check("", "60s (default), 500 MB (default)");
        check("vit 4 passed 3 100", "3s (learnt n=1), 100 MB (learnt n=1)");
        check("vit 4 passed 1 300\nvit 4 passed 9 100\nvit 4 passed 2 200", "2s (learnt n=3), 300 MB (learnt n=3)");
        check("vit 4 passed 1 300\nvit 4 passed 2 100", "1.5s (learnt n=2), 300 MB (learnt n=2)");
        let many: Vec<_> = (1..=12).map(|number| format!("vit 4 passed {number} {}", 100 + number)).collect();
        // Of the last ten, 3 to 12 s; of all, the 95th percentile and a fifth more.
        check(&many.join("\n"), "7.5s (learnt n=10), 134 MB (learnt n=12)");
    }

    #[test]
    fn only_whole_passes_are_samples() {
        check("vit 4 failed 900 900\nvit 4 crashed 900 900\nvit 4 skipped 900 900", "60s (default), 500 MB (default)");
        check("vit 4 passed 3 100\nvit 4 passed 1 900 partial", "3s (learnt n=1), 100 MB (learnt n=1)");
    }

    #[test]
    fn a_timeout_is_a_lower_bound_until_the_unit_passes() {
        check("vit 4 timed_out 600 100", "600s (default), 500 MB (default)");
        check("vit 4 passed 3 100\nvit 4 timed_out 600 100", "600s (learnt n=1), 100 MB (learnt n=1)");
        check("vit 4 timed_out 600 100\nvit 4 passed 3 100", "3s (learnt n=1), 100 MB (learnt n=1)");
    }

    #[test]
    fn running_out_of_memory_doubles_until_the_unit_passes() {
        let doubled = "60s (default), 2.4 GB (doubled after out of memory)";
        check("vit 4 oom 3 1200", doubled);
        // No peak was recorded: what was expected is doubled.
        check("vit 4 oom 3 0", "60s (default), 1 GB (doubled after out of memory)");
        check("vit 4 passed 3 900\nvit 4 oom 3 0", "3s (learnt n=1), 1.8 GB (doubled after out of memory)");
        check("vit 4 oom 3 1200\nvit 4 passed 3 900", "3s (learnt n=1), 900 MB (learnt n=1)");
    }

    #[test]
    fn what_is_not_known_is_estimated_from_another_batch_or_from_the_family() {
        check("vit 1 passed 3 100", "12s (estimated), 400 MB (estimated)");
        // A smaller batch still has all the weights.
        check("vit 16 passed 8 1600", "2s (estimated), 1.6 GB (estimated)");
        check("videomae 4 passed 5 700\nwhisper 4 passed 50 7000", "5s (estimated), 700 MB (estimated)");
        check("whisper 4 passed 50 7000", "60s (default), 500 MB (default)");
    }

    #[test]
    fn samples_of_the_same_device_and_kind_count_before_others() {
        let ends = "vit 4 passed 9 900 on H100\nvit 4 passed 1 100 on T4\nvit 4 passed 1 100 on T4";
        assert_snapshot!(expected(ends, "vit", 4, Some("H100")), @"9s (learnt n=1), 900 MB (learnt n=1)");
        assert_snapshot!(expected(ends, "vit", 4, Some("A100")), @"1s (learnt n=3), 900 MB (learnt n=3)");
        assert_snapshot!(expected(ends, "vit", 4, None), @"1s (learnt n=3), 900 MB (learnt n=3)");
        // It was MOCK, and is REAL now.
        check(
            "vit 4 passed 1 100 MOCK\nvit 4 passed 1 100 MOCK\nvit 4 passed 9 900",
            "9s (learnt n=1), 900 MB (learnt n=1)",
        );
    }
}
