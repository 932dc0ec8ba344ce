//! Jobs divided between machines that do not talk to each other.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use typed_index_collections::{TiSlice, TiVec};

use super::job::{Job, JobIndex};

/// One of several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: usize,
    of: NonZeroUsize,
}

impl FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse::<usize>().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if (1..=NonZeroUsize::get(of)).contains(&index) => Ok(Self { index: index - 1, of }),
            _ => Err("write it as `2/4`: the second of four parts"),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index + 1, self.of)
    }
}

impl Shard {
    /// Whether it is the first part, which does what is to be done once.
    #[must_use]
    pub const fn is_first(self) -> bool {
        self.index == 0
    }

    /// Whether the part has this place, when the places are dealt out in turn.
    #[must_use]
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.index
    }
}

/// The jobs of one part, in their order. The parts take about equally long, each job is in one of them, and jobs that depend
/// on each other are in the same. All machines must expect the same durations, or their parts do not fit together.
#[must_use]
pub fn shard(jobs: &TiSlice<JobIndex, Job>, shard: Shard) -> Vec<JobIndex> {
    let mut clusters = clusters(jobs);
    // The longest first, each to the part that has least to do: at most a third longer than the best division.
    clusters.sort_by(|left, right| {
        right.expected.cmp(&left.expected).then_with(|| first_unit(jobs, left).cmp(first_unit(jobs, right)))
    });
    let mut loads = vec![(Duration::ZERO, 0_usize); shard.of.get()];
    let mut own = Vec::new();
    for cluster in clusters {
        let least = (0..loads.len()).min_by_key(|part| loads[*part]).unwrap_or(0);
        let (time, count) = loads[least];
        loads[least] = (time.saturating_add(cluster.expected), count + cluster.jobs.len());
        if least == shard.index {
            own.extend(cluster.jobs);
        }
    }
    own.sort_unstable();
    own
}

/// Jobs that depend on each other.
#[derive(Default)]
struct Cluster {
    jobs: Vec<JobIndex>,
    expected: Duration,
}

fn first_unit<'j>(jobs: &'j TiSlice<JobIndex, Job>, cluster: &Cluster) -> &'j str {
    cluster.jobs.first().map_or("", |job| &jobs[*job].unit)
}

fn clusters(jobs: &TiSlice<JobIndex, Job>) -> Vec<Cluster> {
    let mut parents: TiVec<JobIndex, JobIndex> = jobs.keys().collect();
    for (job, on) in jobs.iter_enumerated() {
        for earlier in on.after.iter().filter(|earlier| jobs.get(**earlier).is_some()) {
            let (left, right) = (root(&mut parents, job), root(&mut parents, *earlier));
            parents[left.max(right)] = left.min(right);
        }
    }
    let mut clusters: BTreeMap<JobIndex, Cluster> = BTreeMap::new();
    for (job, of) in jobs.iter_enumerated() {
        let cluster = clusters.entry(root(&mut parents, job)).or_default();
        cluster.jobs.push(job);
        cluster.expected = cluster.expected.saturating_add(of.expected.value);
    }
    clusters.into_values().collect()
}

/// The first job of the cluster that a job is in; the way there is cut short for the next question.
fn root(parents: &mut TiVec<JobIndex, JobIndex>, mut job: JobIndex) -> JobIndex {
    while parents[job] != job {
        parents[job] = parents[parents[job]];
        job = parents[job];
    }
    job
}
