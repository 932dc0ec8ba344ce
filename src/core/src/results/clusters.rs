//! Groups the tests that did not pass by what seems to be the same reason. This module must not know what is masked in a
//! message.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::message::{masked, message};
use super::outcome::Meaning;
use super::verdict::{Test, Verdict};

/// Tests that did not pass for what seems to be the same reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster<'r> {
    /// The tests, in their order; the first is the example.
    pub tests: Vec<&'r Test<'r>>,
    /// Their verdict.
    pub verdict: Verdict,
    /// Their message, masked.
    pub message: String,
}

impl<'r> Cluster<'r> {
    /// The test that stands for the others.
    #[must_use]
    pub fn example(&self) -> &'r Test<'r> {
        self.tests[0]
    }
}

/// Clusters the tests that did not pass: failures before unknown outcomes, then the largest cluster first.
#[must_use]
pub fn clusters<'r>(tests: &'r [Test<'r>]) -> Vec<Cluster<'r>> {
    let mut clusters: Vec<Cluster<'r>> = Vec::new();
    let mut places: HashMap<(Verdict, String), usize> = HashMap::new();
    for test in tests.iter().filter(|test| test.verdict.meaning() != Meaning::Success) {
        let message = masked(message(&test.last().reason));
        let place = *places.entry((test.verdict, message.clone())).or_insert(clusters.len());
        match clusters.get_mut(place) {
            Some(cluster) => cluster.tests.push(test),
            None => clusters.push(Cluster { tests: vec![test], verdict: test.verdict, message }),
        }
    }
    clusters.sort_by_key(|cluster| (cluster.verdict.meaning(), Reverse(cluster.tests.len())));
    clusters
}
