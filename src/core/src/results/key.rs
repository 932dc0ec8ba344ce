//! Identifies a test across runs.

use super::attempt::Attempt;
use crate::model::hardware::HardwareType;

/// What identifies a test in every run. The file name of a planned test has an id that changes with the template, so such a
/// test is identified by its model and batch size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TestKey<'r> {
    subject: Subject<'r>,
    test: &'r str,
    hardware: HardwareType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Subject<'r> {
    File(&'r str),
    Planned { model: &'r str, batch: Option<u32> },
}

impl<'r> TestKey<'r> {
    /// The key of the test that an attempt is one of.
    pub(super) fn of(attempt: &'r Attempt) -> Self {
        let subject = match (&attempt.test_id, &attempt.model) {
            (Some(_), Some(model)) => Subject::Planned { model, batch: attempt.batch },
            _ => Subject::File(&attempt.file),
        };
        let test = attempt.nodeid.strip_prefix(attempt.file.as_str()).unwrap_or(&attempt.nodeid);
        Self { subject, test, hardware: attempt.hardware }
    }
}
