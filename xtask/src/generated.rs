//! Checks the tests that the built-in templates render: valid, formatted, typed, and passing with only numpy and
//! pytest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::python;
use crate::test::{root, step, tgen};

/// What the rendered tests need, the pytest plugins they are run with, and the tools that check their source.
const PACKAGES: [&str; 9] = [
    "numpy==2.4.6",
    "pytest==9.2.0",
    "pytest-randomly==5.1.0",
    "pytest-rerunfailures==16.7",
    "pytest-timeout==2.4.0",
    "pytest-xdist==3.8.0",
    "ruff==0.17.6",
    "mypy==2.4.1",
    "pyright==1.1.414",
];
/// The oldest Python that the rendered tests must support.
const OLDEST_PYTHON: &str = "3.10";

/// A model type for each common primary task, and the sample of the README.
const MODELS: [&str; 18] = [
    "bert", "vit", "whisper", "llava", "gpt2", "t5", "clip", "clap", "sam", "dpt", "detr", "videomae", "tapas", "vits",
    "wav2vec2", "layoutlm", "blip", "big_bird",
];

/// The interpreter for the rendered tests.
pub(crate) fn python() -> Result<PathBuf> {
    Ok(python::programs(&PACKAGES)?.join("python"))
}

/// Checks the Python that the binary carries: what runs tests, here and on other machines.
pub(crate) fn lint() -> Result<()> {
    let python = python()?;
    for (name, arguments) in [
        ("the runner in Python is lint-free", &["ruff", "check", "--quiet"][..]),
        ("it is formatted", &["ruff", "format", "--check", "--quiet"]),
        ("it has the types that mypy finds", &["mypy", "--no-error-summary", "--ignore-missing-imports"]),
    ] {
        // The worker's modules are imported under other names than their files', which mypy cannot follow.
        let worker = if arguments[0] == "mypy" { &[][..] } else { &["../../run/worker"] };
        let mut check = Command::new(&python);
        check.arg("-m").args(arguments).args(["driver.py", "tgen_driver"]).args(worker);
        step(name, check.current_dir(root().join("src/submit/driver")))?;
    }
    Ok(())
}

/// Renders tests for these models, checks their source, and runs them.
pub(crate) fn run() -> Result<()> {
    let python = python()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = folder.path().join("tests");
    step("rendering tests", render(&tests).args(MODELS.iter().flat_map(|model| ["--model", model])))?;
    let family_tests = folder.path().join("families");
    step("rendering tests of checkpoints", render_families(&family_tests)?.stdout(Stdio::null()))?;
    for tests in [&tests, &family_tests] {
        check_source(&python, tests)?;
        step("rendered tests pass", pytest(&python).arg("-q").arg(tests))?;
    }
    for example in ["built-in-pack", "hardware-matrix", "own-templates"] {
        let mut pytest = pytest(&python);
        step(
            &format!("tests of examples/{example}"),
            pytest.arg("-q").current_dir(root().join("examples").join(example)),
        )?;
    }
    check_readme(&python, &folder.path().join("sample"))?;
    step("the built-in tests run wherever they stand", pytest(&python).arg("-q").arg(root().join("tests/generated")))
}

/// Checks rendered tests with the linter, the formatter and two type checkers.
fn check_source(python: &Path, tests: &Path) -> Result<()> {
    // pyright uses the packages of the Python on the `PATH`, unless it is given another interpreter.
    let of_this_python = ["--pythonpath", python.to_str().context("the path of Python is not UTF-8")?];
    let pyright = [["pyright", "--pythonversion", OLDEST_PYTHON].as_slice(), &of_this_python].concat();
    let checks: [(&str, &[&str]); 5] = [
        ("compile", &["compileall", "-q"]),
        ("are lint-free", &["ruff", "check", "--quiet"]),
        ("are formatted", &["ruff", "format", "--check", "--quiet"]),
        ("have the types that mypy finds", &["mypy", "--no-error-summary", "--python-version", OLDEST_PYTHON]),
        ("have the types that pyright finds", &pyright),
    ];
    for (what, arguments) in checks {
        let mut check = Command::new(python);
        step(&format!("rendered tests {what}"), check.arg("-m").args(arguments).arg(".").current_dir(tests))?;
    }
    Ok(())
}

/// Python with pytest, without the caches that it would leave in the tests' folders.
fn pytest(python: &Path) -> Command {
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]);
    pytest
}

/// Renders a checkpoint of each family that has a template, for hardware that this machine has and for hardware that it
/// lacks.
fn render_families(tests: &Path) -> Result<Command> {
    const CONFIGURATION: &str = r#"
[[suite]]
name = "families"
template = "families/{{ model_family }}.py"
models = ["bert-base-uncased", "gpt2", "google/vit-base-patch16-224", "openai/whisper-tiny", "llava"]
output = "test_{{ normalized_name }}_{{ hardware_type }}_b{{ batch_size }}.py"
hardware = ["cpu", "cuda"]
batch-sizes = [1, 4]
"#;
    std::fs::create_dir(tests).context("cannot make a project")?;
    std::fs::write(tests.join("tgen.toml"), CONFIGURATION).context("cannot write its configuration")?;
    let mut render = tgen();
    render.args(["generate", "--root"]).arg(tests);
    Ok(render)
}

fn render(tests: &Path) -> Command {
    let mut render = tgen();
    render.args(["generate", "--output-dir"]).arg(tests);
    render
}

/// Runs the first tests of the README, whose output must match it.
fn check_readme(python: &Path, tests: &Path) -> Result<()> {
    step("rendering the sample", render(tests).arg("--sample"))?;
    let output = pytest(python).arg(tests).output();
    let text = String::from_utf8(output.context("cannot run pytest")?.stdout).context("pytest wrote no text")?;
    let readme = std::fs::read_to_string(root().join("README.md")).context("there is no README")?;
    let (start, end) = text.find("left out: ").zip(text.rfind(" in ")).context("the tests did not end")?;
    // The number of `=` around the last line depends on how long the tests took.
    let is_shown = text[start..end].lines().all(|line| readme.contains(line.trim_matches(['=', ' '])));
    ensure!(is_shown, "the output of the README's first tests does not end as the README shows:\n{text}");
    Ok(())
}
