//! A report for people: problems, outputs by state with what to do, differences, and one line that sums up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use tgen_core::output::diff::{Hunk, HunkGroup, LineChange};
use tgen_core::output::state::State;

use super::words::Kind;
use super::{Baseline, OutputReport, Report, words};
use crate::printer::{Cut, FAINT, HEADING, Sources, as_called, counted, cut, visible, write_problems};

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const EXTENT: Style = AnsiColor::Cyan.on_default();

/// How much is shown.
#[derive(Debug)]
pub(crate) struct Options {
    /// Whether lists and differences are shown whole, however long.
    pub(crate) verbose: bool,
    /// Whether differences are shown.
    pub(crate) diff: bool,
}

/// The most that is shown of each list.
struct Limits {
    paths: usize,
    differences: usize,
    lines: usize,
}

impl Limits {
    const SHORT: Self = Self { paths: 4, differences: 20, lines: 40 };
    const NONE: Self = Self { paths: usize::MAX, differences: usize::MAX, lines: usize::MAX };
}

/// Writes the report.
pub(crate) fn write(report: &Report, out: &mut dyn Write, sources: &Sources<'_>, options: &Options) -> io::Result<()> {
    let limits = if options.verbose { Limits::NONE } else { Limits::SHORT };
    write_problems(out, &report.problems, sources)?;
    Kind::all().try_for_each(|kind| write_kind(report, out, kind, &limits))?;
    if options.diff {
        write_differences(report, out, &limits, None)?;
    }
    writeln!(out, "{HEADING}{}{HEADING:#}", words::summary(report))
}

/// Writes the differences alone.
pub(crate) fn write_differences_alone(
    report: &Report,
    out: &mut dyn Write,
    sides: Option<(&str, &str)>,
) -> io::Result<()> {
    write_differences(report, out, &Limits::SHORT, sides)
}

fn write_kind(report: &Report, out: &mut dyn Write, kind: Kind, limits: &Limits) -> io::Result<()> {
    let outputs: Vec<_> = report.outputs.iter().filter(|output| Kind::of(output) == kind).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let verb = if outputs.len() == 1 { "is" } else { "are" };
    let subject = format!("{} {verb} {}", counted(outputs.len(), "output"), kind.state.name());
    let next_step = kind.next_step(outputs.iter().copied());
    writeln!(out, "{HEADING}{subject}{HEADING:#}, {}: {}", kind.meaning(), visible(&as_called(&next_step)))?;
    let Cut { shown, rest } = cut(&outputs, limits.paths);
    shown.iter().try_for_each(|output| write_output(out, output))?;
    if rest > 0 {
        writeln!(out, "  {FAINT}and {rest} more (`-v` lists them){FAINT:#}")?;
    }
    writeln!(out)
}

/// An output as `path:line`, which terminals and editors open at a click.
fn write_output(out: &mut dyn Write, output: &OutputReport) -> io::Result<()> {
    write!(out, "  {}", visible(output.path.as_str()))?;
    if let Some(line) = output.first_line {
        write!(out, ":{line}")?;
    }
    if !output.origin.is_empty() {
        write!(out, "  {FAINT}{}{FAINT:#}", visible(&output.origin))?;
    }
    writeln!(out)
}

/// `sides` are what the two texts are called, where their outputs' states do not tell.
fn write_differences(
    report: &Report,
    out: &mut dyn Write,
    limits: &Limits,
    sides: Option<(&str, &str)>,
) -> io::Result<()> {
    let Cut { shown, rest } = cut(&report.groups, limits.differences);
    for of_one_output in shown.chunk_by(|left, right| left.output == right.output) {
        let Some(output) = of_one_output.first().and_then(|group| report.outputs.get(group.output)) else { continue };
        write_difference_heading(out, output, sides)?;
        of_one_output.iter().try_for_each(|group| write_group(out, group, limits))?;
        writeln!(out)?;
    }
    if rest > 0 {
        writeln!(out, "{FAINT}and {} (`-v` shows them){FAINT:#}\n", counted(rest, "more difference"))?;
    }
    Ok(())
}

fn write_difference_heading(out: &mut dyn Write, output: &OutputReport, sides: Option<(&str, &str)>) -> io::Result<()> {
    let (old, new) = match (sides, output.state) {
        (_, State::Edited) if output.baseline == Baseline::Signed => ("as generated before, from git", "as committed"),
        (_, State::Edited) => ("as generated", "as committed"),
        (Some(sides), _) => sides,
        (None, _) => ("as committed", "as generated"),
    };
    if let Some(note) = words::baseline_note(output.baseline) {
        writeln!(out, "{FAINT}`{}`: {note}{FAINT:#}", visible(output.path.as_str()))?;
    }
    let path = visible(output.path.as_str());
    writeln!(out, "{HEADING}--- {path} ({old}){HEADING:#}\n{HEADING}+++ {path} ({new}){HEADING:#}")
}

fn write_group(out: &mut dyn Write, group: &HunkGroup, limits: &Limits) -> io::Result<()> {
    write_hunk(out, &group.hunk, limits)?;
    match words::more_like_it(group.count) {
        Some(more) => writeln!(out, "{HEADING}{more}{HEADING:#}"),
        None => Ok(()),
    }
}

/// Writes differences, however many and long.
pub(crate) fn write_hunks(out: &mut dyn Write, hunks: &[Hunk]) -> io::Result<()> {
    hunks.iter().try_for_each(|hunk| write_hunk(out, hunk, &Limits::NONE))
}

fn write_hunk(out: &mut dyn Write, hunk: &Hunk, limits: &Limits) -> io::Result<()> {
    writeln!(out, "{EXTENT}{}{EXTENT:#}", words::hunk_heading(hunk))?;
    let Cut { shown, rest } = cut(&hunk.lines, limits.lines);
    for line in shown {
        let style = style_of(line.change);
        writeln!(out, "{style}{}{}{style:#}", line.change.sign(), visible(&line.text))?;
    }
    if rest > 0 {
        writeln!(out, "{FAINT}and {rest} more lines (`-v` shows them){FAINT:#}")?;
    }
    Ok(())
}

const fn style_of(change: LineChange) -> Style {
    match change {
        LineChange::Kept => Style::new(),
        LineChange::Removed => REMOVED,
        LineChange::Added => ADDED,
    }
}

#[cfg(test)]
mod tests {
    use tgen_core::output::edit::EditKind;

    use super::super::fixture;
    use super::*;
    use crate::printer::plain;

    const SHORT: Options = Options { verbose: false, diff: true };

    fn shown(report: &Report, options: &Options) -> String {
        let mut out = Vec::new();
        write(report, &mut out, &fixture::sources, options).unwrap();
        plain(out)
    }

    #[test]
    fn success_is_one_line() {
        insta::assert_snapshot!(shown(&fixture::fresh(631), &SHORT), @"
        631 outputs are fresh (0.12 s)
        ");
    }

    #[test]
    fn every_state_comes_with_what_to_do_and_every_difference_with_its_direction() {
        insta::assert_snapshot!(shown(&fixture::mixed(), &SHORT), @"
        warning[invalid-reference]: the class `hf_a` has no method `init`, 100% sure
        --> skills, old/hf_a.py

        error[unknown-placeholder]: there is no placeholder `modle_name`
         --> templates/skillset.py.tera:2:12
          |
        2 | Größe = {{ modle_name }}, 100%
          |            ^^^^^^^^^^
          |
          = help: did you mean `model_name`?
        note: this suite uses the template
         --> tgen.toml:5:1

        error[unknown-model]: there is no model `bret`
         = help: did you mean `bert`?

        1 output is missing, not written yet: run `cargo tgen generate`
          test/test_hf_dpt.py  skillset.py.tera for dpt

        2 outputs are stale, the template or a value has changed: run `cargo tgen generate`
          test/test_hf_albert.py:2  skillset.py.tera for albert
          test/test_hf_bert.py:2  skillset.py.tera for bert

        1 output is edited, changed by hand: run `cargo tgen adopt FILE` to move the change into the template, or `cargo tgen generate --force` to discard it
          test/test_hf_clip.py:3  skillset.py.tera for clip

        1 output is foreign, not generated by cargo-tgen: choose another output path, or run `cargo tgen generate --force` to replace what is there
          test/test_hf_vit.py:1  skillset.py.tera for vit

        1 output is orphaned, rendered by no case any more: run `cargo tgen generate --prune` to delete what is left, or add the model to `models`
          test/test_hf_gone.py

        --- test/test_hf_albert.py (as committed)
        +++ test/test_hf_albert.py (as generated)
        @@ -1,3 +1,3 @@
         import torch
        -old albert
        +new albert
         end
        and 1 more like it

        --- test/test_hf_clip.py (as generated)
        +++ test/test_hf_clip.py (as committed)
        @@ -1,2 +1,3 @@
         a
         b
        +mine ␛[2J

        8 outputs: 2 fresh, 1 missing, 2 stale, 1 edited, 1 foreign, 1 orphaned; 2 errors, 1 warning (0.12 s)
        ");
    }

    #[test]
    fn one_edit_that_changes_many_outputs_is_shown_once() {
        insta::assert_snapshot!(shown(&fixture::many_stale(630), &SHORT), @"
        630 outputs are stale, the template or a value has changed: run `cargo tgen generate`
          test/test_hf_n000.py:2  skillset.py.tera for n000
          test/test_hf_n001.py:2  skillset.py.tera for n001
          test/test_hf_n002.py:2  skillset.py.tera for n002
          test/test_hf_n003.py:2  skillset.py.tera for n003
          and 626 more (`-v` lists them)

        --- test/test_hf_n000.py (as committed)
        +++ test/test_hf_n000.py (as generated)
        @@ -1,2 +1,2 @@
         import torch
        -old n000
        +new n000
        and 629 more like it

        631 outputs: 1 fresh, 630 stale (0.12 s)
        ");
    }

    #[test]
    fn verbose_lists_every_path_and_without_diff_there_are_no_hunks() {
        let report = fixture::many_stale(20);
        let text = shown(&report, &Options { verbose: true, diff: false });
        assert_eq!(text.matches("test/test_hf_n").count(), 20, "{text}");
        assert!(!text.contains("@@") && !text.contains("more"), "{text}");
    }

    #[test]
    fn edits_by_a_formatter_and_by_a_merge_come_with_what_to_do_about_them() {
        let mut report = fixture::fresh(0);
        let edited = |path: &str, edit| OutputReport { edit, ..OutputReport::new(path.into(), State::Edited) };
        report.outputs.push(edited("test/a/x.py", EditKind::Formatting));
        report.outputs.push(edited("test/b.py", EditKind::Conflict));
        report.outputs.push(edited("test/c.py", EditKind::Formatting));
        let text = shown(&report, &SHORT);
        assert!(text.contains("2 outputs are edited, in formatting only"), "{text}");
        assert!(text.contains("`extend-exclude = [\"test\"]`; pre-commit: `exclude: ^test/`"), "{text}");
        assert!(text.contains("1 output is edited, with git's conflict markers"), "{text}");
        assert!(text.ends_with("3 outputs: 3 edited (0.12 s)\n"), "{text}");
    }

    #[test]
    fn long_differences_and_many_differences_are_cut() {
        let mut report = fixture::many_stale(30);
        let group = report.groups.remove(0);
        report.groups = (1..=30).map(|output| HunkGroup { output, count: 1, ..group.clone() }).collect();
        let line = report.groups[0].hunk.lines[0].clone();
        report.groups[0].hunk.lines = vec![line; 100];
        let text = shown(&report, &SHORT);
        assert!(text.contains("and 60 more lines"), "{text}");
        assert!(text.contains("and 10 more differences"), "{text}");
        assert_eq!(shown(&report, &Options { verbose: true, diff: true }).matches("@@ -").count(), 30);
    }
}
