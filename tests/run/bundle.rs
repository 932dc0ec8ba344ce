//! A bundle on a machine without cargo-tgen: unpacked somewhere, run by its driver, read by `cargo tgen results`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

use crate::project::{Project, outcomes, python};

/// A bundle that was unpacked outside of the project.
struct Unpacked {
    folder: tempfile::TempDir,
}

impl Unpacked {
    fn of(project: &Project, arguments: &[&str]) -> Self {
        let packed = project.command(&["bundle"]).args(arguments).output().unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        let folder = tempfile::tempdir().unwrap();
        let unpack = ["-m", "zipfile", "-e"];
        let zip = project.path("bundle.zip");
        assert!(Command::new(python()).args(unpack).arg(zip).arg(folder.path()).status().unwrap().success());
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn driver(&self, arguments: &[&str]) -> Command {
        let mut driver = Command::new(python());
        driver.arg("driver.py").args(arguments).current_dir(self.path());
        driver.env("PYTEST_ADDOPTS", "-p no:randomly -p no:cacheprovider");
        driver
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.driver(arguments).output().unwrap()
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path().join(file)).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_same_project_gives_the_same_bytes_whatever_git_ignores() {
    let project = Project::new(&[("fine", "")]);
    project.write(".gitignore", "*\n");
    let pack = |name: &str| {
        assert!(project.command(&["bundle", "--output", name]).status().unwrap().success());
        fs::read(project.path(name)).unwrap()
    };
    let first = pack("one.zip");
    assert_eq!(first, pack("two.zip"));
    let unpacked = Unpacked::of(&project, &[]);
    assert!(unpacked.path().join("files/tests/test_fine.py").is_file());
}

#[test]
fn each_test_gets_one_line_whatever_it_does_to_its_process() {
    let files = ["fine", "segfault", "kills_parent", "exits", "uncollectable", "outcomes", "interrupts"];
    let project = Project::new(&files.map(|name| (name, "")));
    let unpacked = Unpacked::of(&project, &[]);
    let finished = unpacked.run(&["--run", "r1"]);
    assert_snapshot!(outcomes(&unpacked.lines("results.jsonl")), @"
    test_exits.py::test_after: passed
    test_exits.py::test_before: passed
    test_exits.py::test_leaves: crashed
    test_fine.py::test_one: passed
    test_fine.py::test_two: passed
    test_interrupts.py::test_after: passed
    test_interrupts.py::test_before: passed
    test_interrupts.py::test_interrupts: failed
    test_kills_parent.py::test_after: passed
    test_kills_parent.py::test_kills_its_parent: crashed
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
    test_segfault.py::test_after: passed
    test_segfault.py::test_before: passed
    test_segfault.py::test_crashes: crashed
    test_uncollectable.py: error
    ");
    assert_eq!(finished.status.code(), Some(1), "{}", text(&finished.stderr));
    let again = unpacked.run(&["--run", "r1"]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(unpacked.lines("results.jsonl").iter().filter(|line| !line["nodeid"].is_null()).count(), 24);
}

#[test]
fn a_test_that_takes_too_long_is_ended_and_the_rest_of_its_file_runs() {
    let project = Project::new(&[("ignores", "test-timeout-seconds = 5")]);
    let unpacked = Unpacked::of(&project, &[]);
    unpacked.run(&[]);
    assert_snapshot!(outcomes(&unpacked.lines("results.jsonl")), @"
    test_ignores.py::test_after: passed
    test_ignores.py::test_ignores_what_it_is_asked: timed_out
    ");
}

#[test]
fn a_process_that_ends_while_its_memory_is_measured_is_no_error() {
    let unpacked = Unpacked::of(&Project::new(&[("fine", "")]), &[]);
    // It ends after `pathlib` has asked whether its folder is there.
    let measure = "import pathlib\npathlib.Path.is_dir = lambda *_: True\n\
        from tgen_driver import unit\nprint(unit._children(1 << 30))";
    let output = Command::new(python()).args(["-c", measure]).current_dir(unpacked.path()).output().unwrap();
    assert_eq!(text(&output.stdout), "[]\n", "{}", text(&output.stderr));
}

#[test]
fn what_the_machine_lacks_is_blocked_with_what_there_is() {
    let project = Project::new(&[("fine", "memory-gb = 4096"), ("flaky", "")]);
    let unpacked = Unpacked::of(&project, &[]);
    let finished = unpacked.run(&["--memory", "1GB"]);
    let blocked = unpacked.lines("results.jsonl").into_iter().find(|line| line["outcome"] == "blocked").unwrap();
    assert_eq!(blocked["reason"], "it needs 4096 GB of memory (stated), and there is 1 GB");
    assert_eq!(finished.status.code(), Some(1));
}

#[test]
fn the_shards_are_those_of_run_and_together_they_are_the_whole() {
    let files = ["fine", "flaky", "exits", "segfault", "leaks"];
    let project = Project::new(&files.map(|name| (name, "")));
    let unpacked = Unpacked::of(&project, &[]);
    let mut names = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let of_driver = text(&unpacked.run(&["--list", "--shard", shard]).stdout);
        let of_run = text(&project.command(&["run", "--list", "--shard", shard]).output().unwrap().stdout);
        assert_eq!(of_driver, of_run, "shard {shard}");
        names.extend(of_driver.lines().map(str::to_owned));
    }
    names.sort();
    assert_eq!(names.len(), files.len());
}

#[test]
fn the_results_of_shards_are_merged_and_shown_as_one_run() {
    let project = Project::new(&[("fine", ""), ("outcomes", "")]);
    let unpacked = Unpacked::of(&project, &[]);
    for shard in ["1/2", "2/2"] {
        let file = format!("{}.jsonl", &shard[..1]);
        unpacked.run(&["--shard", shard, "--run", "ci-7", "--results", &file]);
    }
    let command = |arguments: &[&str]| project.command(arguments).current_dir(unpacked.path()).output().unwrap();
    let merged = command(&["results", "merge", "1.jsonl", "2.jsonl", "--output", "all.jsonl"]);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let shown = command(&["results", "show", "all.jsonl"]);
    let shown = text(&shown.stdout);
    assert_snapshot!(shown.lines().last().unwrap(), @"12 tests: 6 passed, 1 failed, 1 skipped, 1 xfailed, 2 error, 1 oom");
    assert!(shown.contains("tests/test_outcomes.py:21: assert 1 == 2"), "{shown}");
}

#[test]
fn a_run_that_was_killed_goes_on_and_runs_nothing_twice() {
    let project = Project::new(&[("fine", ""), ("slow", "")]);
    let unpacked = Unpacked::of(&project, &[]);
    let arguments = ["--run", "r1", "--jobs", "1"];
    let mut driver = unpacked.driver(&arguments).stdout(Stdio::null()).spawn().unwrap();
    let file = unpacked.path().join("results.jsonl");
    wait_until(|| fs::read_to_string(&file).is_ok_and(|text| text.contains("nodeid")));
    driver.kill().unwrap();
    driver.wait().unwrap();
    let mut cut = fs::File::options().append(true).open(&file).unwrap();
    std::io::Write::write_all(&mut cut, b"{\"run\": \"r1\", \"nod").unwrap();
    let before = unpacked.lines("results.jsonl").len();
    let finished = unpacked.run(&arguments);
    assert_eq!(finished.status.code(), Some(0), "{}", text(&finished.stdout));
    let all = unpacked.lines("results.jsonl");
    assert!(before < all.len());
    let mut tests: Vec<&str> = all.iter().filter_map(|line| line["nodeid"].as_str()).collect();
    let count = tests.len();
    tests.sort_unstable();
    tests.dedup();
    assert_eq!(tests.len(), count, "nothing ran twice: {tests:?}");
}

#[test]
fn tests_are_tried_again_as_run_does_it_and_every_attempt_is_kept() {
    let project = Project::new(&[("flaky", ""), ("segfault", "")]);
    let unpacked = Unpacked::of(&project, &[]);
    let finished = unpacked.run(&["--retries", "2", "--retry-on", "crashed,gave way"]);
    assert_snapshot!(outcomes(&unpacked.lines("results.jsonl")), @"
    test_flaky.py::test_crashes_once: crashed, passed
    test_flaky.py::test_steady: passed
    test_segfault.py::test_after: passed
    test_segfault.py::test_before: passed
    test_segfault.py::test_crashes: crashed, crashed, crashed
    ");
    assert!(text(&finished.stdout).contains("1 flaky"), "{}", text(&finished.stdout));
    assert_eq!(finished.status.code(), Some(1));
    let project = Project::new(&[("flaky", "")]);
    let code = |flaky: &str| Unpacked::of(&project, &[]).run(&["--retries", "1", "--flaky", flaky]).status.code();
    assert_eq!((code("pass"), code("fail")), (Some(0), Some(1)));
}

#[test]
fn a_bundle_finishes_a_run_with_the_tests_that_have_no_recorded_pass() {
    let project = Project::new(&[("flaky", ""), ("fine", "")]);
    let first = Unpacked::of(&project, &[]);
    assert_eq!(first.run(&["--run", "r1"]).status.code(), Some(1));
    let results = fs::read_to_string(first.path().join("results.jsonl")).unwrap();
    project.write("results/r1.jsonl", &results);
    let second = Unpacked::of(&project, &["--rerun", "r1"]);
    fs::write(second.path().join("files/tests/test_flaky.seen"), "").unwrap();
    assert_eq!(second.run(&["--run", "r2"]).status.code(), Some(0));
    assert_snapshot!(outcomes(&second.lines("results.jsonl")), @"test_flaky.py::test_crashes_once: passed");
    project.write("results/r2.jsonl", &fs::read_to_string(second.path().join("results.jsonl")).unwrap());
    let shown =
        project.command(&["results", "show", "--run", "r1", "results/r1.jsonl", "results/r2.jsonl"]).output().unwrap();
    assert_snapshot!(text(&shown.stdout).lines().last().unwrap(), @"4 tests: 4 passed");
    let third = project.command(&["bundle", "--rerun"]).output().unwrap();
    assert!(text(&third.stdout).contains("everything has passed already"), "{}", text(&third.stdout));
}

#[test]
fn files_that_were_forked_from_one_process_do_not_see_each_other() {
    let project = Project::new(&[("fine", ""), ("flaky", ""), ("outcomes", ""), ("kills_parent", ""), ("exits", "")]);
    let unpacked = Unpacked::of(&project, &[]);
    unpacked.run(&["--jobs", "1"]);
    let lines = unpacked.lines("results.jsonl");
    let failed = lines.iter().find(|line| line["outcome"] == "failed").unwrap();
    assert!(failed["log"].as_str().unwrap().contains("assert 1 == 2"), "what pytest says is kept: {failed}");
    assert!(lines.iter().all(|line| line["outcome"] != "infra_error"), "a test reaches no process but its own");
}

#[test]
fn nonsense_on_the_command_line_of_the_driver_is_told_with_what_to_write() {
    let unpacked = Unpacked::of(&Project::new(&[("fine", "")]), &[]);
    for (arguments, part) in [
        (["--shard", "0/3"], "`2/4`"),
        (["--memory", "much"], "`500MB`"),
        (["--jobs", "0"], "a number from 1"),
        (["--run", "a b"], "letters, digits"),
        (["--needs", "8GB"], "`8GB..16GB`"),
        (["--retries", "many"], "write a number"),
        (["--retry-on", ","], "parts of a reason"),
    ] {
        let finished = unpacked.run(&arguments);
        assert_eq!(finished.status.code(), Some(2));
        assert!(text(&finished.stderr).contains(part), "{}", text(&finished.stderr));
    }
    fs::write(unpacked.path().join("plan.json"), "{}").unwrap();
    assert!(text(&unpacked.run(&[]).stderr).contains("make the bundle again"));
}

/// Waits for an event, which must come within a minute.
fn wait_until(is_there: impl Fn() -> bool) {
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !is_there() {
        assert!(std::time::Instant::now() < until, "what was waited for did not come");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// What stands for Slurm: `sbatch` runs each index of an array at once, and a job without one when it is told.
const SBATCH: &str = r#"#!/usr/bin/env bash
script=$(cat)
count=1
for option in "$@"; do
  case "$option" in --array=1-*) count=${option#--array=1-} ;; esac
done
echo "$@" >>"$SBATCH_LOG"
for index in $(seq "$count"); do
  SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$index SLURM_CPUS_PER_TASK=2 bash -c "$script" >&2
done
echo "7;cluster"
"#;

#[test]
fn the_script_for_slurm_runs_every_test_once_and_merges_the_results() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new(&[("fine", ""), ("flaky", "memory-gb = 1"), ("outcomes", "memory-gb = 6")]);
    for arguments in [&["bundle"][..], &["emit", "slurm", "--shards", "3", "--output", "submit.sh"]] {
        assert!(project.command(arguments).status().unwrap().success());
    }
    project.write("bin/sbatch", SBATCH);
    fs::set_permissions(project.path("bin/sbatch"), fs::Permissions::from_mode(0o755)).unwrap();
    let folders = [project.path("bin"), python().parent().unwrap().to_owned()];
    let rest = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&rest))).unwrap();
    let mut script = Command::new("bash");
    script.args(["submit.sh", "bundle.zip", "results"]).current_dir(project.path(""));
    script.env("PATH", path).env("SBATCH_LOG", project.path("log")).env("PYTEST_ADDOPTS", "-p no:randomly");
    let finished = script.output().unwrap();
    assert!(finished.status.success(), "{}", text(&finished.stderr));
    let run = fs::read_dir(project.path("results")).unwrap().next().unwrap().unwrap().path();
    let shown = project.command(&["results", "show"]).arg(run.join("results.jsonl")).output().unwrap();
    let shown = text(&shown.stdout);
    assert_snapshot!(shown.lines().last().unwrap(), @"14 tests: 7 passed, 1 failed, 1 skipped, 1 xfailed, 2 error, 1 crashed, 1 oom");
    let log = fs::read_to_string(project.path("log")).unwrap();
    assert!(log.contains("--array=1-2") && log.contains("--mem=4G") && log.contains("--mem=8G"), "{log}");
    assert!(log.contains("--dependency=afterany:7:7"), "{log}");
}

#[test]
fn a_python_without_ray_is_named() {
    let unpacked = Unpacked::of(&Project::new(&[("fine", "")]), &[]);
    let mut driver = Command::new(python());
    // Without the packages of its environment, no Python has Ray.
    driver.args(["-S", "driver.py", "--ray"]).current_dir(unpacked.path());
    let output = driver.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("has no Ray; start the head with the environment of Ray activated"), "{said}");
    assert!(!said.contains("Traceback"), "{said}");
}

#[test]
fn a_mistyped_hardware_type_or_results_file_is_no_success() {
    let unpacked = Unpacked::of(&Project::new(&[("fine", "")]), &[]);
    let notes = unpacked.path().join("notes.txt");
    fs::write(&notes, "mine\n").unwrap();
    for (arguments, words) in [
        (["--hardware", "cdua"], "write some of cpu, cuda, rocm, openvino, mps, qualcomm"),
        (["--hardware", ""], "write some of cpu, cuda, rocm, openvino, mps, qualcomm"),
        (["--results", "notes.txt"], "`notes.txt` is there and no results file; give `--results` another name"),
    ] {
        let output = unpacked.run(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read_to_string(notes).unwrap(), "mine\n");
}
