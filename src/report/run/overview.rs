//! A run with what other runs say of it: what the formats of `report` show. It must not know how.

use tgen_core::results::comparison::{Comparison, ModelChange, TestChange};
use tgen_core::results::completeness::Completeness;
use tgen_core::results::outcome::{Meaning, Outcome};
use tgen_core::results::past::Past;
use tgen_core::results::verdict::{Conclusion, Verdict};

use super::RunReport;
use crate::printer::{counted, listed};

/// A run with what other runs say of it.
pub(crate) struct Overview<'r> {
    /// The run.
    pub(crate) run: &'r RunReport<'r>,
    /// What is missing from it.
    pub(crate) completeness: Completeness,
    /// What changed from another run, where it is compared with one.
    pub(crate) against: Option<Against<'r>>,
    /// What earlier runs tell of its tests.
    pub(crate) past: Past<'r>,
}

/// Another run, and what changed from it.
pub(crate) struct Against<'r> {
    /// The other run.
    pub(crate) run: &'r RunReport<'r>,
    /// What changed.
    pub(crate) comparison: Comparison<'r>,
}

impl<'r> Overview<'r> {
    /// A run, compared with another if there is one, in the light of earlier ones.
    pub(crate) fn new(run: &'r RunReport<'r>, against: Option<&'r RunReport<'r>>, past: Past<'r>) -> Self {
        let against =
            against.map(|other| Against { run: other, comparison: Comparison::new(&run.tests, &other.tests) });
        Self { run, completeness: Completeness::of(run.recorded), against, past }
    }

    /// What all of it comes to, for a heading.
    pub(super) fn conclusion(&self) -> &'static str {
        match self.run.conclusion() {
            Conclusion::TestsFailed => "tests failed",
            Conclusion::InfrastructureFailed => "the machine failed",
            Conclusion::Incomplete if self.run.is_known_in_part() => "not everything is here",
            Conclusion::Incomplete => "not everything ran",
            Conclusion::Passed if !self.completeness.is_whole() => "not everything is here",
            Conclusion::Passed => "all passed",
        }
    }

    /// What is missing, in sentences; none if nothing is.
    pub(super) fn gaps(&self) -> Vec<String> {
        let missing = &self.completeness;
        let mut gaps = Vec::new();
        if !missing.shards.is_empty() {
            let noun = if missing.shards.len() == 1 { "shard" } else { "shards" };
            gaps.push(format!("{noun} {} missing", listed(&missing.shards, 20)));
        }
        if missing.missing_units() > 0 {
            let count = usize::try_from(missing.missing_units()).unwrap_or(usize::MAX);
            let names: Vec<String> =
                missing.units.iter().map(|unit| format!("{} on {}", unit.unit, unit.hardware)).collect();
            let which = if names.is_empty() { String::new() } else { format!(": {}", listed(&names, 20)) };
            gaps.push(format!("{} did not end{which}", counted(count, "planned unit")));
        }
        if missing.unreadable_lines > 0 {
            gaps.push(format!("{} could not be read", counted(missing.unreadable_lines, "line")));
        }
        gaps
    }

    /// The share of tests that failed among those that came to an end and were not skipped, in percent, and of how many.
    pub(super) fn failure_rate(&self) -> Option<(f64, usize)> {
        let summary = &self.run.summary;
        let failed = summary.meaning(Meaning::Failure);
        let ran = failed + summary.meaning(Meaning::Success) - summary.total(Verdict::Ended(Outcome::Skipped));
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let percent = 100.0 * failed as f64 / ran as f64;
        (ran > 0).then_some((percent, ran))
    }

    /// What a run is called: its ids.
    pub(super) fn names(run: &RunReport<'_>) -> String {
        let mut ids: Vec<&str> = run.recorded.headers.iter().map(|header| header.run.as_str()).collect();
        ids.dedup();
        if ids.is_empty() {
            ids = run.recorded.attempts.first().map(|attempt| vec![attempt.run.as_str()]).unwrap_or_default();
        }
        let names: Vec<String> = ids.into_iter().filter(|id| !id.is_empty()).map(str::to_owned).collect();
        if names.is_empty() { "a run without a name".to_owned() } else { listed(&names, 3) }
    }

    /// The environment, by its keys: what all headers of a run agree in, or all that they say.
    pub(super) fn environment(run: &RunReport<'_>) -> Vec<(&'static str, String)> {
        let headers = &run.recorded.headers;
        let mut facts = Vec::new();
        let mut add = |key: &'static str, values: Vec<&str>| {
            let mut distinct: Vec<String> = Vec::new();
            for value in values.into_iter().filter(|value| !value.is_empty()) {
                if !distinct.iter().any(|one| one == value) {
                    distinct.push(value.to_owned());
                }
            }
            if !distinct.is_empty() {
                facts.push((key, listed(&distinct, 4)));
            }
        };
        add("run", headers.iter().map(|header| header.run.as_str()).collect());
        let started = headers.iter().map(|header| header.started.as_str()).min().map(for_people);
        add("started", started.iter().map(String::as_str).collect());
        add("machine", headers.iter().map(|header| header.machine.as_str()).collect());
        add("shard", headers.iter().filter_map(|header| header.shard.as_deref()).collect());
        add("commit", headers.iter().filter_map(|header| header.git_commit.as_deref()).collect());
        add("Python", headers.iter().filter_map(|header| header.python.as_deref()).collect());
        add("torch", headers.iter().filter_map(|header| header.torch.as_deref()).collect());
        add("transformers", headers.iter().filter_map(|header| header.transformers.as_deref()).collect());
        add("driver", headers.iter().filter_map(|header| header.driver.as_deref()).collect());
        add("command", headers.iter().map(|header| header.command.as_str()).collect());
        facts
    }
}

impl Against<'_> {
    /// `2 new, 1 fixed`; what became of no test is left out.
    pub(super) fn counts(&self) -> String {
        let counts = TestChange::ALL.iter().map(|change| (self.comparison.of(*change).count(), change_words(*change)));
        let counts: Vec<String> =
            counts.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        if counts.is_empty() { "nothing changed".to_owned() } else { counts.join(", ") }
    }

    /// What became of models, each with those that it became of.
    pub(super) fn models(&self) -> Vec<(&'static str, Vec<&str>)> {
        let models =
            |change: &ModelChange| (model_words(*change), self.comparison.models_of(*change).collect::<Vec<_>>());
        ModelChange::ALL.iter().map(models).filter(|(_, models)| !models.is_empty()).collect()
    }
}

/// What became of tests, in words.
pub(super) const fn change_words(change: TestChange) -> &'static str {
    match change {
        TestChange::New => "new",
        TestChange::Changed => "changed",
        TestChange::Fixed => "fixed",
        TestChange::Gone => "gone",
        TestChange::Still => "still failing",
    }
}

/// What a change means, for people who read it for the first time.
pub(super) const fn change_meaning(change: TestChange) -> &'static str {
    match change {
        TestChange::New => "fail now, and did not",
        TestChange::Changed => "failed and fail, for another reason",
        TestChange::Fixed => "failed, and pass now",
        TestChange::Gone => {
            "ran in the other run, and did not in this one: skipped, blocked, not reached, or not there"
        }
        TestChange::Still => "failed and fail, for the same reason",
    }
}

const fn model_words(change: ModelChange) -> &'static str {
    match change {
        ModelChange::FailsNow => "failing now",
        ModelChange::Fixed => "fixed",
        ModelChange::Added => "new",
        ModelChange::Removed => "gone",
    }
}

/// A time to the minute; as it is, if it is none.
fn for_people(started: &str) -> String {
    let time: Result<jiff::Timestamp, _> = started.parse();
    time.map_or_else(|_| started.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
