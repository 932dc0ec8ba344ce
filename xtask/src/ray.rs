//! A run on a real head of Ray, on loopback and with a token: one worker and the client are killed on the way, and the results
//! must be whole all the same, with nothing twice.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::python;
use crate::say;
use crate::test::{cargo, root, step};

const PACKAGES: [&str; 2] = ["ray[default]==2.60.0", "pytest==9.2.0"];
/// Made up for this run: Ray wants 32 characters.
const TOKEN: &str = "for-a-head-on-loopback-and-nothing-else";
const PORT: u16 = 8299;
const FILES: usize = 60;
const RUN: &str = "two-deaths";
/// The longest that anything here may take.
const LIMIT: Duration = Duration::from_mins(5);

pub(crate) fn run() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "the workers of Ray are looked for in `/proc`; run this on Linux");
    let programs = python::programs(&PACKAGES)?;
    step("building", cargo().args(["build", "--quiet", "--no-default-features"]))?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    write_project(folder.path())?;
    step("generating and packing", tgen(folder.path()).args(["bundle", "--generate", "--quiet"]))?;
    let mut head = Head::start(&programs, folder.path())?;
    let result = two_deaths(&mut head, folder.path());
    head.end();
    result
}

fn two_deaths(head: &mut Head, project: &Path) -> Result<()> {
    head.wait_until_it_answers(project)?;
    step("submitting", &mut submit(project, &["--run", RUN, "--detach"]))?;
    let mut client = submit(project, &["--attach", RUN]).spawn().context("cannot run the client")?;
    wait_for("the first results", || ended(project) >= FILES / 6)?;
    client.kill().and_then(|()| client.wait()).context("cannot kill the client")?;
    say(&format!("killed the client after {} of {FILES} files", ended(project)));
    let mut killed = None;
    wait_for("a worker that runs tests", || {
        killed = head.worker();
        killed.is_some()
    })?;
    let worker = killed.context("there is no worker")?;
    step("killing a worker", Command::new("kill").args(["-KILL", &worker.to_string()]))?;
    step("attaching again", &mut submit(project, &["--attach", RUN]))?;
    check(project)
}

/// All files have ended, and each test has one attempt.
fn check(project: &Path) -> Result<()> {
    let lines = lines(project);
    let units: HashSet<&str> = lines.iter().filter_map(|line| line["tgen-unit"].as_str()).collect();
    let tests: Vec<&str> = lines.iter().filter_map(|line| line["nodeid"].as_str()).collect();
    let different: HashSet<&str> = tests.iter().copied().collect();
    ensure!(units.len() == FILES && ended(project) == FILES, "{} of {FILES} files have ended", units.len());
    ensure!(tests.len() == 2 * FILES && different.len() == tests.len(), "{} tests have results", tests.len());
    say(&format!("{FILES} files are complete, and nothing is there twice"));
    Ok(())
}

fn write_project(folder: &Path) -> Result<()> {
    let suite = |file: usize| {
        format!(
            "[[suite]]\nname = \"suite-{file}\"\ntemplate = \"slow_{file}.py\"\nmodels = [\"bert\"]\nhardware = [\"cpu\"]\noutput = \"tests/test_{file}.py\"\n"
        )
    };
    let suites: String = (0..FILES).map(suite).collect();
    let config = format!("templates = \"templates\"\n{suites}");
    fs::create_dir(folder.join("templates")).context("cannot make the project")?;
    fs::write(folder.join("tgen.toml"), config).context("cannot make the project")?;
    for file in 0..FILES {
        // Each text differs, for equal texts for one model are one test.
        let test =
            format!("import time\n\n\ndef test_slow_{file}():\n    time.sleep(0.5)\n\n\ndef test_fast():\n    pass\n");
        fs::write(folder.join(format!("templates/slow_{file}.py")), test).context("cannot make the project")?;
    }
    Ok(())
}

fn tgen(project: &Path) -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut tgen = Command::new(target.join("debug/cargo-tgen"));
    tgen.current_dir(project);
    tgen
}

fn submit(project: &Path, arguments: &[&str]) -> Command {
    let mut submit = tgen(project);
    submit.args(["submit", "ray", "--address", &format!("http://127.0.0.1:{PORT}")]).args(arguments);
    submit.env("RAY_AUTH_TOKEN", TOKEN).stdin(Stdio::null());
    submit
}

fn lines(project: &Path) -> Vec<Value> {
    let text = fs::read_to_string(project.join(format!("results/{RUN}.jsonl"))).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn ended(project: &Path) -> usize {
    lines(project).iter().filter(|line| line.get("tgen-unit").is_some()).count()
}

/// Waits for an event.
fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) -> Result<()> {
    let until = Instant::now() + LIMIT;
    while !is_there() {
        if Instant::now() > until {
            bail!("{what} did not come within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A head of Ray that is a child of this process. It is ended by its id: `ray stop` would end those of others.
struct Head(Child);

impl Head {
    fn start(programs: &Path, folder: &Path) -> Result<Self> {
        let mut ray = Command::new(programs.join("ray"));
        ray.args(["start", "--head", "--block", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1"]);
        ray.args(["--port=6399", "--num-cpus=2", "--num-gpus=0", "--disable-usage-stats"]);
        // The sockets below it have names of 107 characters at most.
        ray.arg(format!("--dashboard-port={PORT}")).arg(format!("--temp-dir={}", folder.join("ray").display()));
        ray.env("PATH", python::path_with(programs)?).env("HOME", folder).current_dir(folder);
        ray.env("RAY_AUTH_MODE", "token").env("RAY_AUTH_TOKEN", TOKEN);
        let log = fs::File::create(folder.join("head.log")).context("cannot write the log of the head")?;
        ray.stdin(Stdio::null()).stdout(log.try_clone().context("cannot write the log of the head")?).stderr(log);
        Ok(Self(ray.spawn().context("cannot start Ray")?))
    }

    fn wait_until_it_answers(&mut self, project: &Path) -> Result<()> {
        let mut ended = None;
        wait_for("the head", || {
            ended = self.0.try_wait().ok().flatten();
            // It knows no such run once it answers.
            let asked = submit(project, &["--stop", "none"]).output();
            ended.is_some()
                || asked.is_ok_and(|asked| String::from_utf8_lossy(&asked.stderr).contains("does not know run"))
        })?;
        match ended {
            Some(status) => bail!("Ray has ended: {status}; is one running already?"),
            None => Ok(()),
        }
    }

    /// A worker of this head that runs a test file.
    fn worker(&self) -> Option<u32> {
        let mut processes = vec![self.0.id()];
        let mut at = 0;
        while let Some(&process) = processes.get(at) {
            processes.extend(children(process));
            at += 1;
        }
        let is_worker = |process: &u32| {
            let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            command.starts_with(b"ray::_run_unit") || command.starts_with(b"ray::test")
        };
        processes.into_iter().find(|process| is_worker(process) && !children(*process).is_empty())
    }

    fn end(&mut self) {
        // It ends its own processes when it is asked to.
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let until = Instant::now() + Duration::from_secs(30);
        while asked.is_ok() && Instant::now() < until && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(100));
        }
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>()).collect()
}
