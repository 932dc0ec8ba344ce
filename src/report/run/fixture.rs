//! Runs for the tests of the formats.

use std::time::Duration;

use serde_json::{Value, json};
use tgen_core::results::reading::{Recorded, read};

use super::RunReport;

const HEADER: &str = r#"{"tgen-results":1,"run":"r1","started":"2026-01-02T03:04:05Z","machine":"ci","planned":1}"#;

fn recorded(lines: &[Value]) -> Recorded {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    read(format!("{HEADER}\n{}\n", lines.join("\n")).as_bytes()).unwrap()
}

fn line(test: &str, hardware: &str, attempt: u32, outcome: &str, reason: &str) -> Value {
    let file = "test/test_bert.py";
    let nodeid = if test.is_empty() { file.to_owned() } else { format!("{file}::{test}") };
    let phases = if test.is_empty() { json!({}) } else { json!({"call": outcome}) };
    json!({"run": "r1", "file": file, "nodeid": nodeid, "attempt": attempt, "outcome": outcome, "reason": reason,
           "phases": phases, "duration": 0.25, "unit": file, "hardware": hardware, "model": "bert"})
}

/// A run in which nothing is wrong.
pub(super) fn passed() -> Recorded {
    recorded(&[line("test_a", "cpu", 1, "passed", ""), line("test_b", "cpu", 1, "skipped", "no audio")])
}

/// A run with all that a report distinguishes.
pub(super) fn mixed() -> Recorded {
    let unlike = "/home/u/p/test/test_bert.py:12: assert 1 == 2\n  more";
    recorded(&[
        line("test_a", "cpu", 1, "passed", ""),
        line("test_a", "cuda", 1, "crashed", "killed by SIGSEGV"),
        line("test_a", "cuda", 2, "passed", ""),
        line("TestB::test_c[x::y]", "cpu", 1, "failed", unlike),
        line("TestB::test_c[x::z]", "cpu", 1, "failed", unlike),
        line("test_d", "cuda", 1, "timed_out", "after 600 s"),
        line("test_d", "cuda", 2, "failed", "conftest.py:3: \u{1b}[2J ::error::x \u{0} ]]> <&\"'"),
        line("test_e", "cpu", 1, "skipped", "no audio"),
        line("", "cuda", 1, "blocked", "needs 90 GB of 80 GB"),
    ])
}

/// Tests that fail each for a reason of its own.
pub(super) fn many_failures(number: usize) -> Recorded {
    let line = |number: usize| line(&format!("test_{number:03}"), "cpu", 1, "failed", &format!("reason {number}"));
    recorded(&(0..number).map(line).collect::<Vec<_>>())
}

pub(super) fn report(recorded: &Recorded) -> RunReport<'_> {
    RunReport::new(recorded, Some(Duration::from_millis(1230)), ".venv/bin/python")
}
