//! A report in Markdown, for the summary of a step in GitHub Actions.

use std::io::{self, Write};

use super::causes::{AlikeOutputs, Cause, causes};
use super::words::Kind;
use super::{Report, words};
use crate::printer::visible;

/// The most causes that are listed: GitHub takes one megabyte.
const CAUSES: usize = 50;
/// The most lines of one difference.
const HUNK_LINES: usize = 40;
/// The most bytes of one difference: its lines may be long.
const HUNK_BYTES: usize = 8 * 1024;

/// Writes the report.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### cargo-tgen check\n\n{}\n", text(&words::summary(report)))?;
    if let Some(failure) = &report.failure {
        writeln!(out, "The check could not run to its end: {}\n", text(failure))?;
    }
    write_states(report, out)?;
    let causes = causes(report);
    for cause in causes.iter().take(CAUSES) {
        match cause {
            Cause::Problem(problem) => {
                let place =
                    problem.path.as_deref().map(|path| format!(" ({})", text(path.as_str()))).unwrap_or_default();
                writeln!(out, "- **{}**: {}{place}", problem.code.name(), text(&problem.message))?;
            }
            Cause::Outputs(outputs) => write_outputs(report, out, outputs)?,
        }
    }
    let rest: usize = causes.iter().skip(CAUSES).map(Cause::count).sum();
    if rest > 0 {
        writeln!(out, "\nand {rest} more")?;
    }
    writeln!(out)
}

fn write_states(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let of_kind = |kind| report.outputs.iter().filter(move |output| Kind::of(output) == kind);
    let kinds: Vec<_> = Kind::all().filter(|kind| of_kind(*kind).next().is_some()).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    writeln!(out, "| state | outputs | what to do |\n|---|---:|---|")?;
    for kind in kinds {
        let next_step = kind.next_step(of_kind(kind));
        writeln!(out, "| {} | {} | {} |", kind.state.name(), of_kind(kind).count(), text(&next_step))?;
    }
    writeln!(out)
}

fn write_outputs(report: &Report, out: &mut dyn Write, outputs: &AlikeOutputs<'_>) -> io::Result<()> {
    writeln!(out, "- **{}**: {}", outputs.state.name(), text(&outputs.message()))?;
    let (number, example) = outputs.example();
    if let Some(note) = words::baseline_note(example.baseline) {
        writeln!(out, "  {}", text(note))?;
    }
    let Some(group) = report.differences_of(number).next() else { return Ok(()) };
    let hunk = words::unified(&group.hunk, HUNK_LINES);
    let hunk = &hunk[..hunk.floor_char_boundary(HUNK_BYTES)];
    let fence = fence_around(hunk);
    writeln!(out, "  <details><summary>difference</summary>\n\n  {fence}diff")?;
    hunk.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out, "  {fence}\n\n  </details>")
}

/// Foreign text in one line, in which Markdown and HTML see no markup.
pub(super) fn text(foreign: &str) -> String {
    visible(foreign).chars().fold(String::new(), |mut text, letter| {
        match letter {
            '&' => return text + "&amp;",
            '<' => return text + "&lt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '@' | '|' => text.push('\\'),
            _ => {}
        }
        text.push(letter);
        text
    })
}

/// A fence longer than any row of backquotes inside.
fn fence_around(code: &str) -> String {
    let longest = code.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use tgen_core::output::state::State;

    use super::super::fixture;
    use super::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_edit_of_a_template_is_one_entry_and_a_users_change_comes_first() {
        let mut report = fixture::many_stale(244);
        report.outputs.extend(fixture::mixed().outputs.into_iter().filter(|output| output.state == State::Edited));
        insta::assert_snapshot!(written(&report), @r#"
        ### cargo-tgen check

        246 outputs: 1 fresh, 244 stale, 1 edited (0.12 s)

        | state | outputs | what to do |
        |---|---:|---|
        | stale | 244 | run \`cargo tgen generate\` |
        | edited | 1 | run \`cargo tgen adopt FILE\` to move the change into the template, or \`cargo tgen generate --force\` to discard it |

        - **edited**: \`test/test\_hf\_clip.py\` is edited, changed by hand: run \`cargo tgen adopt FILE\` to move the change into the template, or \`cargo tgen generate --force\` to discard it
        - **stale**: 244 outputs of \`skillset.py.tera\` are stale, the template or a value has changed: run \`cargo tgen generate\`; the first is \`test/test\_hf\_n000.py\`
          <details><summary>difference</summary>

          ```diff
          @@ -1,2 +1,2 @@
           import torch
          -old n000
          +new n000
          ```

          </details>
        "#);
    }

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(text("<b> [x](y) a|b\n`c"), r"&lt;b> \[x\](y) a\|b␊\`c");
        assert_eq!(fence_around("a ```` b"), "`````");
    }
}
