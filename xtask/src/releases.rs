//! Releases of transformers, each in its own folder in the cache, on top of an environment with torch.
//!
//! It knows how tests are rendered for a release, and nothing of what they find.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::libduckdb::cache_folder;
use crate::results;
use crate::test::{step, tgen};

/// The folder with a release of transformers and its dependencies other than torch.
pub(crate) fn installed(python: &Path, version: &str) -> Result<PathBuf> {
    let folder = cache_folder().context("there is no cache folder")?.join(format!("transformers-{version}"));
    let complete = folder.join("complete");
    if !complete.exists() {
        let mut install = Command::new(python);
        // Compiling all of it takes longer than everything else.
        install.args(["-m", "pip", "install", "--quiet", "--no-compile", "--upgrade", "--target"]).arg(&folder);
        step(&format!("installing transformers {version}"), install.arg(format!("transformers=={version}")))?;
        std::fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    }
    Ok(folder)
}

/// Renders the tests of a model type, or of all that match a pattern, with the map of an installed release into the
/// folder `tests` of this one.
pub(crate) fn render(folder: &Path, release: &Path, model_type: &str) -> Result<PathBuf> {
    let (project, tests) = (folder.join("project"), folder.join("tests"));
    results::write_map(&project, &release.join("transformers"))?;
    let mut render = tgen();
    render.args(["generate", "--hardware", "cpu", "--model", model_type, "--root"]).arg(&project);
    step("rendering the tests", render.arg("--output-dir").arg(&tests).stdout(Stdio::null()))?;
    Ok(tests)
}
