//! A run in Markdown, for the summary of a step in GitHub Actions, which takes one mebibyte: long lists are cut with counts.

use std::io::{self, Write};

use tgen_core::results::clusters::{Cluster, clusters};
use tgen_core::results::comparison::{ChangedTest, TestChange};
use tgen_core::results::matrix::{Matrix, Rating};
use tgen_core::results::message::message;
use tgen_core::results::verdict::Verdict;

use super::overview::{Against, Overview, change_meaning, change_words};
use super::{explain, words};
use crate::printer::{Cut, counted, cut, listed};
use crate::report::markdown::text;

/// The most rows of a list, and the most causes.
const ROWS: usize = 50;
/// The most letters of a message or a name.
const LETTERS: usize = 300;
/// The most models that are named at a time.
const MODELS: usize = 40;

/// Writes the report.
pub(crate) fn write(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### cargo-tgen run: {}\n", overview.conclusion())?;
    write_gaps(overview, out)?;
    writeln!(out, "{}\n", text(&overview.run.sentence()))?;
    write_facts(overview, out)?;
    write_counts(overview, out)?;
    if let Some(against) = &overview.against {
        write_changes(against, out)?;
    }
    write_clusters(overview, out)?;
    write_models(overview, out)
}

fn write_gaps(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let gaps = overview.gaps();
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "> **This is not the whole run.**")?;
    gaps.iter().try_for_each(|gap| writeln!(out, "> - {}", short(gap)))?;
    writeln!(out)
}

fn write_facts(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut facts: Vec<String> = Overview::environment(overview.run)
        .into_iter()
        .filter(|(key, _)| *key != "command")
        .map(|(key, value)| format!("{key} {}", short(&value)))
        .collect();
    facts.extend(overview.failure_rate().map(|(percent, ran)| format!("{percent:.1} % of {ran} that ran failed")));
    writeln!(out, "{}\n", facts.join(" · "))
}

fn write_counts(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = &overview.run.summary;
    let verdicts: Vec<Verdict> = Verdict::all().into_iter().filter(|verdict| summary.total(*verdict) > 0).collect();
    let headings: String = verdicts.iter().map(|verdict| format!(" {} |", words(*verdict))).collect();
    writeln!(out, "| hardware |{headings}\n|---|{}", "---:|".repeat(verdicts.len()))?;
    for hardware in summary.hardware() {
        let counts: String =
            verdicts.iter().map(|verdict| format!(" {} |", summary.count(hardware, *verdict))).collect();
        writeln!(out, "| {hardware} |{counts}")?;
    }
    writeln!(out)
}

fn write_changes(against: &Against<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "#### Against {}: {}\n", short(&Overview::names(against.run)), against.counts())?;
    for (words, models) in against.models() {
        writeln!(out, "- models {words} ({}): {}", models.len(), short(&listed(&models, MODELS)))?;
    }
    writeln!(out)?;
    for change in [TestChange::New, TestChange::Changed, TestChange::Fixed, TestChange::Gone] {
        let tests: Vec<&ChangedTest<'_>> = against.comparison.of(change).collect();
        if tests.is_empty() {
            continue;
        }
        writeln!(out, "<details{}>", if change == TestChange::New { " open" } else { "" })?;
        let count = counted(tests.len(), "test");
        writeln!(out, "<summary><b>{}</b>: {count} that {}</summary>\n", change_words(change), change_meaning(change))?;
        writeln!(out, "| test | on | before | now | message |\n|---|---|---|---|---|")?;
        let Cut { shown, rest } = cut(&tests, ROWS);
        shown.iter().try_for_each(|test| write_change(test, out))?;
        write_rest(rest, "test", out)?;
        writeln!(out, "\n</details>\n")?;
    }
    Ok(())
}

fn write_change(changed: &ChangedTest<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(test) = changed.test() else { return Ok(()) };
    let verdict = |test: Option<&tgen_core::results::verdict::Test<'_>>| {
        test.map_or("–".to_owned(), |test| words(test.verdict))
    };
    let last = test.last();
    writeln!(
        out,
        "| {} | {} | {} | {} | {} |",
        short(&last.nodeid),
        last.hardware,
        verdict(changed.before),
        verdict(changed.now),
        short(message(&last.reason))
    )
}

fn write_clusters(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let clusters = clusters(&overview.run.tests);
    if clusters.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### Why tests did not pass\n")?;
    let Cut { shown, rest } = cut(&clusters, ROWS);
    shown.iter().try_for_each(|cluster| write_cluster(overview, cluster, out))?;
    write_rest(rest, "cause", out)?;
    writeln!(out)
}

fn write_cluster(overview: &Overview<'_>, cluster: &Cluster<'_>, out: &mut dyn Write) -> io::Result<()> {
    let example = cluster.example().last();
    let count = counted(cluster.tests.len(), "test");
    writeln!(out, "- **{} {}**: {}", count, words(cluster.verdict), short(message(&example.reason)))?;
    writeln!(out, "  {} on {}", short(&example.nodeid), example.hardware)?;
    let commands = [Some(overview.run.reproduce(example)), explain(example)];
    commands.into_iter().flatten().try_for_each(|command| writeln!(out, "  <br>{}", code(&command)))
}

fn write_models(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let matrix = Matrix::new(&overview.run.tests);
    let worst: Vec<_> = matrix.rows.iter().filter(|row| row.total().rating() < Rating::Passing).collect();
    if worst.is_empty() {
        return Ok(());
    }
    let well = matrix.rows.len() - worst.len();
    let well =
        if well > 0 { format!("; nothing is wrong with {}", counted(well, "other model")) } else { String::new() };
    writeln!(out, "#### Models\n\n`✗ 2/4` are two failing tests of four{well}.\n")?;
    let headings: String = matrix.hardware.iter().map(|hardware| format!(" {hardware} |")).collect();
    writeln!(out, "| model |{headings}\n|---|{}", "---|".repeat(matrix.hardware.len()))?;
    let Cut { shown, rest } = cut(&worst, ROWS);
    for row in shown {
        let cells = row
            .cells
            .iter()
            .map(|cell| cell.map_or(" |".to_owned(), |cell| format!(" {} |", super::cell_words(&cell))));
        writeln!(out, "| {} |{}", short(row.model), cells.collect::<String>())?;
    }
    write_rest(rest, "model", out)
}

fn write_rest(rest: usize, noun: &str, out: &mut dyn Write) -> io::Result<()> {
    if rest > 0 {
        writeln!(out, "\nand {}", counted(rest, &format!("more {noun}")))?;
    }
    Ok(())
}

/// Foreign text, cut.
fn short(foreign: &str) -> String {
    let mut letters = foreign.chars();
    let shown: String = letters.by_ref().take(LETTERS).collect();
    text(&if letters.next().is_some() { shown + "…" } else { shown })
}

/// A command; backquotes would not hold one that has some.
fn code(command: &str) -> String {
    format!("<code>{}</code>", short(command))
}

#[cfg(test)]
mod tests {
    use tgen_core::results::past::Past;
    use tgen_core::results::reading::Recorded;

    use super::super::{RunReport, fixture};
    use super::*;

    fn written(recorded: &Recorded, against: Option<&Recorded>) -> String {
        let run = RunReport::new(recorded, None, "python");
        let other = against.map(|other| RunReport::new(other, None, "python"));
        let mut out = Vec::new();
        write(&Overview::new(&run, other.as_ref(), Past::default()), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_run_is_told_with_what_is_missing_and_what_is_new() {
        insta::assert_snapshot!(written(&fixture::mixed(), Some(&fixture::passed_earlier())), @r#"
        ### cargo-tgen run: tests failed

        7 tests: 1 passed, 1 flaky, 3 failed, 1 skipped, 1 blocked

        run r1 · started 2026-01-02 03:04 UTC · machine ci · 60.0 % of 5 that ran failed

        | hardware | passed | flaky | failed | skipped | blocked |
        |---|---:|---:|---:|---:|---:|
        | cpu | 1 | 0 | 2 | 1 | 0 |
        | cuda | 0 | 1 | 1 | 0 | 1 |

        #### Against r0: 3 new

        - models failing now (1): bert

        <details open>
        <summary><b>new</b>: 3 tests that fail now, and did not</summary>

        | test | on | before | now | message |
        |---|---|---|---|---|
        | test/test\_bert.py::TestB::test\_c\[x::y\] | cpu | passed | failed | assert 1 == 2 |
        | test/test\_bert.py::TestB::test\_c\[x::z\] | cpu | – | failed | assert 1 == 2 |
        | test/test\_bert.py::test\_d | cuda | – | failed | ␛\[2J ::error::x ␀ \]\]> &lt;&amp;"' |

        </details>

        #### Why tests did not pass

        - **2 tests failed**: assert 1 == 2
          test/test\_bert.py::TestB::test\_c\[x::y\] on cpu
          <br><code>python -m pytest 'test/test\_bert.py::TestB::test\_c\[x::y\]'</code>
          <br><code>cargo tgen explain test/test\_bert.py:12</code>
        - **1 test failed**: ␛\[2J ::error::x ␀ \]\]> &lt;&amp;"'
          test/test\_bert.py::test\_d on cuda
          <br><code>python -m pytest test/test\_bert.py::test\_d</code>
        - **1 test blocked**: needs 90 GB of 80 GB
          test/test\_bert.py on cuda
          <br><code>python -m pytest test/test\_bert.py</code>

        #### Models

        `✗ 2/4` are two failing tests of four.

        | model | cpu | cuda |
        |---|---|---|
        | bert | ✗ 2/4 | ✗ 1/3 |
        "#);
    }

    #[test]
    fn a_summary_is_cut_before_github_refuses_it() {
        let written = written(&fixture::many_failures(20_000), Some(&fixture::passed_earlier()));
        assert!(written.len() < 1 << 20, "{} bytes", written.len());
        assert!(written.contains("and 19950 more tests") && written.contains("and 19950 more causes"), "{written}");
        assert!(self::written(&fixture::hostile(), None).len() < 1 << 16);
    }
}
