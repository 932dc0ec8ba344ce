//! A run for people: what failed and how to see it again, how many tests ended how on which hardware, and one line that
//! sums up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use tgen_core::results::attempt::Attempt;
use tgen_core::results::clusters::{Cluster, clusters};
use tgen_core::results::outcome::Meaning;
use tgen_core::results::verdict::Verdict;

use super::{RunReport, explain, reproduce, words};
use crate::printer::{Cut, FAINT, HEADING, Printer, as_called, counted, cut, visible, visible_lines};

const FAILED: Style = AnsiColor::Red.on_default().bold();
const UNKNOWN: Style = AnsiColor::Yellow.on_default().bold();

/// The most causes that are shown.
const CAUSES: usize = 20;
/// The most lines of what pytest says of a failure.
const TEXT_LINES: usize = 30;

/// Writes the report.
pub(crate) fn write(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let causes = clusters(&report.tests);
    let Cut { shown, rest } = cut(&causes, CAUSES);
    for cause in shown {
        write_cause(out, report, cause)?;
    }
    if rest > 0 {
        writeln!(out, "{FAINT}and {} (`--format json` has all){FAINT:#}", counted(rest, "more cause"))?;
    }
    write_summary(report, out)
}

/// Writes the report of a run whose failures have been shown as they happened.
pub(crate) fn write_summary(report: &RunReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.summary.hardware().len() > 1 {
        write_table(out, report)?;
    }
    writeln!(out, "{HEADING}{}{HEADING:#}", report.sentence())
}

/// Writes an attempt that did not pass, as it happens; `text` is what pytest says of it.
pub(crate) fn write_failure(out: &mut dyn Write, attempt: &Attempt, text: &str, python: &str) -> io::Result<()> {
    write_heading(out, Verdict::Ended(attempt.outcome), attempt)?;
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(TEXT_LINES);
    if skipped > 0 {
        writeln!(out, "  {FAINT}... {}{FAINT:#}", counted(skipped, "line"))?;
    }
    for line in &lines[skipped..] {
        writeln!(out, "  {FAINT}|{FAINT:#} {}", visible(line))?;
    }
    write_reason(out, &attempt.reason)?;
    write_commands(out, attempt, &reproduce(python, attempt))
}

fn write_cause(out: &mut dyn Write, report: &RunReport<'_>, cause: &Cluster<'_>) -> io::Result<()> {
    let attempt = cause.example().last();
    write_heading(out, cause.verdict, attempt)?;
    write_reason(out, &attempt.reason)?;
    if cause.tests.len() > 1 {
        writeln!(out, "  {FAINT}and {} for the same reason{FAINT:#}", counted(cause.tests.len() - 1, "more test"))?;
    }
    write_commands(out, attempt, &report.reproduce(attempt))
}

fn write_heading(out: &mut dyn Write, verdict: Verdict, attempt: &Attempt) -> io::Result<()> {
    let style = if verdict.meaning() == Meaning::Failure { FAILED } else { UNKNOWN };
    let nodeid = visible(&attempt.nodeid);
    let device = attempt.device.as_deref().unwrap_or(attempt.hardware.name());
    writeln!(
        out,
        "{style}{}{style:#} {HEADING}{nodeid}{HEADING:#} {FAINT}on {}{FAINT:#}",
        words(verdict),
        visible(device)
    )
}

fn write_reason(out: &mut dyn Write, reason: &str) -> io::Result<()> {
    let reason = visible_lines(reason);
    reason.lines().try_for_each(|line| writeln!(out, "  {line}"))
}

fn write_commands(out: &mut dyn Write, attempt: &Attempt, reproduce: &str) -> io::Result<()> {
    writeln!(out, "  {FAINT}reproduce:{FAINT:#} {}", visible(reproduce))?;
    match explain(attempt) {
        Some(explain) => writeln!(out, "  {FAINT}template:{FAINT:#}  {}\n", visible(&as_called(&explain))),
        None => writeln!(out),
    }
}

/// A row for each hardware type, a column for each verdict that occurs.
fn write_table(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let summary = &report.summary;
    let verdicts: Vec<_> = Verdict::all().into_iter().filter(|verdict| summary.total(*verdict) > 0).collect();
    let names: Vec<String> = verdicts.iter().map(|verdict| words(*verdict)).collect();
    let headings: Vec<&str> = std::iter::once("hardware").chain(names.iter().map(String::as_str)).collect();
    let mut table = Printer::table_in(&mut *out, &headings);
    for hardware in summary.hardware() {
        let counts = verdicts.iter().map(|verdict| summary.count(hardware, *verdict).to_string());
        table.add(&std::iter::once(hardware.name().to_owned()).chain(counts).collect::<Vec<_>>())?;
    }
    table.finish()?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::printer::plain;

    #[track_caller]
    fn written(recorded: &tgen_core::results::reading::Recorded) -> String {
        let mut out = Vec::new();
        write(&fixture::report(recorded), &mut out).unwrap();
        plain(out)
    }

    #[test]
    fn a_run_that_passed_is_one_line() {
        insta::assert_snapshot!(written(&fixture::passed()), @"2 tests: 1 passed, 1 skipped; 1 planned unit did not end (1.23 s)");
    }

    #[test]
    fn failures_are_told_once_a_cause_with_the_commands_to_see_them_again() {
        insta::assert_snapshot!(written(&fixture::mixed()), @r#"
        failed test/test_bert.py::TestB::test_c[x::y] on cpu
          /home/u/p/test/test_bert.py:12: assert 1 == 2
            more
          and 1 more test for the same reason
          reproduce: .venv/bin/python -m pytest 'test/test_bert.py::TestB::test_c[x::y]'
          template:  cargo tgen explain test/test_bert.py:12

        failed test/test_bert.py::test_d on cuda
          conftest.py:3: ␛[2J ::error::x ␀ ]]> <&"'
          reproduce: .venv/bin/python -m pytest test/test_bert.py::test_d

        blocked test/test_bert.py on cuda
          needs 90 GB of 80 GB
          reproduce: .venv/bin/python -m pytest test/test_bert.py

        hardware  passed  flaky  failed  skipped  blocked
        cpu       1       0      2       1        0
        cuda      0       1      1       0        1

        7 tests: 1 passed, 1 flaky, 3 failed, 1 skipped, 1 blocked (1.23 s)
        "#);
    }

    #[test]
    fn causes_beyond_a_screenful_are_counted() {
        let written = written(&fixture::many_failures(30));
        assert_eq!(written.matches("reproduce:").count(), CAUSES);
        assert!(written.contains("and 10 more causes"), "{written}");
    }
}
