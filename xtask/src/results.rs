//! Runs rendered tests in several processes and parses the results that they write. It does not know the purpose of the
//! run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::python as environments;
use crate::test::{root, step, tgen};

/// The packages that tests of all types need for real models. The optional ones are for a few processors and backbones.
pub(crate) const PACKAGES: [&str; 8] = [
    "numpy==2.4.6",
    "pytest==9.2.0",
    "torch==2.15.0",
    "transformers==5.24.0",
    "pillow==13.0.0",
    "torchvision==0.29.2",
    "timm==1.0.31",
    "scipy==1.17.1",
];

/// The interpreter at this path, or one with exactly these packages.
pub(crate) fn python(path: Option<&str>) -> Result<PathBuf> {
    match path {
        Some(path) => Ok(path.into()),
        None => Ok(environments::programs(&PACKAGES)?.join("python")),
    }
}

/// The platform that the models run on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Cpu,
    Cuda,
    /// The tests for CUDA, on a machine without a GPU.
    SimulatedCuda,
}

impl Platform {
    /// The platform's name in the tests.
    pub(crate) fn hardware(self) -> &'static str {
        if self == Self::Cpu { "cpu" } else { "cuda" }
    }

    fn plugin(self) -> &'static [&'static str] {
        if self == Self::SimulatedCuda { &["-p", "simulated_gpu"] } else { &[] }
    }

    /// Two processes, because more would need more memory than every machine has. With a GPU there is more, and the GPU
    /// does the work.
    pub(crate) fn processes(self) -> usize {
        match self {
            Self::Cuda => std::thread::available_parallelism().map_or(2, |count| count.get().max(3) - 1),
            Self::Cpu | Self::SimulatedCuda => 2,
        }
    }
}

/// Writes a project with the pipeline map of a release of transformers.
pub(crate) fn write_map(project: &Path, release: &Path) -> Result<()> {
    std::fs::create_dir(project).context("cannot make a project")?;
    let name = "huggingface_model_pipeline_map.json";
    let configuration = format!("pipeline-map = \"{name}\"\n");
    std::fs::write(project.join("tgen.toml"), configuration).context("cannot write its configuration")?;
    let mut sync = tgen();
    sync.args(["map", "sync", "--from"]).arg(release).arg("--root").arg(project);
    step("reading the map of that release", sync.stdout(Stdio::null()))
}

/// Runs the tests in a folder with these pytest arguments, and returns the results.
pub(crate) fn run_tests(
    python: &Path,
    tests: &Path,
    platform: Platform,
    arguments: &[&str],
) -> Result<Vec<TestResult>> {
    run_tests_over(python, tests, platform, arguments, None)
}

/// See [`run_tests`]; the packages in a folder take precedence over those of the environment.
pub(crate) fn run_tests_over(
    python: &Path,
    tests: &Path,
    platform: Platform,
    arguments: &[&str],
    packages: Option<&Path>,
) -> Result<Vec<TestResult>> {
    let parts = parts_of(tests, platform.processes())?;
    let arguments = [platform.plugin(), arguments].concat();
    let shards = parts.into_iter().map(|part| Shard::start(python, part, &arguments, packages));
    let shards: Vec<Shard> = shards.collect::<Result<_>>()?;
    let mut results = Vec::new();
    for shard in shards {
        results.extend(shard.finish()?);
    }
    Ok(results)
}

/// Reads the results of `cargo tgen run`: of each test the last attempt.
pub(crate) fn read_run(file: &Path) -> Result<Vec<TestResult>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut last = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("a line of the results is not JSON")?;
        // The others tell of the run and of whole files.
        if let Some(nodeid) = line["nodeid"].as_str().map(str::to_owned) {
            last.insert(nodeid, serde_json::from_value(line).context("a result lacks a key")?);
        }
    }
    Ok(last.into_values().collect())
}

/// Divides the tests of a folder among subfolders, each with a copy of the shared files. Given a folder, pytest
/// collects it once; given single files, it would collect the folder again for each of them.
fn parts_of(tests: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in tests.read_dir().context("nothing was rendered")? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_")) {
            files.push(path);
        }
    }
    files.sort();
    let mut parts = Vec::new();
    for index in 0..count.min(files.len()) {
        let part = tests.join(format!("part_{index}"));
        let support = Path::new("tgen_support");
        std::fs::create_dir_all(part.join(support)).context("cannot make a folder for a process")?;
        for entry in tests.join(support).read_dir().context("there is no support package")? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                copy(&entry.path(), &part.join(support).join(entry.file_name()))?;
            }
        }
        copy(&tests.join("conftest.py"), &part.join("conftest.py"))?;
        for file in files.iter().skip(index).step_by(count) {
            copy(file, &part.join(file.file_name().context("a test has no name")?))?;
        }
        parts.push(part);
    }
    Ok(parts)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).map(drop).with_context(|| format!("cannot copy `{}`", from.display()))
}

/// One process, which runs its part of the files.
struct Shard {
    process: Child,
    results: PathBuf,
}

impl Shard {
    fn start(python: &Path, part: PathBuf, arguments: &[&str], packages: Option<&Path>) -> Result<Self> {
        let results = part.join("results.jsonl");
        let process = Command::new(python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no"])
            .args(arguments)
            .arg(format!("--results={}", results.display()))
            .arg(".")
            .env("OMP_NUM_THREADS", "1")
            .env("PYTHONPATH", python_path(packages.as_slice())?)
            .current_dir(part)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run pytest")?;
        Ok(Self { process, results })
    }

    fn finish(mut self) -> Result<Vec<TestResult>> {
        let status = self.process.wait()?;
        // Failed tests are results too; any other exit code means that pytest itself failed.
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("pytest failed: {status}");
        }
        let text = std::fs::read_to_string(&self.results).context("the tests wrote no results")?;
        text.lines().map(|line| serde_json::from_str(line).context("a result is not JSON")).collect()
    }
}

/// The module search path: these folders, our plugins, and the environment's own path.
pub(crate) fn python_path(folders: &[&Path]) -> Result<OsString> {
    let plugins = root().join("tests/with_torch/plugins");
    let known = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let ours = folders.iter().map(|folder| folder.to_path_buf()).chain([plugins]);
    let all = ours.chain(std::env::split_paths(&known).filter(|path| path.is_absolute()));
    std::env::join_paths(all).context("a folder cannot be in `PYTHONPATH`")
}

/// A line of the tests' results, as far as it is needed here.
#[derive(Deserialize)]
pub(crate) struct TestResult {
    pub(crate) model: Option<String>,
    pub(crate) test: Option<String>,
    pub(crate) task: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) implementation: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) outcome: String,
    pub(crate) reason: String,
    pub(crate) peak_memory: Option<u64>,
}

impl TestResult {
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.outcome.as_str(), self.implementation.as_deref()) {
            ("passed", Some("REAL")) => Verdict::Real,
            ("passed", _) => Verdict::Mock,
            ("skipped", _) => Verdict::Skipped(self.reason.clone()),
            _ => Verdict::Failed(without_folders(&self.reason)),
        }
    }
}

/// The reason without the folders of the file name at its beginning, which are specific to this machine.
fn without_folders(reason: &str) -> String {
    let (place, rest) = reason.split_once(": ").unwrap_or(("", reason));
    let file = place.rsplit(['/', '\\']).next().unwrap_or_default();
    let first_line = rest.lines().next().unwrap_or_default();
    format!("{file}: {first_line}")
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Real,
    Mock,
    Skipped(String),
    Failed(String),
}
