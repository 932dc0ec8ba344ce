//! The shards of a run in parts that need the same kind of machine.

use std::collections::BTreeMap;
use std::time::Duration;

use tgen_core::base::bytes::Bytes;
use tgen_core::model::hardware::HardwareType;
use tgen_core::schedule::cluster::clusters;
use tgen_core::schedule::job::{Job, JobIndex, expected_time};
use typed_index_collections::TiSlice;

use crate::run::Selection;

/// What makes the machines of two parts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grouping {
    Hardware,
    HardwareAndMemory,
}

/// Tests that need the same kind of machine, divided into shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) hardware: HardwareType,
    /// The memory that the most demanding of them may need, if that tells the parts apart.
    pub(crate) memory: Option<MemoryBin>,
    pub(crate) shards: usize,
    /// How many shards the parts before it have.
    pub(crate) before: usize,
    /// How long a shard may take.
    pub(crate) limit: Duration,
}

/// More memory than the one amount, and at most the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemoryBin {
    /// In gigabytes; 0 where it is the smallest.
    above: u64,
    /// In gigabytes.
    pub(crate) up_to: u64,
}

impl MemoryBin {
    const SMALLEST: u64 = 4;

    /// The bin of an amount: its upper end is a power of two.
    fn of(memory: Bytes) -> Self {
        const GIGABYTE: u64 = 1_000_000_000;
        let up_to = memory.0.div_ceil(GIGABYTE).max(1).checked_next_power_of_two().unwrap_or(1 << 63);
        let up_to = up_to.max(Self::SMALLEST);
        Self { above: if up_to > Self::SMALLEST { up_to / 2 } else { 0 }, up_to }
    }

    /// As the driver's `--needs` takes it.
    pub(crate) fn needs(self) -> String {
        let above = if self.above > 0 { format!("{}GB", self.above) } else { String::new() };
        format!("{above}..{}GB", self.up_to)
    }
}

/// There are more kinds of machines than shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tests need {kinds} kinds of machines, and each needs a shard of its own; give `--shards {kinds}` or more, or select with `--hardware`"
)]
pub(crate) struct TooFewShards {
    kinds: usize,
}

/// Divides tests into parts, and the shards among these by how long they take.
pub(crate) fn parts(selection: &Selection, grouping: Grouping, shards: usize) -> Result<Vec<Part>, TooFewShards> {
    let kinds = kinds(selection, grouping);
    if kinds.len() > shards {
        return Err(TooFewShards { kinds: kinds.len() });
    }
    let mut counts: Vec<usize> = vec![1; kinds.len()];
    let sizes: Vec<&Kind> = kinds.values().collect();
    for _ in kinds.len()..shards {
        // A shard without tests would only start a machine.
        let open = (0..counts.len()).filter(|at| counts[*at] < sizes[*at].clusters);
        let Some(longest) = open.max_by_key(|at| (sizes[*at].expected / share(counts[*at]), std::cmp::Reverse(*at)))
        else {
            break;
        };
        counts[longest] += 1;
    }
    let mut before = 0;
    let part = |(((hardware, memory), kind), shards): ((&(HardwareType, Option<MemoryBin>), &Kind), usize)| {
        let part = Part { hardware: *hardware, memory: *memory, shards, before, limit: kind.limit(shards) };
        before += shards;
        part
    };
    Ok(kinds.iter().zip(counts).map(part).collect())
}

/// Tests that need the same kind of machine.
#[derive(Debug, Default)]
struct Kind {
    expected: Duration,
    longest_timeout: Duration,
    /// How many groups of tests depend on each other.
    clusters: usize,
}

impl Kind {
    /// Three times what a shard is expected to take, and in any case enough for its longest test.
    fn limit(&self, shards: usize) -> Duration {
        const START: Duration = Duration::from_mins(10);
        (self.expected / share(shards)).saturating_mul(3).max(self.longest_timeout).saturating_add(START)
    }
}

fn share(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn kinds(selection: &Selection, grouping: Grouping) -> BTreeMap<(HardwareType, Option<MemoryBin>), Kind> {
    let mut kinds: BTreeMap<_, Kind> = BTreeMap::new();
    for cluster in clusters_on_one_hardware(selection) {
        let jobs = || cluster.iter().map(|at| &selection.jobs[*at]);
        let memory = jobs().map(|job| job.needs.memory.value).max().unwrap_or_default();
        let bin = (grouping == Grouping::HardwareAndMemory).then(|| MemoryBin::of(memory));
        let kind = kinds.entry((selection.units[cluster[0]].hardware, bin)).or_default();
        kind.clusters += 1;
        kind.expected = kind.expected.saturating_add(expected_time(jobs()));
        kind.longest_timeout = kind.longest_timeout.max(jobs().map(|job| job.timeout).max().unwrap_or_default());
    }
    kinds
}

/// Tests that depend on each other. What is on other hardware counts as passed, as it does for the driver.
fn clusters_on_one_hardware(selection: &Selection) -> Vec<Vec<JobIndex>> {
    let jobs: &TiSlice<JobIndex, Job> = &selection.jobs;
    let hardware = |at: JobIndex| selection.units.get(at).map(|unit| unit.hardware);
    let pairs = jobs.iter_enumerated().flat_map(|(at, job)| job.after.iter().map(move |on| (at, *on)));
    clusters(jobs.len(), pairs.filter(|(at, on)| hardware(*at) == hardware(*on)))
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use tgen_core::schedule::estimate::Estimate;
    use tgen_core::schedule::job::Needs;

    use super::*;
    use crate::run::{PlaceInFile, Unit};

    /// Tests, each with its hardware type, gigabytes, seconds and the tests that it depends on.
    fn selection(tests: &[(HardwareType, f64, u64, &[usize])]) -> Selection {
        let mut selection = Selection::default();
        for (at, (hardware, gigabytes, seconds, after)) in tests.iter().enumerate() {
            let file = Utf8PathBuf::from(format!("test_{at}.py"));
            selection.units.push(Unit {
                name: file.to_string(),
                file,
                test_id: None,
                model: None,
                hardware: *hardware,
                place: PlaceInFile::Only,
                batch: None,
                passed: Vec::new(),
            });
            selection.jobs.push(Job {
                unit: format!("test_{at}.py"),
                needs: Needs { memory: Estimate::stated(Bytes::from_gigabytes(*gigabytes)), device: None },
                priority: 5,
                expected: Estimate::default(Duration::from_secs(*seconds)),
                timeout: Duration::from_mins(10),
                group: None,
                after: after.iter().map(|on| JobIndex::from(*on)).collect(),
            });
        }
        selection
    }

    fn check(tests: &[(HardwareType, f64, u64, &[usize])], grouping: Grouping, shards: usize, expected: &[&str]) {
        let parts = parts(&selection(tests), grouping, shards).unwrap();
        let words = |part: &Part| {
            let needs = part.memory.map(|bin| format!(" {}", bin.needs())).unwrap_or_default();
            format!("{}{needs}: {} after {}", part.hardware, part.shards, part.before)
        };
        assert_eq!(parts.iter().map(words).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_hardware_type_gets_shards_by_how_long_its_tests_take() {
        use HardwareType::{Cpu, Cuda};
        let tests: Vec<_> = (0..8).map(|at| (if at < 2 { Cuda } else { Cpu }, 1.0, 10, &[][..])).collect();
        check(&tests, Grouping::Hardware, 4, &["cpu: 3 after 0", "cuda: 1 after 3"]);
        check(&tests, Grouping::Hardware, 100, &["cpu: 6 after 0", "cuda: 2 after 6"]);
    }

    #[test]
    fn tests_that_depend_on_each_other_are_in_the_bin_of_the_most_demanding() {
        use HardwareType::Cpu;
        let tests: [(_, _, _, &[usize]); 3] = [(Cpu, 3.0, 1, &[]), (Cpu, 12.0, 1, &[0]), (Cpu, 4.0, 1, &[])];
        check(&tests, Grouping::HardwareAndMemory, 2, &["cpu ..4GB: 1 after 0", "cpu 8GB..16GB: 1 after 1"]);
    }

    #[test]
    fn fewer_shards_than_kinds_of_machines_are_refused_with_how_many_it_takes() {
        let tests: [(_, _, _, &[usize]); 2] = [(HardwareType::Cpu, 1.0, 1, &[]), (HardwareType::Cuda, 1.0, 1, &[])];
        let error = parts(&selection(&tests), Grouping::Hardware, 1).unwrap_err();
        assert!(error.to_string().contains("`--shards 2`"));
    }
}
