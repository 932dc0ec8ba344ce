//! Finds the outputs that a change affects, by comparing fingerprints with those of the last update.
//!
//! The ledger must not know files, or what its caller does with an affected output.

use std::collections::{HashMap, HashSet};

use camino::Utf8PathBuf;
use rayon::prelude::*;

use super::fingerprint::{Fingerprint, fingerprint};
use crate::base::problem::Problem;
use crate::plan::Plan;

/// The fingerprint of each output by its path as a string: hashing a path goes component by component, which is slow
/// for thousands.
#[derive(Debug, Default)]
pub struct Ledger(HashMap<String, Fingerprint>);

/// The outputs that a change affects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The outputs that are new or whose fingerprint changed, as indices into the plan, in its order.
    pub outputs: Vec<usize>,
    /// The paths of outputs that are no longer planned, sorted.
    pub gone: Vec<Utf8PathBuf>,
}

impl Affected {
    /// Whether no output is affected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.gone.is_empty()
    }
}

impl Ledger {
    /// Returns the outputs of a plan that changed since the last call, and records their fingerprints.
    ///
    /// A plan with errors lacks outputs that are still wanted. Their fingerprints are kept, so that nothing is rendered
    /// again once the error is fixed.
    pub fn update(&mut self, plan: &Plan<'_>) -> Affected {
        let made: Vec<_> = plan
            .outputs
            .par_iter()
            .map(|output| (plan.location(output).into_string(), fingerprint(plan, output)))
            .collect();
        let gone = if plan.problems.iter().any(Problem::is_error) { Vec::new() } else { self.forget_all_but(&made) };
        let outputs = made
            .into_iter()
            .enumerate()
            .filter_map(|(number, (path, now))| (self.0.insert(path, now) != Some(now)).then_some(number))
            .collect();
        Affected { outputs, gone }
    }

    /// Forgets all fingerprints, so that every output is affected.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn forget_all_but(&mut self, made: &[(String, Fingerprint)]) -> Vec<Utf8PathBuf> {
        let kept: HashSet<&str> = made.iter().map(|(path, _)| path.as_str()).collect();
        let is_gone = |path: &&String| !kept.contains(path.as_str());
        let mut gone: Vec<_> = self.0.keys().filter(is_gone).map(Utf8PathBuf::from).collect();
        self.0.retain(|path, _| kept.contains(path.as_str()));
        gone.sort_unstable();
        gone
    }
}
