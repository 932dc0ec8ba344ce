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

/// Units that ran beside one another.
pub(super) fn timed() -> Recorded {
    let at = |second: &str| format!("2026-01-02T03:04:{second}Z");
    let unit = |name: &str, second: &str, duration: f64| {
        json!({"tgen-unit": format!("test/{name}.py"), "run": "r1", "hardware": "cpu", "outcome": "passed",
               "started": at(second), "duration": duration})
    };
    let test = |name: &str, second: &str, duration: f64| {
        json!({"run": "r1", "file": "test/a.py", "nodeid": format!("test/a.py::{name}"), "unit": "test/a.py", "hardware": "cpu",
               "outcome": "passed", "phases": {"call": "passed"}, "started": at(second), "duration": duration})
    };
    recorded(&[
        unit("a", "10", 4.0),
        unit("b", "11", 1.5),
        unit("c", "12.5", 1.0),
        test("test_x", "11", 2.0),
        // Longer than its unit, because times are rounded.
        test("test_y", "13", 1.001),
    ])
}

/// An earlier run, in which nothing was wrong.
pub(super) fn passed_earlier() -> Recorded {
    let lines = [line("test_a", "cpu", 1, "passed", ""), line("TestB::test_c[x::y]", "cpu", 1, "passed", "")];
    let mut recorded = recorded(&lines);
    recorded.headers.iter_mut().for_each(|header| header.run = "r0".to_owned());
    recorded.attempts.iter_mut().for_each(|attempt| attempt.run = "r0".to_owned());
    recorded
}

/// Texts that would harm a page or a terminal.
pub(super) fn hostile() -> Recorded {
    let texts = [
        "</script><script>alert(1)</script><img src=x onerror=alert(1)>".to_owned(),
        "\u{1b}[31mred\u{1b}[0m \u{0} \u{9b} \u{202e} \u{7f}".to_owned(),
        "]]> <!-- ' \" ` ${x} |\n| # *".to_owned(),
        "x".repeat(900_000),
    ];
    let line = |text: &String| {
        let mut line = line(&format!("test_{}", &text[..text.len().min(300)]), "cpu", 1, "failed", text);
        line["log"] = text.as_str().into();
        line["model"] = text.as_str().into();
        line
    };
    recorded(&texts.iter().map(line).collect::<Vec<_>>())
}

/// Tests that fail each for a reason of its own.
pub(super) fn many_failures(number: usize) -> Recorded {
    let line = |number: usize| line(&format!("test_{number:03}"), "cpu", 1, "failed", &format!("reason r{number}"));
    recorded(&(0..number).map(line).collect::<Vec<_>>())
}

/// A run in which so many models fail, each in a test of its own.
pub(super) fn many_models_fail(number: usize) -> Recorded {
    let mut failures = many_failures(number);
    for (number, attempt) in failures.attempts.iter_mut().enumerate() {
        attempt.model = Some(format!("model_{number:03}"));
    }
    failures
}

pub(super) fn report(recorded: &Recorded) -> RunReport<'_> {
    RunReport::new(recorded, Some(Duration::from_millis(1230)), ".venv/bin/python")
}
