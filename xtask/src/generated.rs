//! The tests that the built-in templates render: valid, formatted, and passing with numpy and pytest alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::python;
use crate::test::{root, step, tgen};

/// What the rendered tests need, and the linter that their authors hold them to.
const PACKAGES: [&str; 3] = ["numpy==2.4.6", "pytest==9.2.0", "ruff==0.17.6"];

/// A model type of each primary task that many models have, and the sample of the README.
const MODELS: [&str; 18] = [
    "bert", "vit", "whisper", "llava", "gpt2", "t5", "clip", "clap", "sam", "dpt", "detr", "videomae", "tapas", "vits",
    "wav2vec2", "layoutlm", "blip", "big_bird",
];

/// Renders a slice of the models and runs what comes out.
pub(crate) fn run() -> Result<()> {
    let python = python::programs(&PACKAGES)?.join("python");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = folder.path().join("tests");
    step("rendering tests", render(&tests).args(MODELS.iter().flat_map(|model| ["--model", model])))?;
    step("rendered tests compile", Command::new(&python).args(["-m", "compileall", "-q"]).arg(&tests))?;
    step("rendered tests are lint-free", Command::new(&python).args(["-m", "ruff", "check", "--quiet"]).arg(&tests))?;
    step(
        "rendered tests are formatted",
        Command::new(&python).args(["-m", "ruff", "format", "--check", "--quiet"]).arg(&tests),
    )?;
    step(
        "rendered tests pass",
        Command::new(&python).args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(&tests),
    )?;
    for example in ["built-in-pack", "hardware-matrix", "own-templates"] {
        let mut pytest = Command::new(&python);
        pytest.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        step(&format!("tests of examples/{example}"), pytest.current_dir(root().join("examples").join(example)))?;
    }
    check_readme(&python, &folder.path().join("sample"))
}

fn render(tests: &Path) -> Command {
    let mut render = tgen();
    render.args(["generate", "--output-dir"]).arg(tests);
    render
}

/// Runs the README's first tests, which must end as it shows.
fn check_readme(python: &Path, tests: &Path) -> Result<()> {
    step("rendering the sample", render(tests).arg("--sample"))?;
    let mut pytest = Command::new(python);
    let output = pytest.args(["-m", "pytest", "-p", "no:cacheprovider"]).arg(tests).output();
    let text = String::from_utf8(output.context("cannot run pytest")?.stdout).context("pytest wrote no text")?;
    let readme = std::fs::read_to_string(root().join("README.md")).context("there is no README")?;
    let (start, end) = text.find("results: ").zip(text.rfind(" in ")).context("the tests did not end")?;
    // How many signs stand around the last line depends on how long the tests took.
    let is_shown = text[start..end].lines().all(|line| readme.contains(line.trim_matches(['=', ' '])));
    ensure!(is_shown, "the README shows another end than that of its first tests:\n{text}");
    Ok(())
}
