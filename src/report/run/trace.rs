//! A run as a trace in the JSON of Chrome, which Perfetto and `chrome://tracing` open: a process for each machine or shard, a
//! track for each slot, a slice for each unit with those of its tests inside.

use std::io::{self, Write};

use serde_json::{Value, json};
use tgen_core::results::attempt::Attempt;
use tgen_core::results::slots::Span;

use super::RunReport;
use super::timeline::{RanUnit, Runner, runners};
use crate::printer::write_compact_json;

/// Writes the trace.
pub(crate) fn write(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let runners = runners(report.recorded);
    let events: Vec<Value> = runners.iter().zip(1..).flat_map(|(runner, process)| events(runner, process)).collect();
    write_compact_json(out, &json!({"displayTimeUnit": "ms", "traceEvents": events}))?;
    writeln!(out)
}

fn events(runner: &Runner<'_>, process: usize) -> Vec<Value> {
    let name = json!({"ph": "M", "name": "process_name", "pid": process, "args": {"name": runner.name}});
    let slots = (0..runner.slots).map(|slot| {
        let name = format!("slot {}", slot + 1);
        json!({"ph": "M", "name": "thread_name", "pid": process, "tid": slot + 1, "args": {"name": name}})
    });
    let units = runner.units.iter().flat_map(|unit| unit_events(unit, process));
    std::iter::once(name).chain(slots).chain(units).collect()
}

fn unit_events(unit: &RanUnit<'_>, process: usize) -> Vec<Value> {
    let end = unit.end;
    let slice = |name: &str, category: &str, span: Span, args: Value| {
        let (start, end) = (microseconds(span.start), microseconds(span.end));
        json!({
            "ph": "X", "name": name, "cat": category, "pid": process, "tid": unit.slot + 1,
            "ts": start, "dur": end - start, "args": args,
        })
    };
    let args = json!({
        "outcome": end.outcome, "hardware": end.hardware, "device": end.device, "model": end.model,
        "batch": end.batch, "memory_peak": end.memory_peak,
    });
    let tests = one_after_another(unit).into_iter().map(|(attempt, within)| {
        let name = attempt.nodeid.strip_prefix(attempt.file.as_str()).unwrap_or(&attempt.nodeid);
        let name = name.trim_start_matches(':');
        let args = json!({"outcome": attempt.outcome, "attempt": attempt.attempt, "reason": attempt.reason});
        slice(if name.is_empty() { &attempt.nodeid } else { name }, "test", within, args)
    });
    std::iter::once(slice(&end.unit, "unit", unit.span, args)).chain(tests).collect()
}

/// The tests of a unit in their order, none of which reaches into the next one or out of the unit: times are rounded, and a reader
/// drops slices that overlap.
fn one_after_another<'r>(unit: &RanUnit<'r>) -> Vec<(&'r Attempt, Span)> {
    let mut tests = unit.tests.clone();
    tests.sort_by(|left, right| left.1.start.total_cmp(&right.1.start));
    let mut latest = unit.span.end;
    for (_, span) in tests.iter_mut().rev() {
        let start = span.start.clamp(unit.span.start, latest);
        *span = Span { start, end: span.end.clamp(start, latest) };
        latest = start;
    }
    tests
}

#[expect(clippy::cast_possible_truncation, reason = "a run takes less than thousands of years")]
fn microseconds(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn what_ran_at_a_time_is_on_different_tracks_and_tests_are_inside_of_their_unit() {
        let recorded = fixture::timed();
        let mut out = Vec::new();
        write(&fixture::report(&recorded), &mut out).unwrap();
        let trace: Value = serde_json::from_slice(&out).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let slices = events.iter().filter(|event| event["ph"] == "X");
        let shown: Vec<String> = slices
            .map(|event| {
                format!("{} {} on {}: {}+{}", event["cat"], event["name"], event["tid"], event["ts"], event["dur"])
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n").replace('"', ""), @r"
        unit test/a.py on 1: 0+4000000
        test test_x on 1: 1000000+2000000
        test test_y on 1: 3000000+1000000
        unit test/b.py on 2: 1000000+1500000
        unit test/c.py on 2: 2500000+1000000
        ");
        let names: Vec<&Value> =
            events.iter().filter(|event| event["ph"] == "M").map(|event| &event["args"]["name"]).collect();
        assert_eq!(names, ["ci", "slot 1", "slot 2"]);
    }

    #[test]
    fn tests_whose_rounded_times_overlap_come_one_after_another() {
        let recorded = fixture::timed();
        let mut runners = runners(&recorded);
        let unit = &mut runners[0].units[0];
        let attempt = unit.tests[0].0;
        let times = [(1.0, 2.000_05), (0.5, 1.000_1), (2.0, 9.0), (2.0, 3.0)];
        unit.tests = times.map(|(start, end)| (attempt, Span { start, end })).to_vec();
        let seen = one_after_another(unit);
        let seen: Vec<(f64, f64)> = seen.iter().map(|(_, span)| (span.start, span.end)).collect();
        assert_eq!(seen, [(0.5, 1.0), (1.0, 2.0), (2.0, 2.0), (2.0, 3.0)]);
    }
}
