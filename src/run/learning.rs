//! Which modules the launcher imports before it forks: those that the first file imports, and those that several later files import.
//!
//! This module must not know how anything is imported.

use std::collections::HashSet;

/// How many new modules justify that the launcher imports them in the middle of a run, after which its processes are forked anew.
const WORTH_A_STOP: usize = 25;

/// The modules of a run so far.
#[derive(Debug, Default)]
pub(super) struct Learning {
    /// The modules to import, in the order in which files have imported them.
    modules: Vec<String>,
    known: HashSet<String>,
    /// Modules that only one file has imported.
    once: HashSet<String>,
    /// How many modules the launcher was told to import.
    told: usize,
}

impl Learning {
    /// Starts with the modules of an earlier run.
    pub(super) fn new(modules: Vec<String>) -> Self {
        Self { known: modules.iter().cloned().collect(), told: modules.len(), modules, once: HashSet::new() }
    }

    /// Takes note of the modules that a file has imported.
    pub(super) fn add(&mut self, imported: Vec<String>) {
        let is_first = self.modules.is_empty();
        for module in imported {
            if self.known.contains(&module) {
                continue;
            }
            if is_first || self.once.remove(&module) {
                self.known.insert(module.clone());
                self.modules.push(module);
            } else {
                self.once.insert(module);
            }
        }
    }

    /// The modules that the launcher should import now.
    pub(super) fn take_due(&mut self) -> Option<&[String]> {
        let told = self.told;
        let is_due = if told == 0 { !self.modules.is_empty() } else { self.modules.len() - told >= WORTH_A_STOP };
        is_due.then(|| {
            self.told = self.modules.len();
            &self.modules[told..]
        })
    }

    /// All modules to import.
    pub(super) fn modules(&self) -> &[String] {
        &self.modules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{prefix}{number}")).collect()
    }

    #[test]
    fn what_a_first_file_has_imported_is_imported_at_once() {
        let mut learning = Learning::default();
        assert_eq!(learning.take_due(), None);
        learning.add(modules("a", 2));
        assert_eq!(learning.take_due(), Some(&modules("a", 2)[..]));
        assert_eq!(learning.take_due(), None);
    }

    #[test]
    fn after_that_only_what_two_files_have_imported_and_only_if_it_is_much() {
        let mut learning = Learning::new(modules("a", 1));
        learning.add(modules("b", WORTH_A_STOP + 1));
        assert_eq!(learning.take_due(), None, "one file alone had to import these");
        learning.add(modules("b", WORTH_A_STOP - 1));
        assert_eq!(learning.take_due(), None, "these are few");
        learning.add(modules("b", WORTH_A_STOP));
        assert_eq!(learning.take_due(), Some(&modules("b", WORTH_A_STOP)[..]));
        assert_eq!(learning.modules().len(), 1 + WORTH_A_STOP);
    }
}
