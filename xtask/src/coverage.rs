//! What the built-in templates can really test: every model type of the map, by task, from a run of their tests.
//!
//! It writes `docs/coverage.md` and `docs/coverage.json`. What the tests say is all that it knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::python as environments;
use crate::say;
use crate::test::{cargo, root, step};

/// What the tests need for real models; the images of a few processors need pillow.
const PACKAGES: [&str; 5] =
    ["numpy==2.4.6", "pytest==9.2.0", "torch==2.15.0", "transformers==5.23.0", "pillow==13.0.0"];

/// Two processes: more memory than that is not everywhere.
const PROCESSES: usize = 2;

/// Renders the tests of all model types, runs their forward passes, and writes what came of them. `python` is an
/// interpreter to use instead of one that has exactly the packages above.
pub(crate) fn run(python: Option<&str>) -> Result<()> {
    let start = Instant::now();
    let python = match python {
        Some(path) => PathBuf::from(path),
        None => environments::programs(&PACKAGES)?.join("python"),
    };
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = folder.path().join("tests");
    let mut render = cargo();
    render.args(["run", "--quiet", "--no-default-features", "--", "generate", "--model", "*"]);
    render.args(["--hardware", "cpu", "--batch-sizes", "1", "--output-dir"]).arg(&tests);
    step("rendering the tests of all model types", render.stdout(std::process::Stdio::null()))?;
    say("running their forward passes; this takes a quarter of an hour or more");
    let results = run_tests(&python, &tests)?;
    let docs = root().join("docs");
    let coverage = Coverage::of(results);
    write(&docs.join("coverage.md"), &coverage.page(&versions(&python)?))?;
    write(&docs.join("coverage.json"), &coverage.json()?)?;
    say(&format!("{} in {:.0} s", coverage.headline(), start.elapsed().as_secs_f64()));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn versions(python: &Path) -> Result<String> {
    let code = "import platform, torch, transformers as t; \
                print('Python', platform.python_version() + ', torch', torch.__version__ + ', transformers', t.__version__)";
    let output = Command::new(python).args(["-c", code]).output().context("cannot run Python")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run_tests(python: &Path, tests: &Path) -> Result<Vec<TestResult>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in tests.read_dir().context("nothing was rendered")? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_")) {
            files.push(path);
        }
    }
    files.sort();
    let shards = (0..PROCESSES).map(|index| Shard::start(python, tests, &files, index));
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
    fn start(python: &Path, tests: &Path, files: &[PathBuf], index: usize) -> Result<Self> {
        let results = tests.join(format!("results-{index}.jsonl"));
        let process = Command::new(python)
            .args(["-m", "pytest", "-q", "-k", "test_forward", "-p", "no:cacheprovider", "--tb=no"])
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
struct TestResult {
    model: Option<String>,
    task: Option<String>,
    platform: Option<String>,
    implementation: Option<String>,
    outcome: String,
    reason: String,
    duration: f64,
    peak_memory: Option<u64>,
}

impl TestResult {
    fn verdict(&self) -> Verdict {
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

#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Real,
    Mock,
    Skipped(String),
    Failed(String),
}

/// The verdicts by model type, task and platform, and what the run took.
struct Coverage {
    verdicts: BTreeMap<String, BTreeMap<String, BTreeMap<String, Verdict>>>,
    seconds: f64,
    peak_memory: u64,
}

impl Coverage {
    fn of(results: Vec<TestResult>) -> Self {
        let mut coverage = Self { verdicts: BTreeMap::new(), seconds: 0.0, peak_memory: 0 };
        for result in results {
            coverage.seconds += result.duration;
            coverage.peak_memory = coverage.peak_memory.max(result.peak_memory.unwrap_or_default());
            let verdict = result.verdict();
            if let (Some(model), Some(task), Some(platform)) = (result.model, result.task, result.platform) {
                let tasks = coverage.verdicts.entry(model).or_default();
                tasks.entry(task).or_default().insert(platform, verdict);
            }
        }
        coverage
    }

    /// The model types that have a base model: those whose tasks include `feature-extraction`.
    fn with_base_model(&self) -> impl Iterator<Item = (&String, Vec<&Verdict>)> {
        let with = self.verdicts.iter().filter(|(_, tasks)| tasks.contains_key("feature-extraction"));
        with.map(|(model, tasks)| (model, tasks.values().flat_map(BTreeMap::values).collect()))
    }

    fn headline(&self) -> String {
        let all = self.with_base_model().count();
        let real = self.with_base_model().filter(|(_, verdicts)| verdicts.iter().all(|v| **v == Verdict::Real)).count();
        let some = self.with_base_model().filter(|(_, verdicts)| verdicts.iter().any(|v| **v == Verdict::Real)).count();
        format!("{real} of {all} model types with a base model run REAL for every task, {some} for some")
    }

    fn page(&self, versions: &str) -> String {
        let mut page = format!(
            "# What the built-in tests really test\n\n\
             Written by `cargo xtask coverage` from a run of `test_forward` for all {} model types of the map on the\n\
             processor; `coverage.json` has the verdict for each type, task and platform.\n\n\
             {}.\n\n{versions}. {:.0} s of tests, at most {:.1} GiB a process.\n\n",
            self.verdicts.len(),
            self.headline(),
            self.seconds,
            bytes_as_gib(self.peak_memory),
        );
        page.push_str(&self.by_task());
        page.push_str(&self.not_real());
        page
    }

    fn by_task(&self) -> String {
        let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        for (task, verdict) in
            self.verdicts.values().flatten().flat_map(|(task, by)| by.values().map(move |v| (task, v)))
        {
            let column = match verdict {
                Verdict::Real => 0,
                Verdict::Mock => 1,
                Verdict::Skipped(_) => 2,
                Verdict::Failed(_) => 3,
            };
            counts.entry(task).or_default()[column] += 1;
        }
        let mut table = "## By task\n\n| task | REAL | MOCK | skipped | failed |\n|---|---|---|---|---|\n".to_owned();
        for (task, [real, mock, skipped, failed]) in counts {
            let _ = writeln!(table, "| {task} | {real} | {mock} | {skipped} | {failed} |");
        }
        table
    }

    fn not_real(&self) -> String {
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (model, tasks) in &self.verdicts {
            for (task, verdict) in tasks.iter().flat_map(|(task, by)| by.values().map(move |v| (task, v))) {
                match verdict {
                    Verdict::Skipped(reason) | Verdict::Failed(reason) => {
                        reasons.entry((model, reason)).or_default().push(task);
                    }
                    Verdict::Real | Verdict::Mock => {}
                }
            }
        }
        let mut table = "\n## What is not REAL, and why\n\n| model type | tasks | reason |\n|---|---|---|\n".to_owned();
        for ((model, reason), tasks) in reasons {
            let reason = reason.lines().next().unwrap_or_default().replace('|', "\\|");
            let _ = writeln!(table, "| {model} | {} | {reason} |", tasks.join(", "));
        }
        table
    }

    fn json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(&self.verdicts)?;
        text.push('\n');
        Ok(text)
    }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of gibibytes is shown")]
fn bytes_as_gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(lines: &[&str]) -> Coverage {
        Coverage::of(lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn line(model: &str, task: &str, implementation: &str, outcome: &str, reason: &str) -> String {
        format!(
            r#"{{"model": "{model}", "task": "{task}", "platform": "cpu", "implementation": {implementation},
                 "outcome": "{outcome}", "reason": "{reason}", "duration": 1.5, "peak_memory": 1073741824}}"#
        )
    }

    #[test]
    fn a_type_counts_whole_when_all_its_tasks_are_real() {
        let lines = [
            line("bert", "fill-mask", "\"REAL\"", "passed", ""),
            line("bert", "feature-extraction", "\"REAL\"", "passed", ""),
            line("dinat", "feature-extraction", "null", "skipped", "needs natten"),
            line("beit", "feature-extraction", "\"REAL\"", "passed", ""),
            line("beit", "image-segmentation", "null", "failed", "/usr/lib/head.py:7: ValueError: no | mask"),
            line("vocoder", "text-to-audio", "\"REAL\"", "passed", ""),
        ];
        let coverage = coverage(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(coverage.headline(), "1 of 3 model types with a base model run REAL for every task, 2 for some");
        let page = coverage.page("Python 3");
        assert!(page.contains("Python 3. 9 s of tests, at most 1.0 GiB a process."), "{page}");
        assert!(page.contains("| feature-extraction | 2 | 0 | 1 | 0 |"), "{page}");
        assert!(page.contains("| beit | image-segmentation | head.py:7: ValueError: no \\| mask |"), "{page}");
        assert!(page.contains("| dinat | feature-extraction | needs natten |"), "{page}");
    }

    #[test]
    fn a_pass_without_torch_is_no_real_one() {
        let coverage = coverage(&[&line("bert", "feature-extraction", "\"MOCK\"", "passed", "torch is not installed")]);
        assert_eq!(coverage.headline(), "0 of 1 model types with a base model run REAL for every task, 0 for some");
    }
}
