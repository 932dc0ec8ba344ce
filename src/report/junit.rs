//! A report as `JUnit` XML, for the test pages of CI services: one test case an output, and one a problem.
//!
//! XML cannot hold every character, so all text of a file or a name goes through [`xml`].

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite, XmlString};
use tgen_core::base::problem::Problem;
use tgen_core::output::diff::HunkGroup;
use tgen_core::output::state::State;

use super::place::Place;
use super::{OutputReport, Report, words};
use crate::printer::{SourceCache, Sources, visible_lines};

/// The most lines of one difference.
const HUNK_LINES: usize = 200;

/// Writes the report.
pub(crate) fn write(report: &Report, out: &mut dyn Write, sources: &Sources<'_>) -> io::Result<()> {
    let mut document = Document::new("cargo-tgen");
    document.set_time(report.elapsed);
    document.add_test_suite(outputs(report));
    if !report.problems.is_empty() {
        document.add_test_suite(problems(report, &SourceCache::new(sources)));
    }
    if let Some(failure) = &report.failure {
        document.add_test_suite(not_run(failure));
    }
    let xml = document.to_string().map_err(io::Error::other)?;
    out.write_all(xml.as_bytes())
}

/// Text that XML can hold: what it cannot is shown as a picture.
pub(super) fn xml(text: &str) -> XmlString {
    XmlString::new(visible_lines(text))
}

/// That the check could not run to its end, as a test that could not run.
fn not_run(failure: &str) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("check").set_message(xml(failure));
    let mut suite = TestSuite::new("check");
    suite.add_test_case(TestCase::new("the check runs to its end", status));
    suite
}

fn outputs(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("outputs");
    suite.set_time(report.elapsed);
    let cases = report.outputs.iter().enumerate();
    suite.add_test_cases(cases.map(|(number, output)| of_output(report, number, output)));
    suite
}

/// A test case named after the output, in the class of its template.
fn of_output(report: &Report, number: usize, output: &OutputReport) -> TestCase {
    let mut case = TestCase::new(xml(output.path.as_str()), status(report, number, output));
    case.set_classname(xml(output.template_name()));
    case
}

fn status(report: &Report, number: usize, output: &OutputReport) -> TestCaseStatus {
    if output.state == State::Fresh {
        return TestCaseStatus::success();
    }
    let mut status = failure(output.state.name(), &words::sentence(output));
    let note = words::baseline_note(output.baseline).map(str::to_owned);
    let differences: Vec<String> = note.into_iter().chain(report.differences_of(number).map(difference)).collect();
    if !differences.is_empty() {
        status.set_description(xml(&differences.join("\n")));
    }
    status
}

fn difference(group: &HunkGroup) -> String {
    let hunk = words::unified(&group.hunk, HUNK_LINES);
    match words::more_like_it(group.count) {
        Some(more) => format!("{hunk}\n{more}"),
        None => hunk,
    }
}

fn problems(report: &Report, sources: &SourceCache<'_>) -> TestSuite {
    let mut suite = TestSuite::new("problems");
    suite.add_test_cases(report.problems.iter().map(|problem| of_problem(problem, sources)));
    suite
}

/// A test case named after the place, in the class of the problem's code; a warning is one that passes.
fn of_problem(problem: &Problem, sources: &SourceCache<'_>) -> TestCase {
    let name = xml(&place_of(problem, sources));
    let mut case = if problem.is_error() {
        let mut status = failure(problem.code.name(), &problem.message);
        status.set_description(xml(&words::whole(problem)));
        TestCase::new(name, status)
    } else {
        let mut passed = TestCase::new(name, TestCaseStatus::success());
        passed.set_system_out(xml(&words::whole(problem)));
        passed
    };
    case.set_classname(problem.code.name());
    case
}

fn place_of(problem: &Problem, sources: &SourceCache<'_>) -> String {
    match (problem.path.as_deref(), problem.range) {
        (Some(path), Some(range)) => {
            let place = Place::of(path, range, sources);
            format!("{path}:{}:{}", place.line, place.column)
        }
        (Some(path), None) => path.to_string(),
        (None, _) => problem.message.clone(),
    }
}

fn failure(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(xml(message));
    status
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out, &fixture::sources).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_fresh_output_is_a_test_that_passes() {
        insta::assert_snapshot!(written(&fixture::fresh(2)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="cargo-tgen" tests="2" skipped="0" failures="0" errors="0" time="0.123">
            <testsuite name="outputs" tests="2" skipped="0" errors="0" failures="0" time="0.123">
                <testcase name="test/test_hf_m000.py" classname="skillset.py.tera"/>
                <testcase name="test/test_hf_m001.py" classname="skillset.py.tera"/>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_differs_or_is_wrong_is_a_failure_and_a_warning_is_not() {
        insta::assert_snapshot!(written(&fixture::mixed()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="cargo-tgen" tests="11" skipped="0" failures="8" errors="0" time="0.123">
            <testsuite name="outputs" tests="8" skipped="0" errors="0" failures="6" time="0.123">
                <testcase name="test/test_hf_m000.py" classname="skillset.py.tera"/>
                <testcase name="test/test_hf_m001.py" classname="skillset.py.tera"/>
                <testcase name="test/test_hf_albert.py" classname="skillset.py.tera">
                    <failure message="`test/test_hf_albert.py` is stale, the template or a value has changed: run `cargo tgen generate`" type="stale">@@ -1,3 +1,3 @@
         import torch
        -old albert
        +new albert
         end
        and 1 more like it</failure>
                </testcase>
                <testcase name="test/test_hf_bert.py" classname="skillset.py.tera">
                    <failure message="`test/test_hf_bert.py` is stale, the template or a value has changed: run `cargo tgen generate`" type="stale"/>
                </testcase>
                <testcase name="test/test_hf_clip.py" classname="skillset.py.tera">
                    <failure message="`test/test_hf_clip.py` is edited, changed by hand: run `cargo tgen adopt FILE` to move the change into the template, or `cargo tgen generate --force` to discard it" type="edited">@@ -1,2 +1,3 @@
         a
         b
        +mine ␛[2J</failure>
                </testcase>
                <testcase name="test/test_hf_dpt.py" classname="skillset.py.tera">
                    <failure message="`test/test_hf_dpt.py` is missing, not written yet: run `cargo tgen generate`" type="missing"/>
                </testcase>
                <testcase name="test/test_hf_vit.py" classname="skillset.py.tera">
                    <failure message="`test/test_hf_vit.py` is foreign, not generated by cargo-tgen: choose another output path, or run `cargo tgen generate --force` to replace what is there" type="foreign"/>
                </testcase>
                <testcase name="test/test_hf_gone.py" classname="orphaned">
                    <failure message="`test/test_hf_gone.py` is orphaned, rendered by no case any more: run `cargo tgen generate --prune` to delete what is left, or add the model to `models`" type="orphaned"/>
                </testcase>
            </testsuite>
            <testsuite name="problems" tests="3" skipped="0" errors="0" failures="2">
                <testcase name="skills, old/hf_a.py" classname="invalid-reference">
                    <system-out>the class `hf_a` has no method `init`, 100% sure</system-out>
                </testcase>
                <testcase name="templates/skillset.py.tera:2:12" classname="unknown-placeholder">
                    <failure message="there is no placeholder `modle_name`" type="unknown-placeholder">there is no placeholder `modle_name`
        help: did you mean `model_name`?
        note: this suite uses the template (tgen.toml)</failure>
                </testcase>
                <testcase name="there is no model `bret`" classname="unknown-model">
                    <failure message="there is no model `bret`" type="unknown-model">there is no model `bret`
        help: did you mean `bert`?</failure>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }
}
