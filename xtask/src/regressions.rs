//! Tests with real regressions of transformers: the rendered tests must fail with the broken release and pass with
//! another.
//!
//! `tests/with_torch/regressions.toml` lists them, with what no test finds and why.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::results::{self, Platform, TestResult, Verdict, run_tests_over};
use crate::test::root;
use crate::{releases, say};

#[derive(Deserialize)]
struct Table {
    regression: Vec<Regression>,
}

#[derive(Deserialize)]
struct Regression {
    #[serde(rename = "type")]
    model_type: String,
    broken: String,
    fixed: String,
    /// The test that must fail, or `missed` for a regression that no test finds.
    test: Option<String>,
    missed: Option<String>,
    what: String,
}

/// Runs the regressions of these model types, or all of them.
pub(crate) fn run(types: &[&str]) -> Result<()> {
    let path = root().join("tests/with_torch/regressions.toml");
    let text = std::fs::read_to_string(path).context("there is no list of regressions")?;
    let table: Table = toml::from_str(&text).context("the list of regressions is wrong")?;
    let python = results::python(None)?;
    let mut wrong = 0;
    let mut ran = 0;
    for regression in &table.regression {
        if !types.is_empty() && !types.contains(&regression.model_type.as_str()) {
            continue;
        }
        ran += 1;
        let problem = regression.problem(&python)?;
        wrong += usize::from(problem.is_some());
        say(&regression.line(problem.as_deref().unwrap_or("as expected")));
    }
    ensure!(wrong == 0, "{wrong} of {ran} regressions are not what the list says");
    say(&format!("{ran} regressions, all as the list says"));
    Ok(())
}

impl Regression {
    /// The deviation from the list, if any.
    fn problem(&self, python: &Path) -> Result<Option<String>> {
        let failed = failures(&self.results(python, &self.broken)?);
        let fixed = failures(&self.results(python, &self.fixed)?);
        Ok(match &self.test {
            _ if !fixed.is_empty() => Some(format!("{} fail with {}", fixed.join(", "), self.fixed)),
            Some(test) if !failed.contains(test) => Some(format!("{test} passes with {}", self.broken)),
            None if !failed.is_empty() => Some(format!("is found now, by {}", failed.join(", "))),
            _ => None,
        })
    }

    fn line(&self, outcome: &str) -> String {
        let by = match (&self.test, &self.missed) {
            (Some(test), _) => format!("found by {test}"),
            (None, Some(why)) => format!("missed: {why}"),
            (None, None) => "missed".to_owned(),
        };
        format!("{} {} -> {}: {}; {by}: {outcome}", self.model_type, self.broken, self.fixed, self.what)
    }

    fn results(&self, python: &Path, version: &str) -> Result<Vec<TestResult>> {
        let release = releases::installed(python, version)?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let tests = releases::render(folder.path(), &release, &self.model_type)?;
        run_tests_over(python, &tests, Platform::Cpu, &[], Some(&release))
    }
}

/// The names of the tests that failed, without duplicates.
fn failures(results: &[TestResult]) -> Vec<String> {
    let failed = results.iter().filter(|result| matches!(result.verdict(), Verdict::Failed(_)));
    let mut names: Vec<String> = failed.filter_map(|result| result.test.clone()).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_regression_is_found_by_a_test_or_says_why_it_is_missed() {
        let text = std::fs::read_to_string(root().join("tests/with_torch/regressions.toml")).unwrap();
        let table: Table = toml::from_str(&text).unwrap();
        for regression in &table.regression {
            assert_ne!(regression.test.is_some(), regression.missed.is_some(), "{}", regression.line(""));
        }
    }
}
