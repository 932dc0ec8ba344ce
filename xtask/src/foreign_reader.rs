//! Compares the template database as DuckDB's own Python package reads it with the output of `cargo tgen query`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::python;
use crate::say;
use crate::test::{root, with_library};

const PACKAGE: &str = "duckdb==1.5.6";

const TEMPLATE: &str = "# größe of ${model_name}\nassert '${hardware_type}' and ${batch_size}  # \"quoted\"\n";

/// The commands that fill the database.
const SESSION: [&[&str]; 2] = [
    &[
        "mapping",
        "add",
        "--model",
        "bert-base-uncased",
        "--family",
        "text_embedding",
        "--description",
        "a; DROP TABLE x",
    ],
    &["plan", "--model", "bert-base-uncased", "--hardware", "cpu,cuda", "--batch-sizes", "1,4", "--name", "nightly"],
];

/// The queries that both answer.
const QUESTIONS: [&str; 4] = [
    "SELECT name, family, version, dialect, content FROM current_templates ORDER BY ALL",
    "SELECT * FROM model_mappings ORDER BY ALL",
    "SELECT position, test_id::VARCHAR AS id, test_content, priority, min_memory_gb FROM planned_tests ORDER BY ALL",
    "SELECT plan, test_id::VARCHAR AS id, depends_on::VARCHAR AS earlier FROM test_dependencies ORDER BY ALL",
];

/// Fills a database, runs the queries with both, and compares the answers.
pub(crate) fn run() -> Result<()> {
    say("DuckDB's Python package reads the template database");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let template = folder.path().join("template.py");
    std::fs::write(&template, TEMPLATE).context("cannot write a template")?;
    let template = template.to_str().context("the temporary folder is not UTF-8")?;
    let add = ["template", "add", "--name", "it's \"text\"", "--family", "text_embedding", "--file", template];
    tgen(folder.path(), &add)?;
    for arguments in SESSION {
        tgen(folder.path(), arguments)?;
    }
    let mut python = Command::new(python::programs(&[PACKAGE])?.join("python"));
    python.arg(root().join("xtask/src/read_database.py"));
    let theirs = output_of(python.arg(folder.path().join("templates.duckdb")).args(QUESTIONS))?;
    let answers: Vec<&str> = theirs.lines().collect();
    ensure!(answers.len() == QUESTIONS.len(), "Python answered {} questions", answers.len());
    for (question, theirs) in QUESTIONS.iter().zip(answers) {
        let ours: Value = serde_json::from_str(&tgen(folder.path(), &["query", question, "--format", "json"])?)?;
        let theirs: Value = serde_json::from_str(theirs)?;
        ensure!(ours.as_array().is_some_and(|rows| !rows.is_empty()), "`{question}` has no rows");
        ensure!(ours == theirs, "`{question}` has other rows in Python:\n{ours:#}\n{theirs:#}");
    }
    Ok(())
}

fn tgen(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = with_library("run")?;
    output_of(command.args(["--quiet", "--", "--root"]).arg(folder).args(arguments))
}

fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} failed: {}\n{said}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
