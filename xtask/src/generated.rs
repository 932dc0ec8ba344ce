//! The tests that the built-in templates render: valid, formatted, and passing with numpy and pytest alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::libduckdb::cache_folder;
use crate::test::{cargo, step};

/// What the rendered tests need, the linter that their authors hold them to, and another reader of the template database.
const PACKAGES: [&str; 4] = ["duckdb==1.5.6", "numpy==2.4.6", "pytest==9.2.0", "ruff==0.17.6"];

/// A model type of each primary task that many models have, and the sample of the README.
const MODELS: [&str; 18] = [
    "bert", "vit", "whisper", "llava", "gpt2", "t5", "clip", "clap", "sam", "dpt", "detr", "videomae", "tapas", "vits",
    "wav2vec2", "layoutlm", "blip", "big_bird",
];

/// Renders a slice of the models and runs what comes out.
pub(crate) fn run() -> Result<()> {
    let python = virtual_environment()?;
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

/// The Python of the environment that the rendered tests need.
pub(crate) fn virtual_environment() -> Result<PathBuf> {
    environment_with(&PACKAGES)
}

/// The Python of an environment that holds exactly the packages, made once and kept in the cache.
pub(crate) fn environment_with(packages: &[&str]) -> Result<PathBuf> {
    let folder = cache_folder().context("there is no cache folder for the Python environment")?;
    let name = packages.join("-").replace("==", "-");
    let environment = folder.join(format!("venv-{name}"));
    let python = python_in(&environment);
    let complete = environment.join("complete");
    if !complete.exists() {
        let host = if cfg!(windows) { "python" } else { "python3" };
        step("making a Python environment", Command::new(host).args(["-m", "venv", "--clear"]).arg(&environment))?;
        step(
            "installing its packages",
            Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages),
        )?;
        std::fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    Ok(python)
}

fn python_in(environment: &Path) -> PathBuf {
    if cfg!(windows) { environment.join("Scripts/python.exe") } else { environment.join("bin/python") }
}
