//! Identifies a test across runs.

use super::attempt::Attempt;
use crate::model::hardware::HardwareType;

/// What identifies a test in every run. The file name of a planned test has an id that changes with the template, so such a
/// test is identified by its model and batch size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TestKey<'r> {
    subject: TestSubject<'r>,
    test: &'r str,
    hardware: HardwareType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum TestSubject<'r> {
    File(&'r str),
    Planned { model: &'r str, batch: Option<u32> },
}

impl<'r> TestKey<'r> {
    /// The key of the test that an attempt is one of.
    pub(super) fn of(attempt: &'r Attempt) -> Self {
        let subject = match (&attempt.test_id, &attempt.model) {
            (Some(_), Some(model)) => TestSubject::Planned { model, batch: attempt.batch },
            _ => TestSubject::File(&attempt.file),
        };
        let test = attempt.nodeid.strip_prefix(attempt.file.as_str()).unwrap_or(&attempt.nodeid);
        Self { subject, test, hardware: attempt.hardware }
    }
}
