//! Tests with real regressions of transformers: the rendered tests must fail with the broken release and pass with
//! another.
//!
//! `tests/with_torch/regressions.toml` lists them, with what no test finds and why; `docs/regressions.md` shows the list
//! to users.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::results::{self, Platform, TestResult, Verdict, run_tests_over};
use crate::test::root;
use crate::{releases, say};

const HEAD: &str = "\
# Regressions of transformers that the built-in tests find

`cargo xtask regressions` checks each row: it installs both releases, and the tests of the model type must
fail with the broken one, in the test named here, and pass with the other.

";

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

/// Runs the regressions of these model types, or all of them; if all are as listed, it writes the page.
pub(crate) fn run(types: &[&str]) -> Result<()> {
    let table = Table::read()?;
    let is_chosen = |regression: &&Regression| types.is_empty() || types.contains(&regression.model_type.as_str());
    let chosen: Vec<&Regression> = table.regression.iter().filter(is_chosen).collect();
    let mut runs = Runs { python: results::python(None)?, failures: BTreeMap::new() };
    let mut wrong = 0;
    for regression in &chosen {
        // A release that cannot be installed says nothing about the other rows.
        let problem = regression.problem(&mut runs).unwrap_or_else(|error| Some(format!("could not run: {error:#}")));
        wrong += usize::from(problem.is_some());
        say(&regression.line(problem.as_deref().unwrap_or("as expected")));
    }
    ensure!(wrong == 0, "{wrong} of {} regressions are not what the list says", chosen.len());
    if types.is_empty() {
        std::fs::write(page_path(), table.page()).context("cannot write the page of regressions")?;
    }
    say(&format!("{} regressions, all as the list says", chosen.len()));
    Ok(())
}

fn page_path() -> PathBuf {
    root().join("docs/regressions.md")
}

impl Table {
    fn read() -> Result<Self> {
        let path = root().join("tests/with_torch/regressions.toml");
        let text = std::fs::read_to_string(path).context("there is no list of regressions")?;
        toml::from_str(&text).context("the list of regressions is wrong")
    }

    fn page(&self) -> String {
        let found = self.regression.iter().filter(|regression| regression.test.is_some()).count();
        let mut page = format!("{HEAD}{found} of {} are found.\n\n", self.regression.len());
        page.push_str("| model type | broken in | right in | what was wrong | found by |\n|---|---|---|---|---|\n");
        for Regression { model_type, broken, fixed, test, missed, what } in &self.regression {
            let by = test.as_ref().map(|test| format!("`{test}`"));
            let by = by.or_else(|| missed.as_ref().map(|why| format!("no test: {why}"))).unwrap_or_default();
            let _ = writeln!(page, "| {model_type} | {broken} | {fixed} | {what} | {by} |");
        }
        page
    }
}

/// The runs so far: several rows may share a model type and a release.
struct Runs {
    python: PathBuf,
    failures: BTreeMap<(String, String), Vec<String>>,
}

impl Runs {
    /// The names of the tests of a model type that fail with a release.
    fn failures(&mut self, model_type: &str, version: &str) -> Result<Vec<String>> {
        let key = (model_type.to_owned(), version.to_owned());
        if let Some(failures) = self.failures.get(&key) {
            return Ok(failures.clone());
        }
        let failures = failures(&results(&self.python, model_type, version)?);
        self.failures.insert(key, failures.clone());
        Ok(failures)
    }
}

fn results(python: &Path, model_type: &str, version: &str) -> Result<Vec<TestResult>> {
    let release = releases::installed(python, version)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tests = releases::render(folder.path(), &release, model_type)?;
    run_tests_over(python, &tests, Platform::Cpu, &[], Some(&release))
}

impl Regression {
    /// The deviation from the list, if any.
    fn problem(&self, runs: &mut Runs) -> Result<Option<String>> {
        let failed = runs.failures(&self.model_type, &self.broken)?;
        let fixed = runs.failures(&self.model_type, &self.fixed)?;
        Ok(match &self.test {
            _ if !fixed.is_empty() => Some(format!("{} fail with {}", fixed.join(", "), self.fixed)),
            Some(test) if !failed.contains(test) => {
                let failed = if failed.is_empty() { "nothing".to_owned() } else { failed.join(", ") };
                Some(format!("{test} passes with {}, where {failed} fails", self.broken))
            }
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
        for regression in &Table::read().unwrap().regression {
            assert_ne!(regression.test.is_some(), regression.missed.is_some(), "{}", regression.line(""));
        }
    }

    #[test]
    fn the_page_shows_the_list() {
        let page = std::fs::read_to_string(page_path()).unwrap();
        assert_eq!(page, Table::read().unwrap().page(), "run `cargo xtask regressions` to renew docs/regressions.md");
    }
}
