//! A project, and commands in it that run under limits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_cargo-tgen");
/// The address space that a command may take, in bytes.
const MOST_MEMORY: u64 = 1 << 30;
/// How long a command may run. Far more than it takes, even without optimization on a busy machine, and far less than for
/// ever.
const LONGEST: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
templates = "templates"
skillset = "skillset"
pipeline-map = "map.json"
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

/// A command that ended.
pub(crate) struct Ended {
    /// None for a signal.
    pub(crate) code: Option<i32>,
    /// What it wrote to both outputs.
    pub(crate) said: String,
}

impl Project {
    /// A project whose outputs are written.
    pub(crate) fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        project.write("tgen.toml", CONFIG);
        project.write("map.json", r#"{"bert": ["fill-mask"], "vit": ["image-classification"]}"#);
        project.write(
            "templates/t.py.tera",
            "X = {{ model_name | py_str }}\n{% if reference %}R = {{ reference.module | py_str }}\n{% endif %}",
        );
        project.write("skillset/hf_bert.py", "class hf_bert:\n    def init_cpu(self): pass\n");
        project.check(&["generate"], &[0], "wrote 2 of 2 outputs");
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

    /// Lets a project's suite run a formatter.
    pub(crate) fn format_with(&self, script: &str) {
        self.format_by(&["sh", "-c", script, "sh"]);
    }

    /// Lets a project's suite run a command as its formatter.
    pub(crate) fn format_by(&self, command: &[&str]) {
        let words: Vec<_> = command.iter().map(|word| toml_string(word)).collect();
        self.write("tgen.toml", &format!("{CONFIG}format = [{}]\n", words.join(", ")));
    }

    /// Lets a project's suite run no formatter.
    pub(crate) fn format_no_more(&self) {
        self.write("tgen.toml", CONFIG);
    }

    /// The contents of a folder's files by their paths.
    pub(crate) fn snapshot(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), &mut files);
        files
    }

    /// A command in the project's folder.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path());
        command.env("NO_COLOR", "1").env("CI", "true").env("XDG_CACHE_HOME", self.cache.path());
        command
    }

    /// A copy of cargo-tgen that every user can run, with the library that it loads.
    pub(crate) fn binary_for_everybody(&self) -> String {
        let binary = self.path("bin/cargo-tgen");
        fs::create_dir(binary.parent().unwrap()).unwrap();
        fs::copy(BINARY, &binary).unwrap();
        let libraries = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        for folder in std::env::split_paths(&libraries) {
            // Where the library is linked in, there is none.
            let _ = fs::copy(folder.join("libduckdb.so"), self.path("bin/libduckdb.so"));
        }
        binary.into_os_string().into_string().unwrap()
    }

    /// Runs cargo-tgen under the limits.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let limits = [(Resource::As, MOST_MEMORY)];
        let mut all = vec![BINARY, "tgen"];
        all.extend(arguments);
        self.run_limited(&all, &limits, arguments)
    }

    /// Runs a program under limits of resources and of time.
    #[track_caller]
    pub(crate) fn run_limited(&self, words: &[&str], limits: &[(Resource, u64)], name: &[&str]) -> Ended {
        let mut said = tempfile::tempfile().unwrap();
        let output = |file: &File| Stdio::from(file.try_clone().unwrap());
        // The shell waits for a line, so that the limits hold from the program's first moment.
        let mut all = vec!["-c", "read -r _ && exec \"$@\" </dev/null", "sh"];
        all.extend(words);
        let mut command = self.command("sh", &all);
        let mut libraries: Vec<_> =
            std::env::split_paths(&std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default()).collect();
        libraries.insert(0, self.path("bin"));
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap());
        let mut child = command.stdin(Stdio::piped()).stdout(output(&said)).stderr(output(&said)).spawn().unwrap();
        let pid = Pid::from_child(&child);
        for (resource, limit) in limits {
            prlimit(Some(pid), *resource, Rlimit { current: Some(*limit), maximum: Some(*limit) }).unwrap();
        }
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        let code = wait(&mut child, name);
        said.seek(SeekFrom::Start(0)).unwrap();
        let mut text = Vec::new();
        said.take(1 << 20).read_to_end(&mut text).unwrap();
        Ended { code, said: String::from_utf8_lossy(&text).into_owned() }
    }

    /// Runs a command that must end with one of some exit codes and say some words.
    #[track_caller]
    pub(crate) fn check(&self, arguments: &[&str], codes: &[i32], words: &str) {
        let ended = self.run(arguments);
        assert!(ended.code.is_some_and(|code| codes.contains(&code)), "{:?}: {}", ended.code, ended.said);
        assert!(ended.said.contains(words), "{}", ended.said);
        assert!(!ended.said.contains("panicked"), "{}", ended.said);
    }

    /// Runs a command that must fail, say some words, and leave the outputs as they were.
    #[track_caller]
    pub(crate) fn check_refused(&self, arguments: &[&str], words: &str) {
        let before = self.snapshot("out");
        self.check(arguments, &[1, 2], words);
        assert_eq!(self.snapshot("out"), before);
    }
}

fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[track_caller]
fn wait(child: &mut Child, name: &[&str]) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("`{}` did not end", name.join(" "));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else {
            let content = if kind.is_file() { fs::read(entry.path()).unwrap() } else { b"no file".to_vec() };
            files.insert(entry.path(), content);
        }
    }
}
