use std::fmt::Write;

use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;

use super::attempt::{Attempt, Header, UnitEnd, VERSION};
use super::clusters::clusters;
use super::comparison::{Comparison, ModelChange, TestChange};
use super::completeness::Completeness;
use super::matrix::Matrix;
use super::merging::{merged, text};
use super::outcome::{Meaning, Outcome};
use super::past::Past;
use super::reading::{Ignored, ReadError, Recorded, Unreadable, line, read};
use super::rerun::{Unfinished, latest_run, missing_units, run_with_reruns, unfinished};
use super::verdict::{Conclusion, Summary, Verdict, tests};
use crate::model::hardware::HardwareType::{self, Cpu, Cuda};

/// A results file from a short form, a line each: `run ID [rerun-of]`, `end UNIT OUTCOME`, `UNIT::TEST OUTCOME`. A unit with
/// `cuda` in its name ran on it.
fn recorded(lines: &str) -> Recorded {
    let mut recorded = Recorded::default();
    let mut run = String::new();
    for words in lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        match words[..] {
            ["run", id, ref rerun_of @ ..] => {
                id.clone_into(&mut run);
                recorded.headers.push(header(id, rerun_of.first().copied()));
            }
            ["end", unit, outcome] => recorded.ends.push(end(&run, unit, outcome)),
            [nodeid, outcome] => {
                let number = recorded.attempts.iter().filter(|one| one.run == run && one.nodeid == nodeid).count() + 1;
                recorded.attempts.push(attempt(&run, nodeid, u32::try_from(number).unwrap(), outcome));
            }
            _ => {}
        }
    }
    recorded
}

fn header(run: &str, rerun_of: Option<&str>) -> Header {
    Header {
        version: VERSION,
        run: run.to_owned(),
        started: format!("2026-01-01T00:00:{run}Z"),
        rerun_of: rerun_of.map(str::to_owned),
        machine: String::new(),
        command: String::new(),
        git_commit: None,
        python: None,
        torch: None,
        transformers: None,
        driver: None,
        shard: None,
        planned: 2,
        units: std::collections::BTreeMap::new(),
    }
}

fn hardware(unit: &str) -> HardwareType {
    if unit.contains("cuda") { Cuda } else { Cpu }
}

fn attempt(run: &str, nodeid: &str, number: u32, outcome: &str) -> Attempt {
    let (file, test) = nodeid.split_once("::").unwrap_or((nodeid, ""));
    let phases = if test.is_empty() { serde_json::json!({}) } else { serde_json::json!({"call": outcome}) };
    let keys = serde_json::json!({
        "run": run, "file": file, "nodeid": nodeid, "attempt": number, "outcome": outcome, "phases": phases, "unit": file,
        "hardware": hardware(file),
    });
    serde_json::from_value(keys).unwrap()
}

fn end(run: &str, unit: &str, outcome: &str) -> UnitEnd {
    let keys = serde_json::json!({"tgen-unit": unit, "run": run, "hardware": hardware(unit), "outcome": outcome});
    serde_json::from_value(keys).unwrap()
}

fn verdicts(lines: &str) -> String {
    let recorded = recorded(lines);
    let mut shown = String::new();
    for test in tests(&recorded) {
        let last = test.last();
        writeln!(shown, "{} on {}: {}", last.nodeid, last.hardware, test.verdict.name()).unwrap();
    }
    shown
}

#[track_caller]
fn check_unfinished(lines: &str, run: &str, expected: &[(usize, &[&str])]) {
    let planned = [("a.py", Cpu), ("b.py", Cpu), ("a_cuda.py", Cuda)];
    let expected = expected.iter().map(|(planned, passed)| Unfinished {
        planned: *planned,
        passed: passed.iter().map(|&nodeid| nodeid.to_owned()).collect(),
    });
    assert_eq!(unfinished(&recorded(lines), run, &planned), expected.collect::<Vec<_>>());
}

#[test]
fn a_line_of_pytest_itself_is_read_too() {
    let line = r#"{"run": "x", "file": "t.py", "nodeid": "t.py::t", "platform": "cuda", "attempt": 1, "model": "bert", "test": "output", "task": "fill-mask", "batch": 4, "implementation": "MOCK", "outcome": "interrupted", "reason": "the session ended before the test did", "phases": {"setup": "passed", "call": "interrupted"}, "subtests": {"failed": 2}, "duration": 0.1234, "peak_memory": 7, "worker": "gw0", "new": [1]}"#;
    let recorded = read(line.as_bytes()).unwrap();
    let [attempt] = &recorded.attempts[..] else { panic!("{recorded:?}") };
    assert_eq!((attempt.hardware, attempt.outcome, attempt.unit_name()), (Cuda, Outcome::NotRun, "t.py"));
    assert_eq!((attempt.batch, attempt.duration, attempt.subtests["failed"]), (Some(4), 0.1234, 2));
    assert_eq!(read(super::reading::line(attempt).as_bytes()).unwrap().attempts, recorded.attempts);
}

#[test]
fn what_a_crash_left_of_a_line_is_dropped_and_told() {
    let whole = text(recorded("run 01\na.py::t passed\na.py::ü failed\nend a.py failed"));
    let lines: Vec<&str> = whole.lines().collect();
    // The last line is cut anywhere, within a character too.
    for length in 1..lines[2].len() {
        let cut = [lines[0], lines[1], ""].join("\n").into_bytes();
        let cut = [&cut[..], &lines[2].as_bytes()[..length]].concat();
        let recorded = read(&cut).unwrap();
        assert_eq!(recorded.attempts.len(), 1, "{length}");
        assert_eq!(recorded.ignored, [Ignored { line: 3, reason: Unreadable::CutShort }], "{length}");
    }
}

#[test]
fn only_a_later_version_or_a_file_without_results_is_unreadable() {
    let told = |text: &str| {
        let recorded = read(text.as_bytes());
        recorded.map_or_else(
            |error| error.to_string(),
            |recorded| {
                recorded.ignored.into_iter().map(|ignored| format!("{}: {}\n", ignored.line, ignored.reason)).collect()
            },
        )
    };
    let good = line(&attempt("01", "a.py::t", 1, "passed"));
    assert_eq!(told(""), "");
    assert_eq!(told(&format!("\u{feff}{}\r\n\n{good}", good.trim_end())), "");
    let wrong = format!("[1]\n{{}}\n{{\"tgen-results\": \"x\"}}\n\0\n{{\"run\": \n{}", good.replace("passed", "great"));
    assert_snapshot!(told(&format!("{good}{wrong}")), @r#"
    2: it is no JSON object
    3: missing field `run`
    4: invalid type: string "x", expected u32
    5: it is not JSON
    6: it was cut short
    7: there is no outcome `great`
    "#);
    assert_snapshot!(told("one\ntwo"), @"no line is a test result: line 1: it is not JSON");
    assert_eq!(read(br#"{"tgen-results":2,"run":"x","started":"y"}"#), Err(ReadError::Newer { line: 1, found: 2 }));
    assert_eq!(told(&format!("{good}{}", "x".repeat(2 << 20))), "2: it is longer than 1024 KiB\n");
}

#[test]
fn a_test_that_passes_after_a_failure_is_flaky() {
    let attempts = "\
run 01
a.py::flaky crashed
a.py::flaky timed_out
a.py::flaky passed
a.py::failed passed
a.py::failed failed
a.py::late not_run
a.py::late passed
a.py::skipped skipped
a_cuda.py::t passed";
    assert_snapshot!(verdicts(attempts), @"
    a.py::failed on cpu: failed
    a.py::flaky on cpu: flaky
    a.py::late on cpu: passed
    a.py::skipped on cpu: skipped
    a_cuda.py::t on cuda: passed
    ");
}

#[test]
fn what_ended_a_whole_unit_counts_no_more_once_the_unit_has_passed() {
    let crash = "run 01\na.py crashed\na.py::t passed\n";
    assert_snapshot!(verdicts(&format!("{crash}end a.py passed")), @"
    a.py on cpu: flaky
    a.py::t on cpu: passed
    ");
    assert_snapshot!(verdicts(&format!("{crash}end a.py failed")), @"
    a.py on cpu: crashed
    a.py::t on cpu: passed
    ");
    assert_snapshot!(verdicts(crash), @"
    a.py on cpu: crashed
    a.py::t on cpu: passed
    ");
}

#[test]
fn a_test_that_failed_in_an_earlier_run_only_is_not_flaky() {
    let runs = "run 01\na.py::t failed\nend a.py failed\nb.py crashed\nend b.py crashed\n\
                run 02 01\na.py::t passed\nend a.py passed\nb.py::t passed\nend b.py passed";
    assert_snapshot!(verdicts(runs), @"
    a.py::t on cpu: passed
    b.py::t on cpu: passed
    ");
    assert_eq!(missing_units(&recorded(runs)), 0);
}

#[test]
fn the_conclusion_blames_the_machine_only_if_no_test_failed() {
    let conclusion = |lines: &str| Summary::of(&tests(&recorded(lines))).conclusion();
    let run = "run 01\na.py::a passed\na.py::b xfailed\n";
    assert_eq!(conclusion(run), Conclusion::Passed);
    assert_eq!(conclusion(&format!("{run}b.py blocked")), Conclusion::Incomplete);
    assert_eq!(conclusion(&format!("{run}b.py infra_error\nc.py blocked")), Conclusion::InfrastructureFailed);
    assert_eq!(conclusion(&format!("{run}b.py infra_error\nc.py::t oom")), Conclusion::TestsFailed);
}

#[test]
fn a_summary_counts_by_hardware_and_verdict() {
    let recorded = recorded("run 01\na.py::a passed\na.py::b passed\na_cuda.py::a failed");
    let summary = Summary::of(&tests(&recorded));
    assert_eq!(summary.hardware(), [Cpu, Cuda]);
    assert_eq!(summary.count(Cpu, Verdict::Ended(Outcome::Passed)), 2);
    assert_eq!((summary.total(Verdict::Ended(Outcome::Failed)), summary.tests()), (1, 3));
    assert_eq!((summary.meaning(Meaning::Success), summary.meaning(Meaning::Unknown)), (2, 0));
}

/// Attempts as [`recorded`] has them, with a reason after the outcome; the model is the file's name.
fn with_reasons(lines: &str) -> Recorded {
    let short: Vec<String> =
        lines.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    let mut recorded = recorded(&short.join("\n"));
    for (attempt, line) in recorded.attempts.iter_mut().zip(lines.lines()) {
        attempt.reason = line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned();
        attempt.model = attempt.file.strip_suffix(".py").map(str::to_owned);
    }
    recorded
}

#[track_caller]
fn check_changes(before: &str, now: &str, expected: &str) {
    let (before, now) = (with_reasons(before), with_reasons(now));
    let (before, now) = (tests(&before), tests(&now));
    let comparison = Comparison::new(&now, &before);
    let changes = comparison.tests.iter().map(|test| (test.change.name(), test.test().unwrap().last()));
    let shown: Vec<String> = changes.map(|(change, last)| format!("{change} {}", last.nodeid)).collect();
    assert_eq!(shown.join(", "), expected);
}

#[test]
fn what_changed_is_what_fails_now_or_failed_or_no_longer_runs() {
    check_changes("a.py::t passed", "a.py::t failed x", "new a.py::t");
    check_changes("", "a.py::t failed x", "new a.py::t");
    check_changes("a.py::t skipped", "a.py::t failed x", "new a.py::t");
    check_changes("a.py::t failed x", "a.py::t passed", "fixed a.py::t");
    check_changes("a.py::t failed a.py:3: got 1", "a.py::t failed a.py:9: got 2", "still a.py::t");
    check_changes("a.py::t failed got 1", "a.py::t failed lost 1", "changed a.py::t");
    check_changes("a.py::t failed got 1", "a.py::t crashed got 1", "changed a.py::t");
    // A test that does not run is not fixed.
    check_changes("a.py::t failed x", "a.py::t skipped", "gone a.py::t");
    check_changes(
        "a.py::t passed\na.py::u passed\na.py::v passed",
        "a.py::t blocked\na.py::u skipped",
        "gone a.py::t, gone a.py::u, gone a.py::v",
    );
    // A test that never ran is not gone; one that still passes is not a change.
    check_changes("a.py::t skipped\na.py::u passed", "a.py::u passed\nb.py::u passed", "");
    check_changes(
        "a_cuda.py::t failed x",
        "a_cuda.py::t failed x\na.py::t failed x",
        "new a.py::t, still a_cuda.py::t",
    );
}

#[test]
fn a_planned_test_is_the_same_under_another_id() {
    let mut before = with_reasons("plan/1.py::t passed");
    let mut now = with_reasons("plan/2.py::t failed x");
    for attempt in before.attempts.iter_mut().chain(&mut now.attempts) {
        (attempt.test_id, attempt.model) = (Some(attempt.file.clone()), Some("bert".to_owned()));
    }
    let (before, now) = (tests(&before), tests(&now));
    let changes: Vec<TestChange> = Comparison::new(&now, &before).tests.iter().map(|test| test.change).collect();
    assert_eq!(changes, [TestChange::New]);
}

#[test]
fn models_are_new_gone_broken_or_fixed() {
    let before = with_reasons("a.py::t passed\nb.py::t failed x\nc.py::t passed\ne.py::t failed x");
    let now = with_reasons("a.py::t failed x\na.py::u passed\nb.py::t passed\nd.py::t passed\ne.py::t failed y");
    let (before, now) = (tests(&before), tests(&now));
    let comparison = Comparison::new(&now, &before);
    let models: Vec<(&str, ModelChange)> = comparison.models.iter().map(|(model, change)| (*model, *change)).collect();
    let expected = [
        ("a", ModelChange::FailsNow),
        ("b", ModelChange::Fixed),
        ("c", ModelChange::Removed),
        ("d", ModelChange::Added),
    ];
    assert_eq!(models, expected);
}

#[test]
fn failures_that_differ_in_numbers_only_are_one_cluster_and_the_largest_comes_first() {
    let recorded = with_reasons(
        "a.py::s blocked no room\na.py::t failed a.py:3: got 1\na.py::u failed lost\nb.py::t failed got 2\nc.py::t passed",
    );
    let tests = tests(&recorded);
    let shown: Vec<String> = clusters(&tests)
        .iter()
        .map(|cluster| format!("{} {}: {}", cluster.tests.len(), cluster.verdict.name(), cluster.message))
        .collect();
    assert_eq!(shown, ["2 failed: got <n>", "1 failed: lost", "1 blocked: no room"]);
}

#[test]
fn the_matrix_has_the_worst_model_first_and_holes_where_nothing_ran() {
    let recorded =
        with_reasons("a.py::t passed\nb.py::t skipped\nc_cuda.py::t failed x\nc_cuda.py::u passed\nd.py::t blocked");
    let tests = tests(&recorded);
    let matrix = Matrix::new(&tests);
    assert_eq!(matrix.hardware, [Cpu, Cuda]);
    let shown: Vec<String> = matrix
        .rows
        .iter()
        .map(|row| {
            let cells = row.cells.iter().map(|cell| cell.map_or("-", |cell| cell.rating().name()));
            format!("{} {}", row.model, cells.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(shown, ["c_cuda - failing", "d unknown -", "a passing -", "b skipped -"]);
}

#[test]
fn what_is_missing_from_a_run_is_named() {
    let mut recorded = recorded("run 01\na.py::t passed\nend a.py passed\nb.py::t passed");
    recorded.headers[0].shard = Some("2/3".to_owned());
    let completeness = Completeness::of(&recorded);
    assert_eq!(completeness.shards, ["1/3", "3/3"]);
    assert_eq!((completeness.units.len(), completeness.unnamed_units), (1, 0));
    assert_eq!((completeness.units[0].unit.as_str(), completeness.units[0].has_begun), ("b.py", true));
    // The header names what was planned.
    recorded.headers[0].planned = 4;
    recorded.headers[0].units = [(Cpu, ["a.py", "c.py"].map(str::to_owned).into())].into();
    let completeness = Completeness::of(&recorded);
    let named: Vec<(&str, bool)> = completeness.units.iter().map(|unit| (unit.unit.as_str(), unit.has_begun)).collect();
    assert_eq!((named, completeness.unnamed_units), (vec![("b.py", true), ("c.py", false)], 1));
    let whole = self::recorded("run 01\nend a.py passed\nb.py blocked");
    assert!(Completeness::of(&whole).is_whole());
}

/// What the past tells of the only test of the last run, a line for each run: outcome and seconds.
fn past_of(runs: &[(&str, f64)]) -> (String, bool, Option<(f64, f64)>) {
    let lines: Vec<String> =
        (10..).zip(runs).map(|(run, (outcome, _))| format!("run {run}\na.py::t {outcome}")).collect();
    let mut all = recorded(&lines.join("\n"));
    for (attempt, (_, seconds)) in all.attempts.iter_mut().zip(runs) {
        attempt.duration = *seconds;
    }
    let reported = run_with_reruns(&all, &latest_run(&all).unwrap());
    let (past, tests) = (Past::new(&all, &reported), tests(&reported));
    let strip: Vec<&str> = past.strip(&tests[0]).iter().map(|verdict| &verdict.name()[..1]).collect();
    let slow = past.slow(&tests[0]).map(|slow| (slow.took.as_secs_f64(), slow.median.as_secs_f64()));
    (strip.concat(), past.is_unstable(&tests[0]), slow)
}

#[test]
fn the_past_of_a_test_tells_whether_it_flips() {
    let outcomes = |outcomes: &[&'static str]| past_of(&outcomes.iter().map(|one| (*one, 0.1)).collect::<Vec<_>>());
    assert_eq!(outcomes(&["passed", "failed"]), ("pf".to_owned(), false, None));
    assert_eq!(outcomes(&["passed", "failed", "skipped", "passed"]), ("pfsp".to_owned(), true, None));
    assert_eq!(outcomes(&["passed", "skipped", "passed"]), ("psp".to_owned(), false, None));
    let (strip, _, _) = outcomes(&["passed"; 30]);
    assert_eq!(strip, "p".repeat(20));
}

#[test]
fn a_test_is_slow_if_it_exceeds_what_is_usual_by_more_than_it_varies() {
    let slow = |last: f64, earlier: &[f64]| {
        past_of(&earlier.iter().chain([&last]).map(|one| ("passed", *one)).collect::<Vec<_>>()).2
    };
    assert_eq!(slow(9.0, &[2.0, 2.0, 2.1, 2.0, 2.0]), Some((9.0, 2.0)));
    // A test is slow only by a second or more, and four runs are too few.
    assert_eq!(slow(0.9, &[0.1; 5]), None);
    assert_eq!(slow(9.0, &[2.0; 4]), None);
    // The earlier runs vary as much.
    assert_eq!(slow(7.9, &[2.0, 5.0, 8.0, 4.0, 6.0]), None);
}

#[test]
fn what_passed_is_never_run_again_and_everything_else_is() {
    check_unfinished("", "01", &[(0, &[]), (1, &[]), (2, &[])]);
    // One unit has ended well, one was cut short, one is new.
    let killed = "run 01\na.py::t passed\nend a.py passed\nb.py::s passed\nb.py::t skipped\nb.py::u failed";
    check_unfinished(killed, "01", &[(1, &["b.py::s", "b.py::t"]), (2, &[])]);
    // A failed unit runs again without what passed.
    check_unfinished(
        "run 01\nb.py::s passed\nb.py::t failed\nend b.py failed",
        "01",
        &[(0, &[]), (1, &["b.py::s"]), (2, &[])],
    );
    // A blocked unit and one that was not reached.
    check_unfinished("run 01\na.py blocked\nend a.py blocked\nb.py not_run", "01", &[(0, &[]), (1, &[]), (2, &[])]);
}

#[test]
fn a_rerun_counts_with_the_run_that_it_finishes_and_others_do_not() {
    let runs = "\
run 01
a.py::s passed
a.py::t failed
end a.py failed
run 02 01
a.py::t failed
end a.py failed
b.py::t passed
run 03 02
a.py::t passed
end a.py passed
run 04
a_cuda.py::t passed
end a_cuda.py passed";
    check_unfinished(runs, "01", &[(1, &["b.py::t"]), (2, &[])]);
    check_unfinished(runs, "03", &[(1, &["b.py::t"]), (2, &[])]);
    check_unfinished(runs, "04", &[(0, &[]), (1, &[])]);
    assert_eq!(latest_run(&recorded(runs)).as_deref(), Some("04"));
    assert_eq!(run_with_reruns(&recorded(runs), "02").headers.len(), 3);
}

#[test]
fn a_run_of_pytest_itself_has_finished_the_files_whose_tests_all_passed() {
    let pytest = "\na.py::s passed\na.py::t skipped\nb.py::s passed\nb.py::t failed";
    check_unfinished(pytest, "", &[(1, &["b.py::s"]), (2, &[])]);
}

#[test]
fn units_without_an_end_are_missing_until_a_rerun_ends_them() {
    assert_eq!(missing_units(&recorded("run 01\na.py::t passed\nend a.py passed\nb.py::t passed")), 1);
    assert_eq!(missing_units(&recorded("run 01\nend a.py passed\nb.py blocked")), 0);
    assert_eq!(missing_units(&recorded("run 01\nend a.py passed\nrun 02 01\nend b.py passed\nend a.py passed")), 0);
    assert_eq!(missing_units(&recorded("a.py::t passed")), 0);
    let mut endless = recorded("run 01\nrun 02");
    endless.headers.iter_mut().for_each(|header| header.planned = u64::MAX);
    assert_eq!(missing_units(&endless), u64::MAX);
}

fn outcomes() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Outcome::ALL.iter().map(|outcome| outcome.name()).collect::<Vec<_>>())
}

/// What a file may hold: few names, so that many lines have one identity.
fn any_recorded() -> impl Strategy<Value = Recorded> {
    let line = (0..3_u8, 0..3_u8, 0..3_u8, 1..3_u32, outcomes(), 0..3_u8, any::<f64>());
    vec(line, 0..20).prop_map(|lines| {
        let mut recorded = Recorded::default();
        for (kind, run, unit, number, outcome, test, duration) in lines {
            let (run, unit) = (format!("0{run}"), ["a.py", "b.py", "a_cuda.py"][usize::from(unit)]);
            match kind {
                0 => recorded.headers.push(Header { planned: test.into(), ..header(&run, None) }),
                1 => recorded.ends.push(UnitEnd { attempt: number, duration, ..end(&run, unit, outcome) }),
                _ => recorded
                    .attempts
                    .push(Attempt { duration, ..attempt(&run, &format!("{unit}::{test}"), number, outcome) }),
            }
        }
        // As it comes from a file: not-a-number is written as null, which is no duration.
        read(text_in_order(&recorded).as_bytes()).unwrap_or_default()
    })
}

fn text_in_order(recorded: &Recorded) -> String {
    let headers = recorded.headers.iter().map(line);
    headers.chain(recorded.attempts.iter().map(line)).chain(recorded.ends.iter().map(line)).collect()
}

fn joined(parts: &[&Recorded]) -> Recorded {
    let mut whole = Recorded::default();
    for part in parts {
        whole.add((*part).clone());
    }
    whole.ignored.clear();
    whole
}

proptest! {
    #[test]
    fn merging_is_the_same_in_any_order_twice_over_and_in_steps(a in any_recorded(), b in any_recorded(), c in any_recorded()) {
        let whole = text(joined(&[&a, &b, &c]));
        prop_assert_eq!(&text(joined(&[&c, &a, &b])), &whole);
        prop_assert_eq!(&text(joined(&[&a, &b, &b, &c, &a])), &whole);
        let steps = read(text(joined(&[&a, &c])).as_bytes()).unwrap_or_default();
        prop_assert_eq!(&text(joined(&[&b, &steps])), &whole);
        prop_assert_eq!(&text(read(whole.as_bytes()).unwrap_or_default()), &whole);
    }

    #[test]
    fn no_two_merged_lines_have_one_identity_and_none_is_lost(a in any_recorded()) {
        let merged = merged(a.clone());
        let identities: std::collections::BTreeSet<_> = merged.attempts.iter().map(Attempt::identity).collect();
        prop_assert_eq!(identities.len(), merged.attempts.len());
        prop_assert_eq!(identities, a.attempts.iter().map(Attempt::identity).collect());
    }

    #[test]
    fn a_file_that_is_cut_anywhere_loses_at_most_the_line_that_was_cut(a in any_recorded(), at in any::<prop::sample::Index>()) {
        let whole = text(a);
        let cut = &whole.as_bytes()[..if whole.is_empty() { 0 } else { at.index(whole.len()) }];
        let lines = cut.split(|byte| *byte == b'\n').count() - 1;
        if let Ok(recorded) = read(cut) {
            let read = recorded.headers.len() + recorded.attempts.len() + recorded.ends.len();
            prop_assert!(read == lines || read == lines + 1);
        } else {
            prop_assert_eq!(lines, 0);
        }
    }

    #[test]
    fn a_rerun_after_a_kill_anywhere_runs_what_has_no_recorded_pass_and_nothing_else(a in any_recorded(), at in any::<prop::sample::Index>()) {
        let whole = text(a);
        let cut = at.index(whole.len() + 1);
        let Ok(recorded) = read(&whole.as_bytes()[..cut]) else { return Ok(()) };
        let planned = [("a.py", Cpu), ("b.py", Cpu), ("a_cuda.py", Cuda)];
        let Some(run) = latest_run(&recorded) else { return Ok(()) };
        let related = run_with_reruns(&recorded, &run);
        let left = unfinished(&recorded, &run, &planned);
        for (place, (unit, hardware)) in planned.iter().enumerate() {
            let is_of_unit = |attempt: &&Attempt| attempt.unit == *unit && attempt.hardware == *hardware;
            let has_passed = |attempt: &&Attempt| attempt.outcome.meaning() == Meaning::Success;
            let mut passed: Vec<_> = related.attempts.iter().filter(is_of_unit).filter(has_passed).map(|one| one.nodeid.clone()).collect();
            passed.sort();
            passed.dedup();
            match left.iter().find(|unfinished| unfinished.planned == place) {
                Some(unfinished) => prop_assert_eq!(&unfinished.passed, &passed),
                None => prop_assert!(!related.headers.is_empty() || !passed.is_empty() || !related.ends.is_empty()),
            }
        }
    }
}
