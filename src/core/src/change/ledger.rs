//! Remembers what each output was made from at the last update, and so finds the outputs that are affected now.
//!
//! The ledger compares fingerprints; it knows nothing of files, and does not ask what becomes of an affected output.

use std::collections::{HashMap, HashSet};

use camino::Utf8PathBuf;
use rayon::prelude::*;

use super::fingerprint::{Fingerprint, fingerprint};
use crate::base::problem::Problem;
use crate::plan::Plan;

/// Remembers what each output was made from, by where it stands. (A path hashes part by part, which is slow for thousands.)
#[derive(Debug, Default)]
pub struct Ledger(HashMap<String, Fingerprint>);

/// What a change affects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The outputs that are new or made from something else than before, as numbers in the plan, in its order.
    pub outputs: Vec<usize>,
    /// Where outputs stand that no case renders any more, sorted.
    pub gone: Vec<Utf8PathBuf>,
}

impl Affected {
    /// Whether every output stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.gone.is_empty()
    }
}

impl Ledger {
    /// Says which outputs of a plan are affected by what has changed since the last call, and remembers them as up to date.
    ///
    /// A plan with errors leaves outputs out that are wanted. They stay remembered, so that nothing is rendered again when
    /// a slip of the pen is taken back.
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

    /// Forgets everything, so that every output is affected.
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
