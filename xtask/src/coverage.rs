//! Measures the coverage of the built-in templates: runs the tests of every model type and task.
//!
//! It writes `docs/coverage.md`, or `docs/coverage-RELEASE.md` for another release of transformers, and the list of
//! types that ran, which is shipped with the tests. It knows only what the tests report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::results::{self, Platform, TestResult, Verdict, run_tests};
use crate::say;
use crate::test::{root, step, tgen};
use crate::verified;

/// Renders the tests of all model types, runs them, and writes the results. `python` is an interpreter to use instead
/// of one with exactly the required packages; if it has another release of transformers, that release's map determines
/// the types and tasks.
pub(crate) fn run(python: Option<&str>, platform: Platform) -> Result<()> {
    let start = Instant::now();
    let python = results::python(python)?;
    let release = Release::of(&python, platform)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = folder.path().join("tests");
    let mut render = tgen();
    render.args(["generate", "--model", "*", "--hardware", platform.hardware()]);
    if !release.is_the_built_in_one() {
        let project = folder.path().join("project");
        results::write_map(&project, &release.folder)?;
        render.arg("--root").arg(&project);
    }
    step("rendering the tests of all model types", render.arg("--output-dir").arg(&tests).stdout(Stdio::null()))?;
    say("running all of them; this takes a quarter of an hour or more");
    let running = Instant::now();
    let results = run_tests(&python, &tests, platform, &[])?;
    let running = running.elapsed();
    let coverage = Coverage::of(results, running);
    write(&root().join("docs").join(release.file_name()), &coverage.page(&release))?;
    if platform == Platform::Cpu {
        verified::add(&release.version, coverage.types_that_ran())?;
    }
    say(&format!("{} in {:.0} s", coverage.headline(), start.elapsed().as_secs_f64()));
    Ok(())
}

/// Writes the same from the results of `cargo tgen run`, which ran the tests of all model types on the CPU with the
/// packages of that interpreter.
pub(crate) fn of_results(file: &str, python: Option<&str>) -> Result<()> {
    let release = Release::of(&results::python(python)?, Platform::Cpu)?;
    let mut coverage = Coverage::default();
    for result in results::read_run(Path::new(file))? {
        coverage.add(result);
    }
    write(&root().join("docs").join(release.file_name()), &coverage.page(&release))?;
    verified::add(&release.version, coverage.types_that_ran())?;
    say(&coverage.headline());
    Ok(())
}

/// The release of transformers in an interpreter's environment.
struct Release {
    version: String,
    folder: PathBuf,
    /// The versions of all relevant packages, as the beginning of a sentence.
    all: String,
    platform: Platform,
}

impl Release {
    fn of(python: &Path, platform: Platform) -> Result<Self> {
        let code = "import platform, torch, transformers as t; print(t.__version__); print(t.__path__[0]); \
                    print('Python', platform.python_version() + ', torch', torch.__version__ + ', transformers', t.__version__)";
        let output = Command::new(python).args(["-c", code]).stderr(Stdio::inherit()).output();
        let text = String::from_utf8(output.context("cannot run Python")?.stdout).context("versions are no text")?;
        match text.lines().collect::<Vec<_>>()[..] {
            [version, folder, all] => {
                Ok(Self { version: version.to_owned(), folder: folder.into(), all: all.to_owned(), platform })
            }
            _ => bail!("`{}` has no torch and transformers", python.display()),
        }
    }

    fn is_the_built_in_one(&self) -> bool {
        results::PACKAGES.contains(&format!("transformers=={}", self.version).as_str())
    }

    fn file_name(&self) -> String {
        let hardware = if self.platform == Platform::Cpu { "" } else { "-cuda" };
        let version = if self.is_the_built_in_one() { String::new() } else { format!("-{}", self.version) };
        format!("coverage{hardware}{version}.md")
    }

    /// The arguments that reproduce its page.
    fn arguments(&self) -> String {
        let platform = if self.platform == Platform::Cpu { "" } else { " --platform cuda" };
        format!("{platform}{}", if self.is_the_built_in_one() { "" } else { " PYTHON" })
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The test that decides whether a model has the real architecture and computes.
const FORWARD: &str = "test_forward";

/// The results of the tests, and metadata of the run.
#[derive(Default)]
struct Coverage {
    /// The verdict of `test_forward`, by model type, task and platform.
    verdicts: BTreeMap<String, BTreeMap<String, BTreeMap<String, Verdict>>>,
    /// The counts of results by test.
    counts: BTreeMap<String, Counts>,
    /// The model type, test and reason of every failure other than `test_forward`.
    failures: Vec<[String; 3]>,
    /// How long the run took, if it was ours.
    running: Option<Duration>,
    peak_memory: u64,
    /// The device that the models ran on, as the tests report it.
    device: String,
}

/// The number of results that are REAL, passed otherwise, skipped and failed.
type Counts = [usize; 4];

impl Coverage {
    fn of(results: Vec<TestResult>, running: Duration) -> Self {
        let mut coverage = Self { running: Some(running), ..Self::default() };
        for result in results {
            coverage.add(result);
        }
        coverage
    }

    fn add(&mut self, result: TestResult) {
        self.peak_memory = self.peak_memory.max(result.peak_memory.unwrap_or_default());
        if let Some(device) = &result.device {
            self.device.clone_from(device);
        }
        let verdict = result.verdict();
        let test = result.test.unwrap_or_default();
        self.counts.entry(test.clone()).or_default()[column(&verdict)] += 1;
        match (verdict, result.model, result.task, result.platform) {
            (verdict, Some(model), Some(task), Some(platform)) if test == FORWARD => {
                let known = self.verdicts.entry(model).or_default().entry(task).or_default().entry(platform);
                // REAL at one batch size is not enough: every batch size must be.
                known.and_modify(|known| known.add(&verdict)).or_insert(verdict);
            }
            (Verdict::Failed(reason), model, ..) => {
                self.failures.push([model.unwrap_or_default(), test, reason]);
            }
            _ => {}
        }
    }

    /// The number of results, and of failures among them.
    fn results(&self) -> (usize, usize) {
        (self.counts.values().flatten().sum(), self.counts.values().map(|[.., failed]| failed).sum())
    }

    /// The model types that have a base model: those whose tasks include `feature-extraction`.
    fn with_base_model(&self) -> impl Iterator<Item = (&String, Vec<&Verdict>)> {
        let with = self.verdicts.iter().filter(|(_, tasks)| tasks.contains_key("feature-extraction"));
        with.map(|(model, tasks)| (model, tasks.values().flat_map(BTreeMap::values).collect()))
    }

    /// The model types that are REAL for at least one task.
    fn types_that_ran(&self) -> impl Iterator<Item = &str> {
        let ran = self
            .verdicts
            .iter()
            .filter(|(_, tasks)| tasks.values().flat_map(BTreeMap::values).any(|verdict| *verdict == Verdict::Real));
        ran.map(|(model, _)| model.as_str())
    }

    fn headline(&self) -> String {
        let all = self.with_base_model().count();
        let real = self.with_base_model().filter(|(_, verdicts)| verdicts.iter().all(|v| **v == Verdict::Real)).count();
        let some = self.with_base_model().filter(|(_, verdicts)| verdicts.iter().any(|v| **v == Verdict::Real)).count();
        let (results, failed) = self.results();
        format!(
            "{real} of {all} model types with a base model run REAL for every task, {some} for some; \
             {failed} of {results} results of all tests failed"
        )
    }

    fn page(&self, release: &Release) -> String {
        let mut page = format!(
            "# What the built-in tests really test\n\n\
             Written by `cargo xtask coverage{}` from a run of all tests of all {} model types in the pipeline map of\n\
             transformers {}, on {}. `test_forward` decides what is REAL: the architecture itself was built and run.\n\
             Each model type and task that is not REAL is listed at the end of this page, with the reason.\n\n\
             {}.\n\n{}. {}at most {:.1} GiB each.\n",
            release.arguments(),
            self.verdicts.len(),
            release.version,
            if release.platform == Platform::Cpu { "the CPU" } else { &self.device },
            self.headline(),
            release.all,
            self.duration(release.platform),
            bytes_as_gib(self.peak_memory),
        );
        page.push_str(&table("By task", ["task", "MOCK"], self.by_task().into_iter()));
        let tests = self.counts.iter().map(|(test, counts)| (test.as_str(), *counts));
        page.push_str(&table("By test", ["test", "passed without it"], tests));
        page.push_str(&self.not_real());
        page.push_str(&self.failed());
        page
    }

    fn duration(&self, platform: Platform) -> String {
        let minutes = self.running.map(|running| running.as_secs_f64() / 60.0);
        let in_processes = |minutes| format!("{minutes:.0} min in {} processes, ", platform.processes());
        minutes.map_or_else(|| "A process for each file, ".to_owned(), in_processes)
    }

    fn by_task(&self) -> BTreeMap<&str, Counts> {
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for (task, verdict) in
            self.verdicts.values().flatten().flat_map(|(task, by)| by.values().map(move |v| (task, v)))
        {
            counts.entry(task).or_default()[column(verdict)] += 1;
        }
        counts
    }

    fn not_real(&self) -> String {
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (model, tasks) in &self.verdicts {
            for (task, verdict) in tasks.iter().flat_map(|(task, by)| by.values().map(move |v| (task, v))) {
                let reason = match verdict {
                    Verdict::Real => continue,
                    Verdict::Mock => "MOCK: computed by numpy",
                    Verdict::Skipped(reason) | Verdict::Failed(reason) => reason,
                };
                reasons.entry((model, reason)).or_default().push(task);
            }
        }
        let mut table = "\n## What is not REAL, and why\n\n| model type | tasks | reason |\n|---|---|---|\n".to_owned();
        for ((model, reason), tasks) in reasons {
            let _ = writeln!(table, "| {model} | {} | {} |", tasks.join(", "), in_a_cell(reason));
        }
        table
    }

    /// The failures other than `test_forward`.
    fn failed(&self) -> String {
        if self.failures.is_empty() {
            return String::new();
        }
        let mut table = "\n## What else failed\n\n| model type | test | reason |\n|---|---|---|\n".to_owned();
        for [model, test, reason] in &self.failures {
            let _ = writeln!(table, "| {model} | {test} | {} |", in_a_cell(reason));
        }
        table
    }
}

impl Verdict {
    /// Merges a verdict on the same model; the worse one wins.
    fn add(&mut self, other: &Self) {
        if column(other) > column(self) {
            *self = other.clone();
        }
    }
}

fn column(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Real => 0,
        Verdict::Mock => 1,
        Verdict::Skipped(_) => 2,
        Verdict::Failed(_) => 3,
    }
}

fn table<'a>(title: &str, [of, other]: [&str; 2], rows: impl Iterator<Item = (&'a str, Counts)>) -> String {
    let mut table = format!("\n## {title}\n\n| {of} | REAL | {other} | skipped | failed |\n|---|---|---|---|---|\n");
    for (row, [real, mock, skipped, failed]) in rows {
        let _ = writeln!(table, "| {row} | {real} | {mock} | {skipped} | {failed} |");
    }
    table
}

fn in_a_cell(reason: &str) -> String {
    reason.lines().next().unwrap_or_default().replace('|', "\\|")
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of gibibytes is shown")]
fn bytes_as_gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str) -> Release {
        Release {
            version: version.to_owned(),
            folder: PathBuf::new(),
            all: "Python 3".to_owned(),
            platform: Platform::Cpu,
        }
    }

    fn coverage(lines: &[&str]) -> Coverage {
        Coverage::of(lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect(), Duration::from_mins(9))
    }

    fn line(model: &str, task: &str, implementation: &str, outcome: &str, reason: &str) -> String {
        line_of("test_forward", model, task, implementation, outcome, reason)
    }

    fn line_of(test: &str, model: &str, task: &str, implementation: &str, outcome: &str, reason: &str) -> String {
        format!(
            r#"{{"model": "{model}", "test": "{test}", "task": "{task}", "platform": "cpu", "implementation": {implementation},
                 "outcome": "{outcome}", "reason": "{reason}", "peak_memory": 1073741824}}"#
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
            line("beit", "image-segmentation", "\"REAL\"", "passed", ""),
            line("vocoder", "text-to-audio", "\"REAL\"", "passed", ""),
        ];
        let coverage = coverage(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            coverage.headline(),
            "1 of 3 model types with a base model run REAL for every task, 2 for some; 1 of 7 results of all tests failed"
        );
        let page = coverage.page(&release("5.24.0"));
        assert!(page.contains("Python 3. 9 min in 2 processes, at most 1.0 GiB each."), "{page}");
        assert!(page.contains("| feature-extraction | 2 | 0 | 1 | 0 |"), "{page}");
        assert!(page.contains("| beit | image-segmentation | head.py:7: ValueError: no \\| mask |"), "{page}");
        assert!(page.contains("| dinat | feature-extraction | needs natten |"), "{page}");
        assert!(!page.contains("## What else failed"), "{page}");
    }

    #[test]
    fn any_test_that_fails_is_told_and_does_not_change_what_is_real() {
        let coverage = coverage(&[
            &line("bert", "fill-mask", "\"REAL\"", "passed", ""),
            &line_of("test_batch", "bert", "fill-mask", "\"REAL\"", "failed", "head.py:7: AssertionError: two runs"),
        ]);
        let page = coverage.page(&release("5.24.0"));
        assert!(page.contains("| fill-mask | 1 | 0 | 0 | 0 |"), "{page}");
        assert!(page.contains("| test_batch | 0 | 0 | 0 | 1 |"), "{page}");
        assert!(page.contains("| bert | test_batch | head.py:7: AssertionError: two runs |"), "{page}");
    }

    #[test]
    fn another_release_has_a_page_of_its_own() {
        let (pinned, other) = (release("5.24.0"), release("4.57.6"));
        assert_eq!([pinned.file_name(), other.file_name()], ["coverage.md", "coverage-4.57.6.md"]);
        let gpu = Release { platform: Platform::Cuda, ..release("5.24.0") };
        assert_eq!((gpu.file_name(), gpu.arguments()), ("coverage-cuda.md".to_owned(), " --platform cuda".to_owned()));
        let page = coverage(&[]).page(&other);
        assert!(page.contains("`cargo xtask coverage PYTHON`"), "{page}");
    }

    #[test]
    fn a_pass_without_torch_is_no_real_one() {
        let coverage = coverage(&[&line("bert", "feature-extraction", "\"MOCK\"", "passed", "torch is not installed")]);
        assert_eq!(
            coverage.headline(),
            "0 of 1 model types with a base model run REAL for every task, 0 for some; 0 of 1 results of all tests failed"
        );
        let page = coverage.page(&release("5.24.0"));
        assert!(page.contains("| bert | feature-extraction | MOCK: computed by numpy |"), "{page}");
    }
}
