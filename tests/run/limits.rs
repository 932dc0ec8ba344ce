//! What the command line allows: retries, shards, an early end, pytest's own options.

use insta::assert_snapshot;

use crate::project::Project;

#[test]
fn a_test_that_passes_on_a_retry_keeps_both_attempts_and_may_count_as_failed() {
    let project = Project::new(&[("flaky", "")]);
    let finished = project.run(&["--retries", "2", "--flaky", "fail"]);
    assert_snapshot!(finished.outcomes(), @"
    test_flaky.py::test_crashes_once: crashed, passed
    test_flaky.py::test_steady: passed
    ");
    assert_eq!(finished.code(), 1);
    assert_eq!(project.run(&[]).code(), 0);
}

#[test]
fn after_enough_failures_nothing_more_is_started() {
    let project = Project::new(&[("outcomes", ""), ("fine", "")]);
    let finished = project.run(&["--fail-fast", "--jobs", "1"]);
    assert_eq!(finished.code(), 1);
    assert!(finished.outcomes().contains("test_fine.py: not_run"), "{}", finished.outcomes());
}

#[test]
fn arguments_of_pytest_are_passed_on() {
    let project = Project::new(&[("outcomes", ""), ("fine", "")]);
    let finished = project.run(&["-k", "test_passes or test_one", "--", "-q"]);
    assert_snapshot!(finished.outcomes(), @"
    test_fine.py::test_one: passed
    test_outcomes.py::test_passes: passed
    ");
    let wrong = project.run(&["--", "--no-such-option"]);
    assert!(wrong.reason("test_fine.py").contains("unrecognized arguments"), "{}", wrong.outcomes());
}

#[test]
fn the_shards_together_run_every_file_once() {
    let project = Project::new(&[("fine", ""), ("segfault", ""), ("moves", "")]);
    project.run(&["--shard", "1/2"]);
    let finished = project.run(&["--shard", "2/2"]);
    assert_snapshot!(finished.outcomes(), @"
    test_fine.py::test_one: passed
    test_fine.py::test_two: passed
    test_moves.py::test_after: passed
    test_moves.py::test_leaves_the_folder_and_its_environment: passed
    test_segfault.py::test_after: passed
    test_segfault.py::test_before: passed
    test_segfault.py::test_crashes: crashed
    ");
}

#[test]
fn a_file_that_is_known_to_need_more_memory_than_there_is_is_not_tried() {
    let project = Project::new(&[("fine", "memory-gb = 64")]);
    let finished = project.run(&["--memory", "1GB"]);
    assert_snapshot!(finished.outcomes(), @"test_fine.py: blocked");
    assert_eq!(finished.reason("test_fine.py"), "it needs 64 GB of memory (stated), and there is 1 GB");
    assert_eq!(finished.code(), 1);
}

#[test]
fn nothing_runs_without_a_python_that_has_pytest() {
    let project = Project::new(&[("fine", "")]);
    let output = project.command(&["run", "--python", "no-such-python"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`no-such-python` is no program"));
}

#[test]
fn what_would_run_is_listed() {
    let project = Project::new(&[("fine", ""), ("segfault", "")]);
    assert_snapshot!(project.run(&["--list"]).stdout(), @"
    tests/test_fine.py on cpu
    tests/test_segfault.py on cpu
    ");
    let schedule = project.run(&["--dry-run", "--memory", "8GB"]);
    assert!(schedule.stdout().contains("2 files, expected to take"), "{}", schedule.stdout());
    assert!(project.lines().is_empty());
}
