//! A project in a folder of its own, and a watch over it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::library;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_cargo-tgen");
/// Nothing that works takes so long, on whatever machine.
const LIMIT: Duration = Duration::from_mins(1);

const CONFIG: &str = r#"
templates = "templates"
[[suite]]
name = "s"
template = ["own/{{ normalized_name }}.py.tera", "t.py.tera"]
models = ["bert", "vit"]
output = "out/test_{{ normalized_name }}.py"
"#;

pub(crate) struct Project {
    folder: tempfile::TempDir,
    /// Instead of the user's own, in which nothing of a test should stay.
    cache: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// On a file system that every Linux has.
    #[cfg(target_os = "linux")]
    pub(crate) fn in_memory() -> Self {
        Self::in_folder(tempfile::tempdir_in("/dev/shm").unwrap())
    }

    fn in_folder(folder: tempfile::TempDir) -> Self {
        let project = Self { folder, cache: tempfile::tempdir().unwrap() };
        project.write("tgen.toml", CONFIG);
        project.write("templates/t.py.tera", "x = {{ model_name | py_str }}\n");
        project
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    /// How many files say that a watch writes.
    #[cfg(unix)]
    pub(crate) fn locks(&self) -> usize {
        let projects = fs::read_dir(self.cache.path().join("cargo-tgen/projects")).into_iter().flatten().flatten();
        projects.filter(|project| project.path().join("watch").exists()).count()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("tgen").args(arguments).current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.cache.path()).env("DUCKDB_LIB_DIR", library::folder());
        command.env("NO_COLOR", "1").env("CI", "true").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What git says to a command in the project.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every output becomes what a fresh generate would write: a watch may have read a file that was being written, and
    /// reads it again.
    #[track_caller]
    pub(crate) fn assert_becomes_fresh(&self) {
        wait_until(|| self.run(&["check"]).status.code() == Some(0));
    }

    /// Files that are being written, or were left behind.
    #[cfg(unix)]
    pub(crate) fn temporary_files(&self) -> usize {
        let entries = fs::read_dir(self.path("out")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tgen-")).count()
    }

    /// Begins a watch and waits until it has built everything once.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Watch {
        let watch = self.watch_unsettled(arguments);
        watch.wait_for(|event| event["occasion"] == "start");
        watch
    }

    /// Begins a watch.
    pub(crate) fn watch_unsettled(&self, arguments: &[&str]) -> Watch {
        let mut all = vec!["watch", "--json"];
        all.extend(arguments);
        let mut child = self.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, events) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("`{line}` is not JSON"));
                if tell.send(event).is_err() {
                    return;
                }
            }
        });
        Watch { child, events }
    }
}

pub(crate) struct Watch {
    pub(crate) child: Child,
    events: Receiver<Value>,
}

impl Watch {
    /// The first event of that kind from now on.
    #[track_caller]
    pub(crate) fn wait_for(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let limit = Instant::now() + LIMIT;
        let mut seen = Vec::new();
        loop {
            match self.events.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(event) if is_it(&event) => return event,
                Ok(event) => seen.push(event),
                Err(error) => panic!("{error}, and this happened: {seen:#?}"),
            }
        }
    }

    /// The next rebuild that writes something.
    #[track_caller]
    pub(crate) fn wait_for_written(&self) -> Vec<String> {
        written(&self.wait_for(|event| !written(event).is_empty()))
    }

    /// Whatever is told until nothing is told for a while.
    pub(crate) fn events_until_quiet(&self, quiet: Duration) -> Vec<Value> {
        std::iter::from_fn(|| self.events.recv_timeout(quiet).ok()).collect()
    }

    /// Ends the watch as Ctrl-C would, and gives its exit code.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code()
    }

    /// What it said on standard error, after its end.
    pub(crate) fn said(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The outputs that a rebuild wrote.
pub(crate) fn written(event: &Value) -> Vec<String> {
    let paths = event["written"].as_array().into_iter().flatten();
    paths.filter_map(|path| path.as_str().map(str::to_owned)).collect()
}

/// The codes of the problems that stand after a rebuild.
pub(crate) fn codes(event: &Value) -> Vec<String> {
    let problems = event["problems"].as_array().into_iter().flatten();
    problems.filter_map(|problem| problem["code"].as_str().map(str::to_owned)).collect()
}

/// Waits for something that no event tells.
#[track_caller]
pub(crate) fn wait_until(mut has_happened: impl FnMut() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !has_happened() {
        assert!(Instant::now() < limit, "it did not happen");
        std::thread::yield_now();
    }
}

/// A folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy_folder(&entry.path(), &target) } else { drop(fs::copy(entry.path(), target)) }
    }
}
