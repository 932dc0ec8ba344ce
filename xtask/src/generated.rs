//! The tests that the built-in templates render: valid, formatted, and passing with numpy and pytest alone.

use std::process::Command;

use anyhow::{Context, Result};

use crate::python;
use crate::test::{cargo, step};

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
    let mut render = cargo();
    render.args(["run", "--quiet", "--no-default-features", "--", "generate", "--output-dir"]).arg(&tests);
    for model in MODELS {
        render.args(["--model", model]);
    }
    step("rendering tests", &mut render)?;
    step("rendered tests compile", Command::new(&python).args(["-m", "compileall", "-q"]).arg(&tests))?;
    step("rendered tests are lint-free", Command::new(&python).args(["-m", "ruff", "check", "--quiet"]).arg(&tests))?;
    step(
        "rendered tests are formatted",
        Command::new(&python).args(["-m", "ruff", "format", "--check", "--quiet"]).arg(&tests),
    )?;
    step(
        "rendered tests pass",
        Command::new(&python).args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(&tests),
    )
}
