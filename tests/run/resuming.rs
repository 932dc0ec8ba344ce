//! Runs that do not come to their end, and those that finish them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::project::{Project, outcomes};

/// How many times a run is killed, where `TGEN_TEST_KILLS` does not say it.
const KILLS: usize = 5;
/// The tests of the files that are not made longer.
const OTHER_TESTS: usize = 4;

/// Waits until a run has recorded so many lines, and sends it a signal; how it ended.
fn signal_after(project: &Project, arguments: &[&str], lines: usize, signal: Signal) -> Option<i32> {
    let before = project.lines().len();
    let mut run = project.runner(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while project.lines().len() < before + lines && run.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < until, "the run records nothing");
        std::thread::yield_now();
    }
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
    run.wait().unwrap().code()
}

fn test_lines(lines: &[Value]) -> impl Iterator<Item = &Value> {
    lines.iter().filter(|line| line["nodeid"].is_string())
}

#[test]
fn a_run_that_is_killed_is_finished_by_another_which_repeats_no_test_that_has_passed() {
    let project = Project::new(&[("slow", ""), ("fine", ""), ("moves", "")]);
    let kills = std::env::var("TGEN_TEST_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    let slow_tests = 4 * kills;
    let slow = std::fs::read_to_string(project.path("templates/slow.py")).unwrap();
    project.write("templates/slow.py", &slow.replace("range(20)", &format!("range({slow_tests})")));
    signal_after(&project, &["--generate", "--jobs", "1"], 3, Signal::KILL);
    for kill in 0..kills {
        let lines = kill % 6 + 1;
        signal_after(&project, &["--rerun", "--jobs", "1"], lines, Signal::KILL);
    }
    let finished = project.run(&["--rerun"]);
    assert_eq!(finished.code(), 0, "{}{}", finished.stdout(), finished.stderr());
    let lines = project.lines();
    let mut passes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in test_lines(&lines).filter(|line| line["outcome"] == "passed") {
        *passes.entry(line["nodeid"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(passes.len(), slow_tests + OTHER_TESTS, "{}", outcomes(&lines));
    assert!(passes.values().all(|count| *count == 1), "{}", outcomes(&lines));
    assert!(project.run(&["--rerun"]).stdout().contains("everything has passed already"));
}

#[test]
fn what_an_interrupt_keeps_from_running_is_recorded() {
    let project = Project::new(&[("slow", ""), ("fine", "")]);
    let code = signal_after(&project, &["--jobs", "1"], 3, Signal::INT);
    assert_eq!(code, Some(2));
    let lines = project.lines();
    let recorded: Vec<&str> = test_lines(&lines).filter_map(|line| line["nodeid"].as_str()).collect();
    assert!(test_lines(&lines).any(|line| line["outcome"] == "not_run"), "{}", outcomes(&lines));
    assert!(recorded.iter().any(|nodeid| nodeid.starts_with("tests/test_fine.py")), "{}", outcomes(&lines));
}

#[test]
fn no_process_outlives_a_run_that_is_killed() {
    let project = Project::new(&[("loops", "")]);
    let mut run = project.runner(&["--jobs", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(run.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let launchers = || project.processes("tgen_worker.py");
    while launchers().is_empty() && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    run.kill().unwrap();
    run.wait().unwrap();
    while !launchers().is_empty() {
        assert!(std::time::Instant::now() < until, "{:?} still run", launchers());
        std::thread::yield_now();
    }
}
