//! What a careless or hostile user does: nothing is torn, nothing is lost, every refusal says what to do.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::BINARY;

const CONFIG: &str = r#"
templates = "templates"
[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert"]
output = "out/test_{{ normalized_name }}.py"
"#;

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
    /// Instead of the user's own, in which nothing of a test should stay.
    cache: tempfile::TempDir,
}

impl Project {
    fn new(template: &[u8]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        project.write("tgen.toml", CONFIG.as_bytes());
        project.write("templates/t.py.tera", template);
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("tgen").args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env("XDG_CACHE_HOME", self.cache.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must end with `code` and say `words`, and must not panic.
    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, words: &str) {
        let output = self.run(arguments);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }

    fn temporary_files(&self) -> usize {
        let entries = fs::read_dir(self.path("out")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tgen-")).count()
    }
}

#[test]
fn a_binary_template_is_named() {
    Project::new(b"\xff\xfe\x00").check(&["generate"], 1, "it is not UTF-8 text");
}

#[test]
fn a_configuration_that_cannot_be_read_writes_nothing() {
    let project = Project::new(b"x = 1\n");
    project.write("tgen.toml", b"templates = [[[");
    project.check(&["generate"], 2, "nothing was rendered or written");
    assert!(!project.path("out").exists());
}

#[test]
fn a_very_large_template_is_rendered() {
    let project = Project::new("# 0123456789\n".repeat(600_000).as_bytes());
    project.check(&["generate"], 0, "wrote 1 of 1 output");
    project.check(&["check"], 0, "1 output is fresh");
}

#[test]
fn a_loop_without_end_ends() {
    let started = Instant::now();
    Project::new(b"{% for i in range(end=1000000000) %}{% endfor %}").check(&["generate"], 1, "limit-exceeded");
    let nested = b"{% for i in range(end=90000) %}{% for j in range(end=90000) %}{% endfor %}{% endfor %}";
    Project::new(nested).check(&["generate"], 1, "limit-exceeded");
    assert!(started.elapsed() < Duration::from_mins(1));
}

#[test]
fn names_that_differ_only_in_case_collide() {
    Project::new(b"x = 1\n").check(
        &["generate", "--model", "bert", "--model", "Bert"],
        1,
        "two cases have the output path",
    );
}

#[test]
fn a_name_that_would_lead_out_is_refused() {
    let project = Project::new(b"x = 1\n");
    for name in ["../../x", "a b", "\"; import os; \"", "/etc/passwd", &"x".repeat(300)] {
        project.check(&["generate", "--model", name], 1, "invalid-model-name");
    }
    assert!(!project.path("out").exists());
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_project_is_not_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let project = Project::new(b"x = 1\n");
    std::os::unix::fs::symlink(elsewhere.path(), project.path("out")).unwrap();
    project.check(&["generate"], 1, "leads out of");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn the_mode_of_an_output_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote");
    fs::set_permissions(project.path("out/test_bert.py"), fs::Permissions::from_mode(0o755)).unwrap();
    project.write("templates/t.py.tera", b"x = 2\n");
    project.check(&["generate"], 0, "wrote");
    let mode = fs::metadata(project.path("out/test_bert.py")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[cfg(unix)]
#[test]
fn a_template_that_becomes_a_program_makes_its_fresh_outputs_programs() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote 1 of 1 output");
    project.check(&["check"], 0, "1 output is fresh");
    fs::set_permissions(project.path("templates/t.py.tera"), fs::Permissions::from_mode(0o755)).unwrap();
    project.check(&["check"], 1, "1 output: 1 stale");
    project.check(&["generate", "--dry-run"], 0, "would write 1 of 1 output");
    project.check(&["generate"], 0, "wrote 1 of 1 output");
    let mode = fs::metadata(project.path("out/test_bert.py")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    project.check(&["check"], 0, "1 output is fresh");
    project.check(&["generate"], 0, "1 fresh");
}

/// What git leaves where two branches have changed an output; `edit` is what a person did to the file of one.
#[track_caller]
fn check_conflict(edit: impl Fn(String) -> String, code: i32, checked: &str, generated: &str) {
    let project = Project::new(b"x = 1\n");
    let text = |template: &[u8]| {
        project.write("templates/t.py.tera", template);
        project.check(&["generate"], 0, "wrote 1 of 1 output");
        fs::read_to_string(project.path("out/test_bert.py")).unwrap()
    };
    let (ours, theirs) = (edit(text(b"x = 1\n")), text(b"x = 2\n"));
    project.write("templates/t.py.tera", b"x = 3\n");
    let conflict = format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> side\n");
    project.write("out/test_bert.py", conflict.as_bytes());
    project.check(&["check"], 1, checked);
    project.check(&["generate", "--merge"], code, generated);
    project.check(&["generate"], code, if code == 0 { "1 fresh" } else { generated });
    let is_left_alone = fs::read_to_string(project.path("out/test_bert.py")).unwrap() == conflict;
    assert_eq!(is_left_alone, code != 0);
}

#[test]
fn a_conflict_is_overwritten_only_where_both_sides_are_as_they_were_generated() {
    check_conflict(|text| text, 0, "1 output is conflicted", "wrote 1 of 1 output");
    check_conflict(
        |text| text.replace("x = 1", "x = 1  # mine"),
        1,
        "1 output is edited, with git's conflict markers, and perhaps a change by hand: resolve the conflict",
        "`out/test_bert.py` has git's conflict markers",
    );
}

#[test]
fn a_merge_that_is_not_finished_in_a_template_is_written_to_no_output() {
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote 1 of 1 output");
    project.write("templates/t.py.tera", b"<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> side\n");
    for command in ["lint", "check", "generate"] {
        project.check(&[command], 1, "the template has git's conflict markers");
    }
    assert!(!fs::read_to_string(project.path("out/test_bert.py")).unwrap().contains("<<<"));
}

#[test]
fn a_fresh_output_is_not_touched() {
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote");
    let modified = |project: &Project| fs::metadata(project.path("out/test_bert.py")).unwrap().modified().unwrap();
    let before = modified(&project);
    project.check(&["generate"], 0, "1 fresh");
    assert_eq!(modified(&project), before);
}

#[test]
fn an_output_path_that_is_a_folder_is_named() {
    let project = Project::new(b"x = 1\n");
    fs::create_dir_all(project.path("out/test_bert.py")).unwrap();
    project.check(&["generate"], 1, "it is a folder");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_tears_nothing() {
    let project = Project::new(b"x = 1\n");
    let output = project
        .command(&["placeholders"])
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_runs_at_once_and_a_kill_in_the_middle_leave_whole_files() {
    let project = Project::new(b"{% for i in range(end=2000) %}x{{ i }} = 1\n{% endfor %}");
    project.write("tgen.toml", CONFIG.replace("[\"bert\"]", "\"all\"").as_bytes());
    let mut killed = project.command(&["generate"]).stdout(Stdio::null()).spawn().unwrap();
    wait_until(|| project.path("out").exists() && fs::read_dir(project.path("out")).unwrap().count() > 5);
    killed.kill().unwrap();
    killed.wait().unwrap();
    for entry in fs::read_dir(project.path("out")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_whole = || fs::read_to_string(entry.path()).unwrap().ends_with("x1999 = 1\n");
        assert!(name.starts_with(".tgen-") || is_whole(), "`{name}` is torn");
    }
    let left = project.temporary_files();
    let both = [project.command(&["generate"]).spawn().unwrap(), project.command(&["generate"]).spawn().unwrap()];
    assert!(both.into_iter().all(|mut child| child.wait().unwrap().success()));
    project.check(&["check"], 0, "648 outputs are fresh");
    assert!(project.temporary_files() <= left, "only the killed run may leave temporary files");
}

fn wait_until(mut happened: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_mins(1);
    while !happened() {
        assert!(Instant::now() < limit, "it did not happen within a minute");
        std::thread::yield_now();
    }
}

#[test]
fn an_unchanged_project_is_known_to_be_fresh_and_a_touched_one_is_looked_at() {
    let project = Project::new(b"x = 1\n");
    let check = |code: i32| {
        let output = project.command(&["check"]).env_remove("CI").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    };
    project.check(&["generate"], 0, "wrote");
    let old = fs::metadata(project.path("out/test_bert.py")).unwrap().modified().unwrap();
    wait_until(|| old.elapsed().is_ok_and(|age| age > Duration::from_millis(2500)));
    check(0);
    check(0);
    let content = fs::read(project.path("out/test_bert.py")).unwrap();
    // Same size, and the modification time set back: only the content differs.
    fs::write(project.path("out/test_bert.py"), String::from_utf8(content).unwrap().replace("x = 1", "x = 7")).unwrap();
    fs::File::options().write(true).open(project.path("out/test_bert.py")).unwrap().set_modified(old).unwrap();
    check(1);
    project.check(&["generate", "--force"], 0, "wrote");
    project.write("templates/t.py.tera", b"x = 3\n");
    check(1);
}

/// Adopts an edit of the output, where a file of the project has been saved with other line ends.
#[track_caller]
fn check_line_ends_survive_adoption(file: &str, template: &str, edit: [&str; 2], expected: &str) {
    let project = Project::new(template.as_bytes());
    let config = format!("{CONFIG}\n[placeholders]\ngreeting = \"hello\"\n");
    project.write("tgen.toml", config.as_bytes());
    let windows = fs::read_to_string(project.path(file)).unwrap().replace('\n', "\r\n");
    project.write(file, windows.as_bytes());
    project.check(&["generate"], 0, "wrote 1 of 1");
    let output = fs::read_to_string(project.path("out/test_bert.py")).unwrap();
    project.write("out/test_bert.py", output.replace(edit[0], edit[1]).as_bytes());
    project.check(&["adopt"], 0, "adopted 1 output");
    let changed = fs::read_to_string(project.path(file)).unwrap();
    assert_eq!(changed, windows.replace(edit[0], expected));
    project.check(&["check"], 0, "1 output is fresh");
}

#[test]
fn adopting_an_edit_keeps_the_line_ends_of_what_it_changes() {
    check_line_ends_survive_adoption("templates/t.py.tera", "A = 1\nB = 2\n", ["B = 2", "B = 3"], "B = 3");
    let template = "A = {{ greeting | py_str }}\nB = 2\n";
    check_line_ends_survive_adoption("tgen.toml", template, ["hello", "good morning"], "good morning");
}

#[test]
fn adopting_what_cannot_be_read_is_no_success() {
    let project = Project::new(b"x = 1\n");
    fs::create_dir_all(project.path("out/test_bert.py")).unwrap();
    for arguments in [&["adopt"][..], &["adopt", "out/test_bert.py"]] {
        project.check(arguments, 1, "cannot read the output `out/test_bert.py`: it is a folder");
    }
}

#[test]
fn a_bundle_is_written_over_no_file_that_is_none_and_packs_no_bundle() {
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote 1 of 1");
    let before = fs::read(project.path("out/test_bert.py")).unwrap();
    let refused = "`out/test_bert.py` is there and no zip file; delete it, or give `--output` another name";
    project.check(&["bundle", "--output", "out/test_bert.py"], 2, refused);
    assert_eq!(fs::read(project.path("out/test_bert.py")).unwrap(), before);
    let pack = || {
        project.check(&["bundle", "--include", "."], 0, "packed 1 test file");
        fs::read(project.path("bundle.zip")).unwrap()
    };
    assert_eq!(pack(), pack());
}

#[cfg(unix)]
#[test]
fn a_bundle_has_nothing_from_outside_of_the_project() {
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote 1 of 1");
    std::os::unix::fs::symlink("/etc/passwd", project.path("link")).unwrap();
    for include in ["link", "."] {
        project.check(
            &["bundle", "--include", include],
            2,
            "cannot read `link`: it is a link that leads out of the project",
        );
    }
    assert!(!project.path("bundle.zip").exists());
}

#[test]
fn a_report_is_written_over_no_results_and_needs_no_file_that_has_none() {
    let project = Project::new(b"x = 1\n");
    let line = "{\"tgen-results\": 1, \"run\": \"r\", \"started\": \"2026-03-01T08:00:00Z\"}\n";
    project.write("results/r.jsonl", line.as_bytes());
    project.write("results/torn.jsonl", b"{\"tgen-res");
    project.check(&["report"], 0, "torn.jsonl`: no line is a test result: line 1: it was cut short; it is left out");
    for run in [&["report"][..], &["report", "results/r.jsonl"]] {
        let refused = "`results/r.jsonl` has the results that the report is made from; give `--output` another name";
        project.check(&[run, &["--output", "results/r.jsonl"]].concat(), 2, refused);
    }
    assert_eq!(fs::read_to_string(project.path("results/r.jsonl")).unwrap(), line);
    project.check(&["report", "nightly"], 2, "there is no run of that id; there is `r`");
    project.check(&["report", "--output", ""], 2, "`--output` is empty");
}

#[test]
fn files_that_a_command_writes_replace_none_of_another_kind() {
    let project = Project::new(b"x = 1\n");
    let line = "{\"tgen-results\": 1, \"run\": \"r\", \"started\": \"2026-03-01T08:00:00Z\"}\n";
    project.write("results/r.jsonl", line.as_bytes());
    project.check(&["generate"], 0, "wrote 1 of 1");
    let config = fs::read(project.path("tgen.toml")).unwrap();
    for (command, kind) in [
        (&["results", "merge", "results/r.jsonl"][..], "results file"),
        (&["report"], "report of that format"),
        (&["report", "--format", "markdown"], "report of that format"),
        (&["report", "--format", "junit"], "report of that format"),
        (&["report", "--format", "json"], "report of that format"),
        (&["emit", "slurm", "--shards", "1", "--hardware", "cpu"], "file that `emit` wrote"),
        (&["bundle"], "zip file"),
    ] {
        let refused = format!("`tgen.toml` is there and no {kind}; delete it, or give `--output` another name");
        project.check(&[command, &["--output", "tgen.toml"]].concat(), 2, &refused);
        assert_eq!(fs::read(project.path("tgen.toml")).unwrap(), config);
        // What the command has written is replaced.
        for _ in 0..2 {
            project.check(&[command, &["--output", "written"]].concat(), 0, "`written`");
        }
        fs::remove_file(project.path("written")).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_packed_is_told_with_a_next_step() {
    let project = Project::new(b"x = 1\n");
    project.check(&["generate"], 0, "wrote 1 of 1");
    std::os::unix::fs::symlink("circle", project.path("circle")).unwrap();
    for (include, words) in [
        ("", "`--include` is empty; give it a file or a folder, such as `.` for the whole project"),
        ("circle", "too many levels of symbolic links; give `--include` what is there and can be read"),
        ("nothing", "it does not exist; give `--include` what is there and can be read"),
    ] {
        project.check(&["bundle", "--include", include], 2, words);
    }
}

#[cfg(feature = "store")]
#[test]
fn a_folder_is_no_template_database() {
    let project = Project::new(b"x = 1\n");
    project.check(
        &["plan", "list", "--template-db", "."],
        2,
        "is a folder, not a template database; give `--template-db` a file",
    );
}

#[test]
fn a_folder_of_results_that_is_none_is_named() {
    let project = Project::new(b"x = 1\n");
    project.write("results", b"");
    let next_step = "make it a folder that can be read, or move it away";
    project.check(&["report"], 2, next_step);
    #[cfg(unix)]
    {
        fs::remove_file(project.path("results")).unwrap();
        std::os::unix::fs::symlink("results", project.path("results")).unwrap();
        project.check(&["report"], 2, next_step);
    }
}
