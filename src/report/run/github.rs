//! A run as workflow commands of GitHub Actions, which become annotations in a pull request.

use std::io::{self, Write};

use tgen_core::base::problem::Severity;
use tgen_core::results::clusters::{Cluster, clusters};
use tgen_core::results::message::message;
use tgen_core::results::outcome::Meaning;

use super::{RunReport, explain, failed_line, words};
use crate::printer::counted;
use crate::report::github::{Annotation, LIMIT};

/// Writes the report: an annotation for each cause, and a line that sums up.
pub(crate) fn write(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let causes = clusters(&report.tests);
    let shown = if causes.len() > LIMIT { LIMIT - 1 } else { causes.len() };
    for cause in &causes[..shown] {
        writeln!(out, "{}", annotation(report, cause))?;
    }
    if let Some(worst) = causes.get(shown) {
        let tests = causes[shown..].iter().map(|cause| cause.tests.len()).sum();
        let message = format!("and {} that did not pass: the results file has all", counted(tests, "more test"));
        writeln!(out, "{}", Annotation::new(severity(worst)).saying("more", &message))?;
    }
    writeln!(out, "{}", report.sentence())
}

fn annotation(report: &RunReport<'_>, cause: &Cluster<'_>) -> String {
    let attempt = cause.example().last();
    let mut annotation = Annotation::new(severity(cause));
    annotation.property("file", &attempt.file);
    if let Some(line) = failed_line(attempt) {
        annotation.property("line", line);
    }
    let more = cause.tests.len() - 1;
    let more = (more > 0).then(|| format!("and {} for the same reason", counted(more, "more test")));
    let device = attempt.device.as_deref().unwrap_or(attempt.hardware.name());
    let lines = [
        Some(format!("{} on {device}: {}", attempt.nodeid, message(&attempt.reason))),
        more,
        Some(format!("reproduce: {}", report.reproduce(attempt))),
        explain(attempt).map(|explain| format!("template: {explain}")),
    ];
    annotation.saying(&words(cause.verdict), &lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

fn severity(cause: &Cluster<'_>) -> Severity {
    if cause.verdict.meaning() == Meaning::Failure { Severity::Error } else { Severity::Warning }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn written(recorded: &tgen_core::results::reading::Recorded) -> String {
        let mut out = Vec::new();
        write(&fixture::report(recorded), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_cause_is_an_annotation_and_nothing_in_it_is_a_command() {
        insta::assert_snapshot!(written(&fixture::mixed()), @r#"
        ::error file=test/test_bert.py,line=12,title=cargo-tgen (failed)::test/test_bert.py::TestB::test_c[x::y] on cpu: assert 1 == 2%0Aand 1 more test for the same reason%0Areproduce: .venv/bin/python -m pytest 'test/test_bert.py::TestB::test_c[x::y]'%0Atemplate: cargo tgen explain test/test_bert.py:12
        ::error file=test/test_bert.py,title=cargo-tgen (failed)::test/test_bert.py::test_d on cuda: ␛[2J ::error::x ␀ ]]> <&"'%0Areproduce: .venv/bin/python -m pytest test/test_bert.py::test_d
        ::warning file=test/test_bert.py,title=cargo-tgen (blocked)::test/test_bert.py on cuda: needs 90 GB of 80 GB%0Areproduce: .venv/bin/python -m pytest test/test_bert.py
        7 tests: 1 passed, 1 flaky, 3 failed, 1 skipped, 1 blocked (1.23 s)
        "#);
    }

    #[test]
    fn there_are_never_more_annotations_than_github_shows() {
        let written = written(&fixture::many_failures(30));
        assert_eq!(written.matches("::error ").count(), LIMIT);
        assert!(written.contains("and 21 more tests that did not pass"), "{written}");
    }
}
