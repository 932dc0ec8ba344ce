//! A run as one JSON object, for programs.
//!
//! ```json
//! {
//!   "version": 1,
//!   "elapsed_seconds": 12.3,
//!   "missing_units": 0,
//!   "runs": [{"tgen-results": 1, "run": "..", "machine": "..", ..}],
//!   "summary": {"cpu": {"passed": 120, "flaky": 2}},
//!   "tests": [{"file": "test/test_a.py", "nodeid": "test/test_a.py::test_x", "hardware": "cpu", "verdict": "failed",
//!              "reason": "..", "duration": 0.1, "attempts": 2, "reproduce": "python -m pytest ..", ..}]
//! }
//! ```
//!
//! A report has `missing` too, shards and units that should be there, and `against` where it is compared with another run:
//! that run's headers, what became of models, and each test that changed or fails still.
//!
//! `runs` are the headers of the results file; `missing_units` are planned units without an end recorded. A test has what its last attempt recorded; `reproduce` and `explain` are
//! commands, at tests that did not pass. `version` grows when a key changes its meaning or goes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::attempt::Header;
use tgen_core::results::comparison::{ChangedTest, ModelChange, TestChange};
use tgen_core::results::outcome::Meaning;
use tgen_core::results::verdict::{Test, Verdict};

use super::overview::Overview;
use super::{RunReport, explain};
use crate::printer::write_json;

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'r> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_seconds: Option<f64>,
    missing_units: u64,
    runs: &'r [Header],
    summary: BTreeMap<HardwareType, BTreeMap<&'static str, usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<AgainstEntry<'r>>,
    tests: Vec<TestEntry<'r>>,
}

#[derive(Serialize)]
struct Missing<'r> {
    shards: &'r [String],
    units: Vec<(&'r str, HardwareType)>,
}

#[derive(Serialize)]
struct AgainstEntry<'r> {
    runs: &'r [Header],
    models: &'r BTreeMap<&'r str, ModelChange>,
    tests: Vec<ChangeEntry<'r>>,
}

#[derive(Serialize)]
struct ChangeEntry<'r> {
    change: TestChange,
    file: &'r str,
    nodeid: &'r str,
    hardware: HardwareType,
    before: Option<&'static str>,
    now: Option<&'static str>,
    reason_before: Option<&'r str>,
}

#[derive(Serialize)]
struct TestEntry<'r> {
    file: &'r str,
    nodeid: &'r str,
    unit: &'r str,
    hardware: HardwareType,
    device: Option<&'r str>,
    model: Option<&'r str>,
    batch: Option<u32>,
    task: Option<&'r str>,
    implementation: Option<&'r str>,
    verdict: &'static str,
    reason: &'r str,
    duration: f64,
    memory_peak: Option<u64>,
    device_memory_peak: Option<u64>,
    attempts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reproduce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<String>,
}

/// Writes the report.
pub(crate) fn write(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_json(out, &document(report))
}

/// Writes the report with what is missing, and with what changed from another run.
pub(crate) fn write_overview(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let missing = &overview.completeness;
    let missing = Missing {
        shards: &missing.shards,
        units: missing.units.iter().map(|unit| (unit.unit.as_str(), unit.hardware)).collect(),
    };
    let against = overview.against.as_ref().map(|against| AgainstEntry {
        runs: &against.run.recorded.headers,
        models: &against.comparison.models,
        tests: against.comparison.tests.iter().filter_map(change_entry).collect(),
    });
    write_json(out, &Document { missing: Some(missing), against, ..document(overview.run) })
}

fn change_entry<'r>(changed: &ChangedTest<'r>) -> Option<ChangeEntry<'r>> {
    let last = changed.test()?.last();
    Some(ChangeEntry {
        change: changed.change,
        file: &last.file,
        nodeid: &last.nodeid,
        hardware: last.hardware,
        before: changed.before.map(|test| test.verdict.name()),
        now: changed.now.map(|test| test.verdict.name()),
        reason_before: changed.before.map(|test| test.last().reason.as_str()),
    })
}

fn document<'r>(report: &'r RunReport<'_>) -> Document<'r> {
    Document {
        version: VERSION,
        elapsed_seconds: report.elapsed.map(|elapsed| elapsed.as_secs_f64()),
        missing_units: report.missing_units,
        runs: &report.recorded.headers,
        summary: report.summary.hardware().into_iter().map(|hardware| (hardware, counts(report, hardware))).collect(),
        tests: report.tests.iter().map(|test| entry(report, test)).collect(),
        missing: None,
        against: None,
    }
}

fn counts(report: &RunReport<'_>, hardware: HardwareType) -> BTreeMap<&'static str, usize> {
    let counts = Verdict::all().into_iter().map(|verdict| (verdict.name(), report.summary.count(hardware, verdict)));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn entry<'r>(report: &RunReport<'_>, test: &Test<'r>) -> TestEntry<'r> {
    let last = test.last();
    let is_bad = test.verdict.meaning() != Meaning::Success;
    TestEntry {
        file: &last.file,
        nodeid: &last.nodeid,
        unit: last.unit_name(),
        hardware: last.hardware,
        device: last.device.as_deref(),
        model: last.model.as_deref(),
        batch: last.batch,
        task: last.task.as_deref(),
        implementation: last.implementation.as_deref(),
        verdict: test.verdict.name(),
        reason: &last.reason,
        duration: last.duration,
        memory_peak: last.memory_peak,
        device_memory_peak: last.device_memory_peak,
        attempts: test.attempts.len(),
        reproduce: is_bad.then(|| report.reproduce(last)),
        explain: if is_bad { explain(last) } else { None },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn every_test_has_its_verdict_and_what_failed_its_commands() {
        let recorded = fixture::mixed();
        let mut out = Vec::new();
        write(&fixture::report(&recorded), &mut out).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["tests"].as_array().unwrap().len(), 7);
        insta::assert_snapshot!(read["summary"], @r#"{"cpu":{"failed":2,"passed":1,"skipped":1},"cuda":{"blocked":1,"failed":1,"flaky":1}}"#);
        insta::assert_snapshot!(serde_json::to_string_pretty(&read["tests"][1]).unwrap(), @r#"
        {
          "file": "test/test_bert.py",
          "nodeid": "test/test_bert.py::TestB::test_c[x::y]",
          "unit": "test/test_bert.py",
          "hardware": "cpu",
          "device": null,
          "model": "bert",
          "batch": null,
          "task": null,
          "implementation": null,
          "verdict": "failed",
          "reason": "/home/u/p/test/test_bert.py:12: assert 1 == 2\n  more",
          "duration": 0.25,
          "memory_peak": null,
          "device_memory_peak": null,
          "attempts": 1,
          "reproduce": ".venv/bin/python -m pytest 'test/test_bert.py::TestB::test_c[x::y]'",
          "explain": "cargo tgen explain test/test_bert.py:12"
        }
        "#);
    }

    #[test]
    fn a_comparison_names_each_change_with_both_verdicts() {
        let (now, before) = (fixture::mixed(), fixture::passed_earlier());
        let (now, before) = (fixture::report(&now), fixture::report(&before));
        let overview = Overview::new(&now, Some(&before), tgen_core::results::past::Past::default());
        let mut out = Vec::new();
        write_overview(&overview, &mut out).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        insta::assert_snapshot!(read["against"]["tests"][0], @r#"{"change":"new","file":"test/test_bert.py","nodeid":"test/test_bert.py::TestB::test_c[x::y]","hardware":"cpu","before":"passed","now":"failed","reason_before":""}"#);
        insta::assert_snapshot!(read["against"]["models"], @r#"{"bert":"fails now"}"#);
        insta::assert_snapshot!(read["missing"], @r#"{"shards":[],"units":[]}"#);
    }
}
