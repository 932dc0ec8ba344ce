//! Connected components: which of many things depend on each other, directly or through others. This module knows their
//! indices only.

use std::collections::BTreeMap;

/// The indices below `count` in clusters, each in ascending order and ordered by their first. The two indices of a
/// dependency are in one cluster; one that is not below `count` joins nothing.
#[must_use]
pub fn clusters<I>(count: usize, dependencies: impl IntoIterator<Item = (I, I)>) -> Vec<Vec<I>>
where
    I: Copy + From<usize> + Into<usize>,
{
    let mut parents: Vec<usize> = (0..count).collect();
    for (left, right) in dependencies {
        let (left, right) = (left.into(), right.into());
        if left < count && right < count {
            let (left, right) = (root(&mut parents, left), root(&mut parents, right));
            parents[left.max(right)] = left.min(right);
        }
    }
    let mut clusters: BTreeMap<usize, Vec<I>> = BTreeMap::new();
    for index in 0..count {
        clusters.entry(root(&mut parents, index)).or_default().push(index.into());
    }
    clusters.into_values().collect()
}

/// The first index of the cluster that an index is in; shortens the path for the next call.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}
