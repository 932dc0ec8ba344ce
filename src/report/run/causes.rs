//! The tests that did not pass, those that failed alike as one. This module must not know how they are shown.

use std::collections::HashMap;

use tgen_core::results::verdict::{Test, Verdict};

use super::{RunReport, message};

/// Tests that did not pass for the same reason.
pub(super) struct Cause<'r> {
    /// The tests, the first as the example.
    pub(super) tests: Vec<&'r Test<'r>>,
    /// Their verdict.
    pub(super) verdict: Verdict,
    /// Why, in one line.
    pub(super) message: &'r str,
}

impl<'r> Cause<'r> {
    /// The test that stands for the others.
    pub(super) fn example(&self) -> &'r Test<'r> {
        self.tests[0]
    }
}

/// The causes: failures before what is not known, and of those the ones that concern most tests first.
pub(super) fn causes<'r>(report: &'r RunReport<'_>) -> Vec<Cause<'r>> {
    let mut causes: Vec<Cause<'r>> = Vec::new();
    let mut places: HashMap<(Verdict, &str), usize> = HashMap::new();
    for test in report.bad_tests() {
        let message = message(test.last());
        let place = *places.entry((test.verdict, message)).or_insert(causes.len());
        match causes.get_mut(place) {
            Some(cause) => cause.tests.push(test),
            None => causes.push(Cause { tests: vec![test], verdict: test.verdict, message }),
        }
    }
    causes.sort_by_key(|cause| (cause.verdict.meaning(), std::cmp::Reverse(cause.tests.len())));
    causes
}
