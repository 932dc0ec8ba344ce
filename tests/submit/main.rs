//! `cargo tgen submit ray` against heads that do what real ones have done: refuse, forget, repeat themselves, go away.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod head;

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::head::{Head, Reply, Request, results};

const BINARY: &str = env!("CARGO_BIN_EXE_cargo-tgen");
const CONFIG: &str = r#"
templates = "templates"
[[suite]]
name = "checks"
template = "check.py"
models = ["bert", "vit"]
hardware = ["cpu"]
output = "tests/test_{{ model_name }}.py"
"#;

/// A project with two test files.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tgen.toml"), CONFIG).unwrap();
        fs::create_dir(folder.path().join("templates")).unwrap();
        fs::write(folder.path().join("templates/check.py"), "def test_it():\n    pass\n").unwrap();
        let project = Self { folder };
        assert!(project.command(&["generate", "--quiet"]).status().unwrap().success());
        project
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command.env_remove("RAY_AUTH_TOKEN").env_remove("RAY_API_SERVER_ADDRESS");
        for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }

    fn submit(&self, head: &Head, arguments: &[&str]) -> Finished {
        let mut command = self.command(&["submit", "ray", "--address", &head.address]);
        command.args(arguments).env("RAY_AUTH_TOKEN", "secret");
        command.output().unwrap().into()
    }

    fn lines(&self, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join(format!("results/{run}.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Finished {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Finished {
    #[track_caller]
    fn check(&self, code: i32, part: &str) {
        assert!(
            self.code == code && (self.out.contains(part) || self.err.contains(part)),
            "code {}, expected {code} and `{part}`\n{}{}",
            self.code,
            self.out,
            self.err
        );
    }
}

fn header() -> Value {
    json!({"tgen-results": 1, "run": "r1", "started": "2026-03-01T08:00:00Z", "planned": 2})
}

fn unit(model: &str, outcome: &str) -> [Value; 2] {
    let file = format!("tests/test_{model}.py");
    let test = format!("{file}::test_it");
    [
        json!({"run": "r1", "file": file, "nodeid": test, "outcome": outcome, "phases": {"call": outcome}, "unit": file, "hardware": "cpu", "reason": ""}),
        json!({"tgen-unit": file, "run": "r1", "hardware": "cpu", "outcome": outcome}),
    ]
}

/// A job that runs, with a result more each time, and ends so.
fn course(end: &'static str, outcomes: [&str; 2]) -> Vec<(&'static str, String)> {
    let start = results(&[header()]);
    let one = format!("{start}{}1 of 2: tests\n", results(&unit("bert", outcomes[0])));
    let two = format!("{one}{}", results(&unit("vit", outcomes[1])));
    vec![("PENDING", String::new()), ("RUNNING", start), ("RUNNING", one), (end, two)]
}

fn passing() -> Vec<(&'static str, String)> {
    course("SUCCEEDED", ["passed", "passed"])
}

#[test]
fn a_run_is_uploaded_submitted_and_followed_to_its_end() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1"]).check(0, "2 tests: 2 passed");
    assert_eq!(project.lines("r1").len(), 5);
    let [upload] = &head.requests("PUT", "/api/packages/gcs/_ray_pkg_")[..] else { panic!("one upload") };
    assert!(upload.body.starts_with(b"PK"));
    let [post] = &head.requests("POST", "/api/jobs/")[..] else { panic!("one job") };
    assert_eq!(post.path, "/api/jobs/", "the slash matters");
    let job: Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(job["entrypoint"], "python driver.py --ray --run r1");
    let package = upload.path.rsplit('/').next().unwrap();
    assert_eq!(job["runtime_env"]["working_dir"], format!("gcs://{package}"));
    let metadata = job["metadata"].as_object().unwrap();
    assert!(metadata.values().all(Value::is_string), "Ray takes strings only");
    for request in &head.state.lock().unwrap().requests {
        assert_eq!(request.headers["authorization"], "Bearer secret");
        assert!(request.headers["user-agent"].starts_with("cargo-tgen/"), "Ray refuses browsers");
    }
}

#[test]
fn the_driver_is_told_what_is_tried_again() {
    let (project, head) = (Project::new(), Head::new(passing()));
    let retries = ["--retries", "2", "--retry-on", "crashed,Connection reset", "--flaky", "fail"];
    project.submit(&head, &[&["--run", "r1", "--detach", "--device", "rocm=amd"], &retries[..]].concat()).check(0, "");
    let job: Value = serde_json::from_slice(&head.requests("POST", "/api/jobs/")[0].body).unwrap();
    assert_eq!(
        job["entrypoint"],
        "python driver.py --ray --run r1 --device 'rocm=amd' --retries 2 '--retry-on=crashed,Connection reset' --flaky fail"
    );
}

#[test]
fn a_test_that_passed_on_a_retry_counts_as_the_user_wants() {
    let flaky = || {
        let mut course = passing();
        let first = json!({"run": "r1", "file": "tests/test_bert.py", "nodeid": "tests/test_bert.py::test_it", "outcome": "crashed", "attempt": 1, "unit": "tests/test_bert.py", "hardware": "cpu", "reason": ""});
        let [mut second, end] = unit("bert", "passed");
        second["attempt"] = json!(2);
        course[3].1 = results(&[header(), first, second, end]) + &results(&unit("vit", "passed"));
        Head::new(course.split_off(3))
    };
    Project::new().submit(&flaky(), &["--run", "r1"]).check(0, "2 tests: 1 passed, 1 flaky");
    Project::new().submit(&flaky(), &["--run", "r1", "--flaky", "fail"]).check(1, "1 flaky");
}

#[test]
fn the_same_bundle_is_uploaded_once() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1", "--detach"]).check(0, "--attach r1");
    project.submit(&head, &["--run", "r2", "--detach"]).check(0, "--attach r2");
    assert_eq!(head.requests("PUT", "/api/packages").len(), 1);
    assert_eq!(head.requests("POST", "/api/jobs/").len(), 2);
}

#[test]
fn a_job_whose_submission_was_answered_in_vain_is_followed() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1", "--detach"]).check(0, "submitted");
    project.submit(&head, &["--run", "r1"]).check(0, "2 tests: 2 passed");
    project.submit(&head, &["--run", "r1", "--", "-x"]).check(2, "a run `r1` of other tests");
}

#[test]
fn the_verdict_follows_from_results_and_not_from_the_state_of_the_job() {
    let project = Project::new();
    let head = Head::new(course("FAILED", ["passed", "passed"]));
    project.submit(&head, &["--run", "r1"]).check(0, "2 tests: 2 passed");
    let project = Project::new();
    let head = Head::new(course("SUCCEEDED", ["passed", "failed"]));
    project.submit(&head, &["--run", "r1"]).check(1, "1 passed, 1 failed");
    // A worker was lost with its results.
    let project = Project::new();
    let mut lost = passing();
    lost.remove(3);
    lost[2].0 = "SUCCEEDED";
    project.submit(&Head::new(lost), &["--run", "r1"]).check(1, "1 planned unit did not end");
    let project = Project::new();
    let head = Head::new(course("FAILED", ["passed", "infra_error"]));
    assert_eq!(project.submit(&head, &["--run", "r1"]).code, 3);
}

#[test]
fn a_connection_that_is_lost_is_made_again() {
    let project = Project::new();
    let head = Head::with_faults(passing(), |request, number| {
        let is_poll = request.method == "GET" && request.path.starts_with("/api/jobs/");
        match number % 5 {
            0 if is_poll => Some(Reply::HangUp),
            1 if is_poll => Some(Reply::Answer(503, "no agent".to_owned())),
            _ => None,
        }
    });
    let finished = project.submit(&head, &["--run", "r1"]);
    finished.check(0, "2 tests: 2 passed");
    finished.check(0, "trying again");
    assert_eq!(project.lines("r1").len(), 5, "nothing twice");
}

#[test]
fn a_head_that_fails_for_a_while_is_asked_again() {
    let project = Project::new();
    let head = Head::with_faults(passing(), |request, number| {
        let fails = (6..9).contains(&number) && request.path.contains("/api/jobs/tgen-");
        fails.then(|| Reply::Answer(500, "Traceback: the agent has gone".to_owned()))
    });
    let finished = project.submit(&head, &["--run", "r1"]);
    finished.check(0, "2 tests: 2 passed");
    finished.check(0, "status 500: Traceback: the agent has gone; trying again");
}

#[test]
fn a_log_that_is_cut_while_it_comes_is_read_again_and_nothing_is_recorded_twice() {
    let project = Project::new();
    let head = Head::with_faults(passing(), |request, number| {
        (request.path.ends_with("/logs") && number % 4 == 0).then(|| {
            let begun = json!({"logs": results(&[header()]) + &results(&unit("bert", "passed"))}).to_string();
            Reply::Cut(begun)
        })
    });
    project.submit(&head, &["--run", "r1"]).check(0, "2 tests: 2 passed");
    assert_eq!(project.lines("r1").len(), 5, "nothing twice");
}

#[test]
fn a_log_with_more_than_a_line_can_have_is_read_for_its_results() {
    let project = Project::new();
    let mut course = passing();
    let noise = "x\u{1f980}\\\"\t".repeat(3_000_000);
    let end = course.pop().unwrap();
    course.push((end.0, format!("{noise}\n{}", end.1)));
    project.submit(&Head::new(course.split_off(3)), &["--run", "r1"]).check(0, "2 tests: 2 passed");
}

/// Results go to a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_here_leaves_the_run_and_says_how_to_come_back() {
    let (project, head) = (Project::new(), Head::new(passing()));
    let finished = project.submit(&head, &["--run", "r1", "--results", "/dev/full"]);
    finished.check(2, "run `r1` goes on");
    finished.check(2, "--attach r1");
    assert!(head.state.lock().unwrap().stopped.is_empty());
}

#[cfg(unix)]
#[test]
fn a_client_that_is_killed_has_recorded_whole_lines_and_comes_back() {
    let project = Project::new();
    let run = "r1";
    let half = results(&[header()]) + &results(&unit("bert", "passed"));
    let head = Head::new(vec![("RUNNING", half.clone())]);
    let mut command = project.command(&["submit", "ray", "--address", &head.address, "--run", run]);
    let mut submit = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    while fs::read_to_string(project.folder.path().join("results/r1.jsonl")).unwrap_or_default().lines().count() < 3 {
        std::thread::yield_now();
    }
    submit.kill().unwrap();
    submit.wait().unwrap();
    // As a kill in the middle of a write leaves it.
    let path = project.folder.path().join("results/r1.jsonl");
    let mut torn = fs::read(&path).unwrap();
    torn.truncate(torn.len() - 20);
    fs::write(&path, torn).unwrap();
    head.state.lock().unwrap().course = vec![("SUCCEEDED", half + &results(&unit("vit", "passed")))];
    project.submit(&head, &["--attach", run]).check(0, "2 tests: 2 passed");
}

#[test]
fn a_run_that_was_left_is_followed_again_and_nothing_is_recorded_twice() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1"]).check(0, "2 passed");
    project.submit(&head, &["--attach", "r1"]).check(0, "2 tests: 2 passed");
    assert_eq!(project.lines("r1").len(), 5, "nothing twice");
}

#[cfg(unix)]
#[test]
fn a_run_that_two_clients_have_recorded_counts_once() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1"]).check(0, "2 tests: 2 passed");
    let file = project.folder.path().join("results/r1.jsonl");
    fs::write(&file, fs::read_to_string(&file).unwrap().repeat(2)).unwrap();
    let again = project.submit(&head, &["--attach", "r1"]);
    again.check(0, "2 tests: 2 passed");
    assert!(!again.out.contains("did not end"), "{}", again.out);
}

#[test]
fn ctrl_c_leaves_a_run_and_says_how_to_come_back() {
    use std::process::Stdio;

    let (project, head) = (Project::new(), Head::new(vec![("RUNNING", results(&[header()]))]));
    let mut command = project.command(&["submit", "ray", "--address", &head.address, "--run", "r1"]);
    let submit = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while head.requests("GET", "/logs").is_empty() {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&submit);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    Finished::from(submit.wait_with_output().unwrap()).check(2, "left run `r1`, which goes on");
    assert!(head.state.lock().unwrap().stopped.is_empty());
}

#[test]
fn a_run_is_stopped() {
    let (project, head) = (Project::new(), Head::new(passing()));
    project.submit(&head, &["--run", "r1", "--detach"]).check(0, "submitted");
    project.submit(&head, &["--stop", "r1"]).check(0, "asked for the end");
    assert_eq!(head.state.lock().unwrap().stopped, ["tgen-r1"]);
    project.submit(&head, &["--stop", "r9"]).check(2, "does not know run `r9`");
}

#[test]
fn a_head_that_was_started_again_has_forgotten_the_run() {
    let project = Project::new();
    let head = Head::with_faults(passing(), |request, number| {
        (number > 6 && request.path.contains("tgen-r1")).then(|| Reply::Answer(404, String::new()))
    });
    project.submit(&head, &["--run", "r1"]).check(2, "`--rerun r1` submits what has no recorded pass");
}

#[test]
fn what_has_no_recorded_pass_is_submitted_again() {
    let project = Project::new();
    let head = Head::new(course("STOPPED", ["passed", "failed"]));
    project.submit(&head, &["--run", "r1"]).check(1, "1 passed, 1 failed");
    let head = Head::new(vec![("RUNNING", String::new())]);
    project.submit(&head, &["--rerun", "r1", "--run", "r2", "--detach"]).check(0, "submitted");
    let plan = plan_of(&head);
    assert_eq!(plan["rerun_of"], "r1");
    let names: Vec<&Value> = plan["units"].as_array().unwrap().iter().map(|unit| &unit["name"]).collect();
    assert_eq!(names, ["tests/test_vit.py"]);
    project.submit(&head, &["--rerun", "r9"]).check(2, "there is no run `r9` in the results");
    let project = Project::new();
    project.submit(&Head::new(passing()), &["--run", "r1"]).check(0, "2 passed");
    project.submit(&head, &["--rerun", "r1"]).check(0, "everything has passed already");
}

/// The plan in the bundle that was uploaded.
fn plan_of(head: &Head) -> Value {
    let upload = head.requests("PUT", "/api/packages").remove(0);
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(upload.body)).unwrap();
    serde_json::from_reader(zip.by_name("plan.json").unwrap()).unwrap()
}

#[test]
fn a_refusal_says_what_to_do() {
    let check = |fault: fn(&Request, usize) -> Option<Reply>, part: &str| {
        Project::new().submit(&Head::with_faults(passing(), fault), &["--run", "r1"]).check(2, part);
    };
    check(|_, _| Some(Reply::Answer(401, String::new())), "`RAY_AUTH_TOKEN`");
    check(|_, _| Some(Reply::Answer(403, String::new())), "`--token-file`");
    check(|_, _| Some(Reply::Answer(200, "<html>".to_owned())), "does not answer as Ray does");
    check(|_, _| Some(Reply::Answer(200, "x".repeat(5 << 20))), "is larger than");
    check(|_, _| Some(Reply::HangUp), "cannot reach Ray");
    check(
        |request, _| (request.method == "PUT").then(|| Reply::Answer(413, "too large".to_owned())),
        "refuses with status 413: too large",
    );
    // Whether Ray has taken the job is not known then.
    check(|request, _| (request.method == "POST").then_some(Reply::HangUp), "`--run r1` tries again");
}

#[test]
fn a_redirection_does_not_lead_the_token_away() {
    let other = Head::new(passing());
    let to = other.address.clone();
    let head = Head::with_faults(passing(), move |_, _| Some(Reply::Redirect(format!("{to}/api/version"))));
    assert_eq!(Project::new().submit(&head, &["--run", "r1"]).code, 2);
    assert!(other.state.lock().unwrap().requests.is_empty());
}

#[test]
fn a_job_that_ends_without_results_tells_why_and_steers_no_terminal() {
    let project = Project::new();
    let head = Head::new(vec![("FAILED", "no pip\u{1b}[2J\n::error::x\n".to_owned())]);
    head.state.lock().unwrap().message = "runtime_env setup failed\u{202e}".to_owned();
    let finished = project.submit(&head, &["--run", "r1"]);
    finished.check(2, "has no results: FAILED");
    finished.check(2, "runtime_env setup failed");
    let steers = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!finished.err.contains(steers) && !finished.err.contains("\n::error"), "{:?}", finished.err);
}

#[test]
fn results_of_another_run_in_the_log_are_not_ours() {
    let project = Project::new();
    let mut course = passing();
    let other = json!({"run": "r2", "file": "x.py", "nodeid": "x.py::y", "outcome": "failed", "hardware": "cpu"});
    course[3].1.push_str(&results(&[other]));
    project.submit(&Head::new(course), &["--run", "r1"]).check(0, "2 tests: 2 passed");
}

#[test]
fn nonsense_on_the_command_line_is_told_before_anything_is_sent() {
    let (project, head) = (Project::new(), Head::new(passing()));
    let wrong = |arguments: &[&str], part: &str| project.submit(&head, arguments).check(2, part);
    wrong(&["--run", "a b"], "letters, digits");
    wrong(&["--device", "cuda"], "`rocm=amd_gpu`");
    wrong(&["--attach", "r1", "--stop", "r1"], "cannot be used with");
    wrong(&["--token-file", "missing"], "cannot read the token");
    let output = project.command(&["submit", "ray", "--address", "head:8265"]).output().unwrap();
    Finished::from(output).check(2, "`http://HOST:8265`");
    let runtime_env = project.folder.path().join("env.json");
    fs::write(&runtime_env, "{\"working_dir\": \".\"}").unwrap();
    wrong(&["--runtime-env", "env.json"], "`--include`");
    wrong(&["--runtime-env", "missing"], "it does not exist; give `--runtime-env` a JSON file");
    wrong(
        &["--token-file", "env.json"],
        "`env.json`: the token is empty or has spaces; write nothing but the token there",
    );
    for results in [".", "tgen.toml", "tgen.toml/results.jsonl"] {
        wrong(
            &["--results", results],
            "nothing was submitted; give `--results` a file that can be written, or a new name",
        );
    }
    wrong(&["--runtime-env", "missing", "--results", "new.jsonl"], "it does not exist");
    assert!(!project.folder.path().join("new.jsonl").exists());
    assert!(head.requests("PUT", "").is_empty() && head.requests("POST", "").is_empty());
}
