//! Runs rendered tests in two processes and reads the results that they write. It does not know what they are for.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::python as environments;

/// What the tests need for real models of all types. A few processors and backbones need the optional ones.
pub(crate) const PACKAGES: [&str; 7] = [
    "numpy==2.4.6",
    "pytest==9.2.0",
    "torch==2.15.0",
    "transformers==5.23.0",
    "pillow==13.0.0",
    "torchvision==0.29.2",
    "timm==1.0.31",
];

/// The interpreter at this path, or one that has exactly these packages.
pub(crate) fn python(path: Option<&str>) -> Result<PathBuf> {
    match path {
        Some(path) => Ok(path.into()),
        None => Ok(environments::programs(&PACKAGES)?.join("python")),
    }
}

/// Two processes: more memory than that is not everywhere.
const PROCESSES: usize = 2;

/// Runs the tests of a folder with these arguments of pytest, and gives what each of them wrote.
pub(crate) fn run_tests(python: &Path, tests: &Path, arguments: &[&str]) -> Result<Vec<TestResult>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in tests.read_dir().context("nothing was rendered")? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_")) {
            files.push(path);
        }
    }
    files.sort();
    let shards = (0..PROCESSES).map(|index| Shard::start(python, tests, &files, arguments, index));
    let shards: Vec<Shard> = shards.collect::<Result<_>>()?;
    let mut results = Vec::new();
    for shard in shards {
        results.extend(shard.finish()?);
    }
    Ok(results)
}

/// One process that runs its part of the files.
struct Shard {
    process: Child,
    results: PathBuf,
}

impl Shard {
    fn start(python: &Path, tests: &Path, files: &[PathBuf], arguments: &[&str], index: usize) -> Result<Self> {
        let results = tests.join(format!("results-{index}.jsonl"));
        let process = Command::new(python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no"])
            .args(arguments)
            .arg(format!("--results={}", results.display()))
            .args(files.iter().skip(index).step_by(PROCESSES))
            .env("OMP_NUM_THREADS", "1")
            .current_dir(tests)
            .stdout(std::process::Stdio::null())
            .spawn()
            .context("cannot run pytest")?;
        Ok(Self { process, results })
    }

    fn finish(mut self) -> Result<Vec<TestResult>> {
        let status = self.process.wait()?;
        // Failed tests are results too; anything above means that pytest itself did not get through.
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("pytest did not get through: {status}");
        }
        let text = std::fs::read_to_string(&self.results).context("the tests wrote no results")?;
        text.lines().map(|line| serde_json::from_str(line).context("a result is no JSON")).collect()
    }
}

/// A line of the tests' results, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct TestResult {
    pub(crate) model: Option<String>,
    pub(crate) test: Option<String>,
    pub(crate) task: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) implementation: Option<String>,
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

/// The reason without the folders of the file that it begins with: they are this machine's.
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
