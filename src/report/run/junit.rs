//! A run as `JUnit` XML, for the test pages of CI services: a suite for each file and hardware type, a case for each test.
//!
//! It keeps to the schema of Jenkins's xUnit plugin (`junit-10.xsd`), as pytest does. Attempts are written as cargo-nextest writes them: those before a pass as `flakyFailure`, those after a first failure as
//! `rerunFailure`. XML cannot hold every character, so all text goes through [`xml`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestRerun, TestSuite};
use tgen_core::results::attempt::Attempt;
use tgen_core::results::message::message;
use tgen_core::results::outcome::{Meaning, Outcome};
use tgen_core::results::verdict::{Test, Verdict};

use super::{RunReport, explain};
use crate::report::junit::xml;

/// Writes the report.
pub(crate) fn write(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut document = Document::new("cargo-tgen run");
    if let Some(elapsed) = report.elapsed {
        document.set_time(elapsed);
    }
    let mut tests: Vec<&Test<'_>> = report.tests.iter().collect();
    tests.sort_by_key(|test| suite_of(test));
    for of_suite in tests.chunk_by(|left, right| suite_of(left) == suite_of(right)) {
        document.add_test_suite(suite(report, of_suite));
    }
    let xml = document.to_string().map_err(io::Error::other)?;
    out.write_all(without_skipped(&xml).as_bytes())
}

/// The text without the number of skipped tests in its outermost element, which the schema does not have there.
fn without_skipped(xml: &str) -> Cow<'_, str> {
    let head = xml.find("<testsuite ").unwrap_or(xml.len());
    let attribute = xml[..head].find(" skipped=\"").and_then(|from| {
        let value = from + " skipped=\"".len();
        Some((from, value + xml[value..head].find('"')? + 1))
    });
    attribute.map_or(Cow::Borrowed(xml), |(from, to)| Cow::Owned([&xml[..from], &xml[to..]].concat()))
}

fn suite_of<'r>(test: &Test<'r>) -> (&'r str, &'static str) {
    (&test.last().file, test.last().hardware.name())
}

fn suite(report: &RunReport<'_>, tests: &[&Test<'_>]) -> TestSuite {
    let name = tests.first().map(|test| suite_of(test)).map(|(file, hardware)| format!("{file} ({hardware})"));
    let mut suite = TestSuite::new(xml(&name.unwrap_or_default()));
    suite.set_time(tests.iter().flat_map(|test| &test.attempts).map(|attempt| attempt.elapsed()).sum());
    for property in properties(tests) {
        suite.add_property(property);
    }
    suite.add_test_cases(tests.iter().map(|test| case(report, test)));
    suite
}

/// A case named as pytest names it. Readers take two cases of one class and name for one test, so the class begins with
/// the hardware type.
fn case(report: &RunReport<'_>, test: &Test<'_>) -> TestCase {
    let last = test.last();
    let (class, name) = class_and_name(last);
    let mut case = TestCase::new(xml(&name), status(report, test));
    case.set_classname(xml(&class)).set_time(last.elapsed());
    case
}

/// What the tests of a suite have in common, or all that they have. The schema knows no properties of a case.
fn properties(tests: &[&Test<'_>]) -> Vec<Property> {
    let values = |key: &'static str, fact: fn(&Attempt) -> Option<&str>| {
        let values: BTreeSet<&str> = tests.iter().filter_map(|test| fact(test.last())).collect();
        let value = values.into_iter().collect::<Vec<_>>().join(", ");
        (!value.is_empty()).then(|| Property::new(key, xml(&value)))
    };
    let properties = [
        values("model", |attempt| attempt.model.as_deref()),
        values("task", |attempt| attempt.task.as_deref()),
        values("device", |attempt| attempt.device.as_deref()),
        values("implementation", |attempt| attempt.implementation.as_deref()),
    ];
    properties.into_iter().flatten().collect()
}

fn class_and_name(attempt: &Attempt) -> (String, String) {
    let module = attempt.file.strip_suffix(".py").unwrap_or(&attempt.file).replace(['/', '\\'], ".");
    let within = attempt.nodeid.strip_prefix(attempt.file.as_str()).unwrap_or(&attempt.nodeid);
    // A parameter in brackets may hold `::` itself.
    let (path, parameter) = within.find('[').map_or((within, ""), |at| within.split_at(at));
    let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let name = parts.pop().map_or_else(|| attempt.nodeid.clone(), |name| format!("{name}{parameter}"));
    let classes = parts.iter().map(|part| format!(".{part}")).collect::<String>();
    (format!("{}.{module}{classes}", attempt.hardware.name()), name)
}

fn status(report: &RunReport<'_>, test: &Test<'_>) -> TestCaseStatus {
    let last = test.last();
    match test.verdict {
        Verdict::Flaky => {
            let mut status = TestCaseStatus::success();
            let failed = test.attempts.iter().filter(|attempt| attempt.outcome.meaning() == Meaning::Failure);
            status.add_reruns(failed.map(|attempt| rerun(attempt)));
            status
        }
        Verdict::Ended(Outcome::Passed | Outcome::Xpassed) => TestCaseStatus::success(),
        Verdict::Ended(Outcome::Skipped | Outcome::Xfailed | Outcome::Blocked | Outcome::NotRun) => skipped(last),
        Verdict::Ended(_) => failed(report, test),
    }
}

fn skipped(attempt: &Attempt) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_type(attempt.outcome.name()).set_message(xml(&attempt.reason));
    status
}

fn failed(report: &RunReport<'_>, test: &Test<'_>) -> TestCaseStatus {
    let bad: Vec<&Attempt> =
        test.attempts.iter().copied().filter(|attempt| attempt.outcome.meaning() != Meaning::Success).collect();
    let Some((first, later)) = bad.split_first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(kind(first.outcome));
    let commands = [Some(report.reproduce(first)), explain(first)].into_iter().flatten();
    let description: Vec<String> = std::iter::once(first.reason.clone()).chain(commands).collect();
    status
        .set_type(first.outcome.name())
        .set_message(xml(message(&first.reason)))
        .set_description(xml(&description.join("\n")));
    status.add_reruns(later.iter().map(|attempt| rerun(attempt)));
    status
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let mut rerun = TestRerun::new(kind(attempt.outcome));
    rerun.set_type(attempt.outcome.name()).set_message(xml(message(&attempt.reason)));
    rerun.set_description(xml(&attempt.reason));
    rerun
}

/// A failure is the test's own; an error is what kept it from telling.
const fn kind(outcome: Outcome) -> NonSuccessKind {
    match outcome {
        Outcome::Failed | Outcome::TimedOut => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn attempts_are_written_as_nextest_writes_them() {
        let recorded = fixture::mixed();
        let mut out = Vec::new();
        write(&fixture::report(&recorded), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="cargo-tgen run" tests="7" failures="3" errors="0" time="1.230">
            <testsuite name="test/test_bert.py (cpu)" tests="4" skipped="1" errors="0" failures="2" time="1.000">
                <properties>
                    <property name="model" value="bert"/>
                </properties>
                <testcase name="test_c[x::y]" classname="cpu.test.test_bert.TestB" time="0.250">
                    <failure message="assert 1 == 2" type="failed">/home/u/p/test/test_bert.py:12: assert 1 == 2
          more
        .venv/bin/python -m pytest &apos;test/test_bert.py::TestB::test_c[x::y]&apos;
        cargo tgen explain test/test_bert.py:12</failure>
                </testcase>
                <testcase name="test_c[x::z]" classname="cpu.test.test_bert.TestB" time="0.250">
                    <failure message="assert 1 == 2" type="failed">/home/u/p/test/test_bert.py:12: assert 1 == 2
          more
        .venv/bin/python -m pytest &apos;test/test_bert.py::TestB::test_c[x::z]&apos;
        cargo tgen explain test/test_bert.py:12</failure>
                </testcase>
                <testcase name="test_a" classname="cpu.test.test_bert" time="0.250"/>
                <testcase name="test_e" classname="cpu.test.test_bert" time="0.250">
                    <skipped message="no audio" type="skipped"/>
                </testcase>
            </testsuite>
            <testsuite name="test/test_bert.py (cuda)" tests="3" skipped="1" errors="0" failures="1" time="1.250">
                <properties>
                    <property name="model" value="bert"/>
                </properties>
                <testcase name="test/test_bert.py" classname="cuda.test.test_bert" time="0.250">
                    <skipped message="needs 90 GB of 80 GB" type="blocked"/>
                </testcase>
                <testcase name="test_a" classname="cuda.test.test_bert" time="0.250">
                    <flakyError message="killed by SIGSEGV" type="crashed">killed by SIGSEGV</flakyError>
                </testcase>
                <testcase name="test_d" classname="cuda.test.test_bert" time="0.250">
                    <failure message="after 600 s" type="timed_out">after 600 s
        .venv/bin/python -m pytest test/test_bert.py::test_d</failure>
                    <rerunFailure message="␛[2J ::error::x ␀ ]]&gt; &lt;&amp;&quot;&apos;" type="failed">conftest.py:3: ␛[2J ::error::x ␀ ]]&gt; &lt;&amp;&quot;&apos;</rerunFailure>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }
}
