//! A project whose outputs are test files as they stand in `files/`, and runs of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_cargo-tgen");

/// A project with one output for each file.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    /// Instead of the user's own, in which nothing of a test should stay.
    cache: tempfile::TempDir,
}

/// A file of `files/` and further keys of its suite.
pub(crate) type File<'a> = (&'a str, &'a str);

impl Project {
    pub(crate) fn new(files: &[File<'_>]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        let mut config = "templates = \"templates\"\n".to_owned();
        for (name, keys) in files {
            let suite = format!(
                "[[suite]]\nname = \"{name}\"\ntemplate = \"{name}.py\"\nmodels = [\"bert\"]\nhardware = [\"cpu\"]\noutput = \"tests/test_{name}.py\"\n{keys}\n"
            );
            config.push_str(&suite);
            let text =
                fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/run/files/{name}.py")));
            project.write(&format!("templates/{name}.py"), &text.unwrap());
        }
        project.write("tgen.toml", &config);
        let generated = project.command(&["generate"]).output().unwrap();
        assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
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

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.cache.path()).env("NO_COLOR", "1").env_remove("VIRTUAL_ENV");
        // The files are read from top to bottom, whatever plugins the interpreter has.
        command.env("HOME", self.cache.path()).env("PYTEST_ADDOPTS", "-p no:randomly");
        command
    }

    /// `cargo tgen run` with these arguments.
    pub(crate) fn runner(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["run", "--python"]);
        command.arg(&*PYTHON).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        let output = self.runner(arguments).output().unwrap();
        Finished { output, lines: self.lines() }
    }

    /// The processes that work in its folder and have this in their command line.
    pub(crate) fn processes(&self, command: &str) -> Vec<String> {
        let root = self.folder.path().canonicalize().unwrap();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let is_meant = |entry: &fs::DirEntry| {
            let is_here = fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == root);
            is_here && fs::read_to_string(entry.path().join("cmdline")).is_ok_and(|found| found.contains(command))
        };
        processes.filter(is_meant).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// The lines of all results files, in the order of the runs.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let Ok(folder) = fs::read_dir(self.path("results")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// A run that has ended.
pub(crate) struct Finished {
    pub(crate) output: Output,
    lines: Vec<Value>,
}

impl Finished {
    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The attempts of tests, by name without the file: their outcomes in order.
    pub(crate) fn outcomes(&self) -> String {
        outcomes(&self.lines)
    }

    /// The reason of a test's last attempt.
    pub(crate) fn reason(&self, test: &str) -> String {
        let of_test = |line: &&Value| line["nodeid"].as_str().is_some_and(|nodeid| nodeid.ends_with(test));
        let line = self.lines.iter().rfind(of_test).unwrap();
        line["reason"].as_str().unwrap().to_owned()
    }
}

/// A line for each test: its name and the outcomes of its attempts.
pub(crate) fn outcomes(lines: &[Value]) -> String {
    let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        if let (Some(nodeid), Some(outcome)) = (line["nodeid"].as_str(), line["outcome"].as_str()) {
            tests.entry(nodeid.trim_start_matches("tests/")).or_default().push(outcome);
        }
    }
    let mut text = String::new();
    for (nodeid, outcomes) in tests {
        writeln!(text, "{nodeid}: {}", outcomes.join(", ")).unwrap();
    }
    text
}

/// The interpreter that runs the tests.
pub(crate) fn python() -> &'static Path {
    &PYTHON
}

/// An interpreter with numpy and pytest: that of `TGEN_TEST_PYTHON`, which `cargo xtask test` sets, or one that it has made before, or
/// the first on `PATH`.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let named = std::env::var_os("TGEN_TEST_PYTHON").map(PathBuf::from);
    let made = dirs::cache_dir().unwrap_or_default().join("cargo-tgen");
    let made = fs::read_dir(made).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python"));
    let candidates: Vec<PathBuf> = named.into_iter().chain(made).chain([PathBuf::from("python3")]).collect();
    let has_packages = |python: &&PathBuf| {
        let imported = Command::new(python).args(["-c", "import numpy, pytest"]).output();
        imported.is_ok_and(|output| output.status.success())
    };
    candidates.iter().find(has_packages).expect("no Python with numpy and pytest; `cargo xtask test` makes one").clone()
});
