//! Tests the hooks of `.pre-commit-hooks.yaml` with pre-commit itself, from a clone of this checkout.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::python;
use crate::say;
use crate::test::{root, step, tgen};

const PACKAGES: [&str; 1] = ["pre-commit==4.7.0"];

/// A file that `cargo tgen generate --sample` writes and the built-in suite checks.
const OUTPUT: &str = "test/skills/test_hf_bert.py";

/// Lets pre-commit install the hooks and run them in a project of their own.
pub(crate) fn run() -> Result<()> {
    let programs = python::programs(&PACKAGES)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let project = folder.path().join("project");
    fs::create_dir(&project).context("cannot make a project")?;
    step("git repository", &mut git(&project, &["init", "--quiet"]))?;
    step("outputs", tgen().args(["--root"]).arg(&project).args(["generate"]))?;
    step("outputs in git", &mut git(&project, &["add", "."]))?;

    let hooks = Hooks { programs: &programs, cache: &folder.path().join("cache"), project: &project };
    for hook in ["tgen-check", "tgen-generate", "tgen-lint"] {
        let (passed, said) = hooks.run(hook)?;
        ensure!(passed, "`{hook}` fails in a project whose outputs are current:\n{said}");
    }
    let output = project.join(OUTPUT);
    let text = fs::read_to_string(&output).with_context(|| format!("cannot read `{OUTPUT}`"))?;
    fs::write(&output, text + "# by hand\n").with_context(|| format!("cannot write `{OUTPUT}`"))?;
    let (passed, said) = hooks.run("tgen-check")?;
    ensure!(!passed && said.contains("# by hand"), "`tgen-check` does not see that an output was edited:\n{said}");
    Ok(())
}

struct Hooks<'a> {
    programs: &'a Path,
    cache: &'a Path,
    project: &'a Path,
}

impl Hooks<'_> {
    /// Whether a hook passes, and its output.
    fn run(&self, hook: &str) -> Result<(bool, String)> {
        say(&format!("pre-commit runs `{hook}`"));
        let mut command = Command::new(self.programs.join("pre-commit"));
        command.arg("try-repo").arg(root().canonicalize()?).args([hook, "--all-files", "--verbose"]);
        command.current_dir(self.project).env("PRE_COMMIT_HOME", self.cache);
        // The profile of the tests, for which the dependencies are compiled already.
        command.env("MATURIN_PEP517_ARGS", "--profile dev");
        let output = command.output().context("cannot run `pre-commit`")?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }
}

fn git(project: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(project);
    git
}
