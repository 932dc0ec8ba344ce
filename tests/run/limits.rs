//! What the command line allows: retries, shards, an early end, pytest's own options.

use insta::assert_snapshot;
use serde_json::Value;

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
}

#[test]
fn arguments_that_pytest_does_not_take_end_the_run_once() {
    for isolation in ["fork", "spawn"] {
        let project = Project::new(&[("outcomes", ""), ("fine", ""), ("moves", "")]);
        let wrong = project.run(&["--isolation", isolation, "--", "--no-such-option"]);
        assert_eq!(wrong.code(), 2);
        let message = "error: pytest cannot start: unrecognized arguments: --no-such-option";
        assert_eq!(wrong.stderr().matches("unrecognized arguments").count(), 1, "{}", wrong.stderr());
        assert!(wrong.stderr().contains(message), "{}", wrong.stderr());
        let expected = "test_fine.py: not_run\ntest_moves.py: not_run\ntest_outcomes.py: not_run\n";
        assert_eq!(wrong.outcomes(), expected);
    }
}

#[cfg(feature = "store")]
#[test]
fn the_tests_of_a_stored_plan_run_by_their_ids() {
    let project = Project::new(&[("fine", "batch-sizes = [1, 2]"), ("outcomes", "")]);
    let planned = project.command(&["plan", "--suite", "fine", "--name", "nightly"]).output().unwrap();
    assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
    let finished = project.run(&["--plan", "nightly"]);
    assert_eq!(finished.code(), 0, "{}{}", finished.stdout(), finished.stderr());
    let lines = project.lines();
    let passed: Vec<_> =
        lines.iter().filter(|line| line["outcome"] == "passed" && line["nodeid"].is_string()).collect();
    assert!(!passed.is_empty() && passed.iter().all(|line| line["test_id"] == line["unit"]), "{lines:?}");
    assert!(
        passed.iter().all(|line| line["file"].as_str().unwrap().starts_with("results/plans/nightly/")),
        "{lines:?}"
    );
    let listed = project.run(&["--plan", "nightly", "--list"]).stdout();
    assert!(listed.starts_with("results/plans/nightly/test_"), "{listed}");
    assert_eq!(project.run(&["--plan", "nigthly"]).code(), 2);
    assert!(!project.path("results/plans/nigthly").exists());
    assert!(project.run(&["--plan", "nightly", "--rerun"]).stdout().contains("everything has passed already"));
}

/// The sets of devices that files have seen in use at a time.
fn devices_in_use(arguments: &[&str]) -> String {
    let project = Project::new(&[("device", "")]);
    project.write(
        "tgen.toml",
        "templates = \"templates\"\n[[suite]]\nname = \"device\"\ntemplate = \"device.py\"\nmodels = [\"bert\", \"gpt2\", \"t5\", \"vit\"]\n\
        hardware = [\"cuda\"]\noutput = \"tests/test_{{ normalized_name }}.py\"\nmemory-gb = 0.1\n",
    );
    let arguments = [&["--generate", "--hardware", "cuda", "--jobs", "4"], arguments].concat();
    let finished = project.run(&arguments);
    assert_eq!(finished.code(), 0, "{}{}", finished.stdout(), finished.stderr());
    let seen = std::fs::read_to_string(project.path("seen")).unwrap();
    let seen: std::collections::BTreeSet<&str> = seen.lines().collect();
    seen.into_iter().collect::<Vec<_>>().join(", ")
}

#[test]
fn each_device_has_one_file_at_a_time() {
    let seen = devices_in_use(&["--devices", "cuda:0,cuda:1"]);
    assert!(seen.contains("0 1"), "{seen}");
    assert!(!seen.contains("0 0") && !seen.contains("1 1"), "{seen}");
}

#[test]
fn a_device_has_as_many_files_at_a_time_as_it_has_slots() {
    let seen = devices_in_use(&["--devices", "cuda:3", "--slots", "2"]);
    assert!(seen.contains("3 3") && !seen.contains("3 3 3"), "{seen}");
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
fn a_python_that_is_too_old_is_named() {
    let project = Project::new(&[("fine", "")]);
    project.write("old/sitecustomize.py", "import types\n\ndel types.UnionType\n");
    let output = project.runner(&[]).env("PYTHONPATH", project.path("old")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("and tests need 3.10 or newer; name another with `--python`"), "{said}");
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

#[test]
fn tests_that_are_not_there_or_that_nothing_matches_are_no_success() {
    let project = Project::new(&[("outcomes", ""), ("fine", "")]);
    let idle = project.run(&["-k", "nothing_of_the_kind"]);
    assert!(idle.stderr().contains("no test was run: none matches `-k nothing_of_the_kind`"), "{}", idle.stderr());
    assert_eq!(idle.code(), 1);

    std::fs::remove_file(project.path("tests/test_outcomes.py")).unwrap();
    let partly = project.run(&[]);
    assert!(partly.stderr().contains("1 output missing and not run"), "{}", partly.stderr());
    assert!(partly.outcomes().contains("test_fine.py::test_one: passed"), "{}", partly.outcomes());
    assert_eq!(partly.code(), 1);
    let of_suite = project.run(&["--suite", "outcomes"]);
    assert!(of_suite.stderr().contains("1 output missing; write them with"), "{}", of_suite.stderr());
    assert_eq!(of_suite.code(), 2);
}

#[test]
fn a_file_in_the_folder_of_results_that_has_none_is_left_out() {
    let project = Project::new(&[("fine", "")]);
    project.write("results/torn.jsonl", "{\"tgen-res");
    let finished = project.run(&[]);
    assert!(finished.stderr().contains("it is left out, and may be deleted"), "{}", finished.stderr());
    assert_eq!(finished.code(), 0);
}

#[test]
fn reasons_name_files_from_the_root_of_the_project() {
    let project = Project::new(&[("outcomes", "")]);
    let reason = project.run(&[]).reason("test_outcomes.py::test_fails");
    assert!(reason.starts_with("tests/test_outcomes.py:"), "{reason}");
}

#[test]
fn what_would_run_is_listed_as_json_and_in_no_format_of_results() {
    let project = Project::new(&[("fine", "memory-gb = 2")]);
    let listed: Value = serde_json::from_str(&project.run(&["--list", "--format", "json"]).stdout()).unwrap();
    let file = &listed["files"][0];
    assert_eq!(
        (&file["file"], &file["hardware"], &file["model"]),
        (&"tests/test_fine.py".into(), &"cpu".into(), &"bert".into())
    );
    let schedule = project.run(&["--dry-run", "--format", "json", "--memory", "8GB"]).stdout();
    let schedule: Value = serde_json::from_str(&schedule).unwrap();
    assert_snapshot!(schedule["files"][0]["memory"], @r#"{"value":2000000000,"origin":"stated"}"#);
    for action in ["--list", "--dry-run"] {
        let refused = project.run(&[action, "--format", "junit"]);
        assert!(refused.stderr().contains("give `--format json`"), "{}", refused.stderr());
        assert_eq!(refused.code(), 2);
    }
}
