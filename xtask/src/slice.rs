//! Runs a slice of the rendered tests with torch and transformers: one model for each task, all tests of each model, on
//! the processor and on a simulated GPU.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::results::{self, Platform, TestResult, Verdict, run_tests};
use crate::say;
use crate::test::{root, step, tgen};

/// Model types that together have every task with a template.
const MODELS: [&str; 17] = [
    "bert",
    "vit",
    "whisper",
    "llava",
    "t5",
    "clip",
    "clap",
    "sam",
    "dpt",
    "detr",
    "videomae",
    "tapas",
    "vits",
    "layoutlm",
    "superglue",
    "owlvit",
    "qwen2",
];

/// Renders the slice, runs it so that a mock is a failure, and requires a real forward pass for every task. Missing
/// packages are failures too. `python` is an interpreter to use instead of one with exactly the required packages.
pub(crate) fn run(python: Option<&str>) -> Result<()> {
    let python = results::python(python)?;
    check_support(&python)?;
    run_on(&python, Platform::Cpu)?;
    run_on(&python, Platform::SimulatedCuda)
}

/// Tests the support modules of the rendered tests, which are not rendered themselves.
fn check_support(python: &Path) -> Result<()> {
    let folder = root().join("tests/with_torch");
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "simulated_gpu"]).arg(&folder);
    pytest.arg("--rootdir").arg(&folder).env("OMP_NUM_THREADS", "1");
    pytest.env("PYTHONPATH", results::python_path(&[&root().join("templates")])?);
    step("tests of the support package, on a simulated GPU", &mut pytest)
}

fn run_on(python: &Path, platform: Platform) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = folder.path().join("tests");
    let mut render = tgen();
    render.args(["generate", "--hardware", platform.hardware(), "--output-dir"]).arg(&tests);
    for model in MODELS {
        render.args(["--model", model]);
    }
    let hardware = platform.hardware();
    step(&format!("rendering the tests of a slice for {hardware}"), render.stdout(Stdio::null()))?;
    say("running them with torch and transformers");
    let results = run_tests(python, &tests, platform, &["--require-real", "--require-known"])?;
    let wrong = what_is_wrong(&results, &task_templates()?);
    for line in &wrong {
        say(line);
    }
    if !wrong.is_empty() {
        bail!("{} of {} results for {hardware} are not what they must be", wrong.len(), results.len());
    }
    say(&format!("{} results for {hardware}, none failed, and every task ran REAL", results.len()));
    Ok(())
}

/// The tasks that have a template.
fn task_templates() -> Result<BTreeSet<String>> {
    let mut tasks = BTreeSet::new();
    for entry in root().join("templates/tasks").read_dir().context("there are no task templates")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        tasks.extend(name.strip_suffix(".py.tera").map(str::to_owned));
    }
    Ok(tasks)
}

fn what_is_wrong(results: &[TestResult], tasks: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut real: BTreeSet<&str> = BTreeSet::new();
    for result in results {
        let place = [&result.model, &result.test, &result.task].map(|part| part.as_deref().unwrap_or("-")).join(" ");
        let is_forward = result.test.as_deref() == Some("test_forward");
        match result.verdict() {
            Verdict::Real if is_forward => real.extend(result.task.as_deref()),
            Verdict::Failed(reason) => wrong.push(format!("{place} failed: {reason}")),
            Verdict::Skipped(reason) if is_forward => wrong.push(format!("{place} was skipped: {reason}")),
            Verdict::Real | Verdict::Mock | Verdict::Skipped(_) => {}
        }
    }
    let missing = tasks.iter().filter(|task| !real.contains(task.as_str()));
    wrong.extend(missing.map(|task| format!("no model ran REAL for {task}")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(test: &str, task: &str, implementation: &str, outcome: &str) -> TestResult {
        let line = format!(
            r#"{{"model": "bert", "test": "{test}", "task": "{task}", "implementation": {implementation},
                 "outcome": "{outcome}", "reason": "why", "duration": 0.1}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn what_is_not_installed_fails_and_so_does_a_task_that_nothing_ran() {
        let tasks = ["fill-mask", "decision"].map(str::to_owned).into();
        let results = [
            result("test_forward", "fill-mask", "\"REAL\"", "passed"),
            result("test_forward", "token-classification", "null", "skipped"),
            result("test_generation", "text-generation", "\"REAL\"", "skipped"),
        ];
        let wrong = what_is_wrong(&results, &tasks);
        assert_eq!(
            wrong,
            ["bert test_forward token-classification was skipped: why", "no model ran REAL for decision"]
        );
    }
}
