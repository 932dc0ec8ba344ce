//! Takes the fingerprints of all model types with releases of transformers, and shows what each release changed.
//!
//! The work is done by `tests/with_torch/record_fingerprints.py`; the file that a maintainer then reviews is
//! `templates/tgen_support/fingerprints.toml`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::releases;
use crate::results::{self, python_path};
use crate::test::{root, step};

/// Takes the fingerprints with each of these releases, one after the other.
pub(crate) fn run(versions: &[&str]) -> Result<()> {
    ensure!(!versions.is_empty(), "name the releases, such as `cargo xtask fingerprints 5.24.0`");
    let python = results::python(None)?;
    let record = root().join("tests/with_torch/record_fingerprints.py");
    let file = root().join("templates/tgen_support/fingerprints.toml");
    for version in versions {
        let release = releases::installed(&python, version)?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let tests = releases::render(folder.path(), &release, "*")?;
        let mut command = Command::new(&python);
        command.arg(&record).arg(&tests).arg(&file);
        command.env("OMP_NUM_THREADS", "1").env("PYTHONPATH", python_path(&[&release])?);
        step(&format!("taking the fingerprints of transformers {version}"), &mut command)?;
    }
    Ok(())
}
