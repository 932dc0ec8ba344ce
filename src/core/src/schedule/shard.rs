//! Jobs divided between machines that do not talk to each other.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use typed_index_collections::TiSlice;

use super::cluster::clusters;
use super::job::{Job, JobIndex, expected_time};

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

    /// Whether the part has this place, when places are given to the parts in turn.
    #[must_use]
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.index
    }
}

/// The jobs of one part, in their order. The parts take about equally long, each job is in one of them, and jobs that depend
/// on each other are in the same. All machines must expect the same durations, or their parts do not fit together.
#[must_use]
pub fn shard(jobs: &TiSlice<JobIndex, Job>, shard: Shard) -> Vec<JobIndex> {
    let mut clusters = clusters_of(jobs);
    // The longest first, each to the part that has least to do: at most a third longer than the best division.
    clusters.sort_by(|left, right| {
        right.expected.cmp(&left.expected).then_with(|| first_unit(jobs, left).cmp(first_unit(jobs, right)))
    });
    // The parts beyond the number of clusters are empty, and need no memory.
    let mut loads = vec![(Duration::ZERO, 0_usize); shard.of.get().min(clusters.len())];
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
struct Cluster {
    jobs: Vec<JobIndex>,
    expected: Duration,
}

fn first_unit<'j>(jobs: &'j TiSlice<JobIndex, Job>, cluster: &Cluster) -> &'j str {
    cluster.jobs.first().map_or("", |job| &jobs[*job].unit)
}

fn clusters_of(jobs: &TiSlice<JobIndex, Job>) -> Vec<Cluster> {
    let dependencies = jobs.iter_enumerated().flat_map(|(job, of)| of.after.iter().map(move |earlier| (job, *earlier)));
    let cluster = |members: Vec<JobIndex>| Cluster {
        expected: expected_time(members.iter().map(|job| &jobs[*job])),
        jobs: members,
    };
    clusters(jobs.len(), dependencies).into_iter().map(cluster).collect()
}
