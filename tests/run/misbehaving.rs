//! Files that misbehave, each beside a file that does not.

use std::collections::HashSet;

use insta::assert_snapshot;

use crate::project::{Finished, Project};

fn run(name: &str, keys: &str, arguments: &[&str]) -> Finished {
    // The second file of a folder, as all after it, is forked from a process that pytest is ready in.
    let project = Project::new(&[("fine", ""), (name, keys)]);
    let finished = project.run(arguments);
    let fine = "test_fine.py::test_one: passed\ntest_fine.py::test_two: passed\n";
    assert!(finished.outcomes().contains(fine), "{}{}", finished.outcomes(), finished.stderr());
    finished
}

/// The outcomes of a file's tests.
fn outcomes(finished: &Finished) -> String {
    let lines: Vec<String> =
        finished.outcomes().lines().filter(|line| !line.starts_with("test_fine.py")).map(str::to_owned).collect();
    lines.join("\n")
}

#[test]
fn a_crash_names_its_test_and_keeps_the_others() {
    let finished = run("segfault", "", &[]);
    assert_snapshot!(outcomes(&finished), @"
    test_segfault.py::test_after: passed
    test_segfault.py::test_before: passed
    test_segfault.py::test_crashes: crashed
    ");
    assert_eq!(finished.reason("test_crashes"), "tests/test_segfault.py:11: the process was ended by SIGSEGV");
    assert_eq!(finished.code(), 1);
}

#[test]
fn an_exit_in_the_middle_of_a_test_is_a_crash() {
    let finished = run("exits", "", &["--isolation", "spawn"]);
    assert_snapshot!(outcomes(&finished), @"
    test_exits.py::test_after: passed
    test_exits.py::test_before: passed
    test_exits.py::test_leaves: crashed
    ");
}

#[test]
fn a_keyboard_interrupt_is_a_failure_with_its_place_and_the_rest_of_the_file_runs() {
    for isolation in ["fork", "none"] {
        let finished = run("interrupts", "", &["--isolation", isolation]);
        assert_eq!(
            outcomes(&finished),
            "test_interrupts.py::test_after: passed\ntest_interrupts.py::test_before: passed\n\
            test_interrupts.py::test_interrupts: failed"
        );
        assert_eq!(finished.reason("test_interrupts"), "tests/test_interrupts.py:7: KeyboardInterrupt");
        assert!(finished.stdout().contains("raise KeyboardInterrupt"), "{}", finished.stdout());
        assert_eq!(finished.code(), 1);
    }
}

/// How many processes have run the files that note theirs, after files that end their process.
fn processes_of_four_files(isolation: &str) -> usize {
    let project = Project::new(&[("segfault", ""), ("loops", "test-timeout-seconds = 5"), ("notes_process", "")]);
    let config = std::fs::read_to_string(project.path("tgen.toml")).unwrap();
    let four = "models = [\"bert\", \"gpt2\", \"t5\", \"vit\"]\nhardware = [\"cpu\"]\noutput = \"tests/test_{{ normalized_name }}.py\"\n";
    let suite = "template = \"notes_process.py\"\n";
    let (before, _) = config.split_once(suite).unwrap();
    project.write("tgen.toml", &format!("{before}{suite}{four}"));
    let finished = project.run(&["--generate", "--isolation", isolation, "--jobs", "1"]);
    assert_eq!(
        finished.outcomes(),
        "test_bert.py::test_notes_its_process: passed\ntest_gpt2.py::test_notes_its_process: passed\n\
        test_loops.py::test_after: passed\ntest_loops.py::test_before: passed\ntest_loops.py::test_loops: timed_out\n\
        test_segfault.py::test_after: passed\ntest_segfault.py::test_before: passed\ntest_segfault.py::test_crashes: crashed\n\
        test_t5.py::test_notes_its_process: passed\ntest_vit.py::test_notes_its_process: passed\n",
        "{}",
        finished.stderr()
    );
    let processes = std::fs::read_to_string(project.path("processes")).unwrap();
    processes.lines().collect::<HashSet<_>>().len()
}

#[test]
fn without_isolation_files_share_a_process_until_a_test_ends_it() {
    assert_eq!(processes_of_four_files("none"), 1);
    assert_eq!(processes_of_four_files("spawn"), 4);
}

#[test]
fn a_test_that_takes_too_long_is_ended_and_the_rest_of_its_file_runs() {
    let finished = run("loops", "test-timeout-seconds = 5", &[]);
    assert_snapshot!(outcomes(&finished), @"
    test_loops.py::test_after: passed
    test_loops.py::test_before: passed
    test_loops.py::test_loops: timed_out
    ");
}

#[test]
fn a_test_that_does_not_end_when_it_is_asked_to_is_killed() {
    let finished = run("ignores", "test-timeout-seconds = 5", &["--isolation", "spawn"]);
    assert_snapshot!(outcomes(&finished), @"
    test_ignores.py::test_after: passed
    test_ignores.py::test_ignores_what_it_is_asked: timed_out
    ");
}

#[test]
fn a_test_that_takes_more_memory_than_there_is_is_ended() {
    let finished = run("allocates", "", &["--memory", "500MB"]);
    assert_snapshot!(outcomes(&finished), @"
    test_allocates.py::test_after: passed
    test_allocates.py::test_allocates: oom
    test_allocates.py::test_before: passed
    ");
}

#[test]
fn processes_that_a_file_leaves_behind_are_ended_and_told() {
    let project = Project::new(&[("fine", ""), ("leaks", "")]);
    let finished = project.run(&[]);
    assert_snapshot!(outcomes(&finished), @"
    test_leaks.py::test_leaves_a_child_that_holds_every_pipe: passed
    test_leaks.py::test_leaves_a_daemon: passed
    ");
    assert!(finished.stderr().contains("`tests/test_leaks.py` left processes behind"), "{}", finished.stderr());
    assert_eq!(project.processes(""), Vec::<String>::new());
}

#[test]
fn many_forks_are_ended_with_their_file() {
    let finished = run("forks", "", &[]);
    assert_snapshot!(outcomes(&finished), @"test_forks.py::test_forks_many: passed");
    assert!(finished.stderr().contains("left processes behind"), "{}", finished.stderr());
}

#[test]
fn what_a_test_does_to_its_own_process_stays_there() {
    let project = Project::new(&[("closes", ""), ("fine", ""), ("moves", ""), ("prints", "")]);
    let finished = project.run(&["--jobs", "1"]);
    assert_snapshot!(finished.outcomes(), @"
    test_closes.py::test_after: passed
    test_closes.py::test_closes_its_output: passed
    test_fine.py::test_one: passed
    test_fine.py::test_two: passed
    test_moves.py::test_after: passed
    test_moves.py::test_leaves_the_folder_and_its_environment: passed
    test_prints.py::test_after: passed
    test_prints.py::test_prints: passed
    ");
    assert_eq!(finished.code(), 0, "{}", finished.stderr());
}

#[test]
fn without_isolation_each_file_still_gets_its_outcomes() {
    let names = ["closes", "exits", "fine", "kills_parent", "leaks", "moves", "prints", "segfault"];
    let project = Project::new(&names.map(|name| (name, "")));
    let finished = project.run(&["--isolation", "none"]);
    assert_snapshot!(finished.outcomes(), @"
    test_closes.py::test_after: passed
    test_closes.py::test_closes_its_output: passed
    test_exits.py::test_after: passed
    test_exits.py::test_before: passed
    test_exits.py::test_leaves: crashed
    test_fine.py::test_one: passed
    test_fine.py::test_two: passed
    test_kills_parent.py::test_after: passed
    test_kills_parent.py::test_kills_its_parent: passed
    test_leaks.py::test_leaves_a_child_that_holds_every_pipe: passed
    test_leaks.py::test_leaves_a_daemon: passed
    test_moves.py::test_after: passed
    test_moves.py::test_leaves_the_folder_and_its_environment: passed
    test_prints.py::test_after: passed
    test_prints.py::test_prints: passed
    test_segfault.py::test_after: passed
    test_segfault.py::test_before: passed
    test_segfault.py::test_crashes: crashed
    ");
    assert_eq!(project.processes(""), Vec::<String>::new());
}

#[test]
fn a_launcher_that_a_test_kills_is_replaced() {
    let finished = run("kills_parent", "", &["--jobs", "1"]);
    assert_snapshot!(outcomes(&finished), @"
    test_kills_parent.py::test_after: passed
    test_kills_parent.py::test_kills_its_parent: passed
    ");
    assert!(finished.stderr().contains("another one was started"), "{}", finished.stderr());
}

#[test]
fn each_way_to_end_has_its_outcome() {
    let finished = run("outcomes", "", &[]);
    assert_snapshot!(outcomes(&finished), @"
    test_outcomes.py::test_fails: failed
    test_outcomes.py::test_fails_as_expected: xfailed
    test_outcomes.py::test_has_no_memory: oom
    test_outcomes.py::test_is_doubled[1_0]: passed
    test_outcomes.py::test_is_doubled[1_1]: passed
    test_outcomes.py::test_is_doubled[2]: passed
    test_outcomes.py::test_passes: passed
    test_outcomes.py::test_setup_fails: error
    test_outcomes.py::test_skips: skipped
    test_outcomes.py::test_teardown_fails: error
    ");
    let stdout = finished.stdout();
    assert!(stdout.contains("failed tests/test_outcomes.py::test_fails on cpu"), "{stdout}");
    assert!(stdout.contains("assert 1 == 2"), "{stdout}");
    assert!(stdout.contains("-m pytest tests/test_outcomes.py::test_fails"), "{stdout}");
    assert!(stdout.contains("cargo-tgen explain tests/test_outcomes.py:"), "{stdout}");
    let at_the_template = "error[failed-test]: `tests/test_outcomes.py::test_fails` failed: assert 1 == 2\n";
    let stderr = finished.stderr();
    let (_, place) = stderr.split_once(at_the_template).unwrap_or_else(|| panic!("{stderr}"));
    assert!(place.trim_start().starts_with("--> templates/outcomes.py:"), "{stderr}");
    let underlined = format!(" {}\n", "^".repeat("assert 1 == 2".len()));
    assert!(place.contains(&underlined), "the whole line is underlined: {stderr}");
}

#[test]
fn a_file_that_cannot_be_collected_is_an_error() {
    let finished = run("uncollectable", "", &[]);
    assert_snapshot!(outcomes(&finished), @"test_uncollectable.py: error");
    assert!(finished.reason("test_uncollectable.py").contains("no_such_module_at_all"));
}

#[test]
fn a_full_disk_is_the_machines_failure_and_no_tests() {
    let finished = run("fills", "", &[]);
    assert_snapshot!(outcomes(&finished), @"
    test_fills.py::test_after: passed
    test_fills.py::test_fills_the_disk: infra_error
    ");
    assert!(finished.reason("test_fills_the_disk").contains("No space left on device"));
    assert_eq!(finished.code(), 3);
    let tried_again = run("fills", "", &["--retries", "1"]);
    assert!(
        tried_again.outcomes().contains("test_fills_the_disk: infra_error, infra_error"),
        "{}",
        tried_again.outcomes()
    );
}
