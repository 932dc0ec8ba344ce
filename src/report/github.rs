//! A report as workflow commands of GitHub Actions, which become annotations in a pull request.
//!
//! GitHub shows at most ten annotations a step. So there is one for each cause, and the last one counts the causes that are left
//! out.

use std::fmt::Display;
use std::io::{self, Write};

use tgen_core::base::problem::{Problem, Severity};

use super::causes::{AlikeOutputs, Cause, causes};
use super::place::Place;
use super::{Report, words};
use crate::printer::{SourceCache, Sources, counted, visible_lines};

/// The most annotations that GitHub shows.
pub(super) const LIMIT: usize = 10;
/// The most lines of a difference inside an annotation.
const HUNK_LINES: usize = 20;

/// Writes the report: the annotations, the gravest first, and a line that sums up.
pub(crate) fn write(report: &Report, out: &mut dyn Write, sources: &Sources<'_>) -> io::Result<()> {
    let sources = SourceCache::new(sources);
    let causes = causes(report);
    let shown = if causes.len() > LIMIT { LIMIT - 1 } else { causes.len() };
    for cause in &causes[..shown] {
        let annotation = match cause {
            Cause::Problem(problem) => of_problem(problem, &sources),
            Cause::Outputs(outputs) => of_outputs(report, outputs),
        };
        writeln!(out, "{annotation}")?;
    }
    if let Some(worst) = causes.get(shown) {
        let count = causes[shown..].iter().map(Cause::count).sum();
        writeln!(out, "{}", rest(count, worst.severity()))?;
    }
    writeln!(out, "{}", words::summary(report))
}

fn of_problem(problem: &Problem, sources: &SourceCache<'_>) -> String {
    let mut annotation = Annotation::new(problem.severity);
    if let Some(path) = problem.path.as_deref() {
        annotation.property("file", path);
        if let Some(range) = problem.range {
            annotation.place(&Place::of(path, range, sources));
        }
    }
    annotation.saying(problem.code.name(), &words::whole(problem))
}

fn of_outputs(report: &Report, outputs: &AlikeOutputs<'_>) -> String {
    let (number, example) = outputs.example();
    let (path, line) = outputs.place();
    let mut annotation = Annotation::new(Severity::Error);
    annotation.property("file", path);
    if let Some(line) = line {
        annotation.property("line", line);
    }
    let mut message = outputs.message();
    if let Some(note) = words::baseline_note(example.baseline) {
        message = format!("{message}\n{note}");
    }
    if let Some(group) = report.differences_of(number).next() {
        message = format!("{message}\n{}", words::unified(&group.hunk, HUNK_LINES));
    }
    annotation.saying(outputs.state.name(), &message)
}

fn rest(count: usize, worst: Severity) -> String {
    let message = format!("and {}: run `cargo tgen check` to see all", counted(count, "more finding"));
    Annotation::new(worst).saying("more", &message)
}

/// A workflow command: `::error file=x,line=1,title=y::message`.
pub(super) struct Annotation {
    command: &'static str,
    properties: Vec<String>,
}

impl Annotation {
    pub(super) fn new(severity: Severity) -> Self {
        let command = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        Self { command, properties: Vec::new() }
    }

    pub(super) fn property(&mut self, name: &str, value: impl Display) {
        let value = escaped(&value.to_string()).replace(':', "%3A").replace(',', "%2C");
        self.properties.push(format!("{name}={value}"));
    }

    /// GitHub takes columns only of places within one line.
    fn place(&mut self, place: &Place) {
        self.property("line", place.line);
        self.property("endLine", place.end_line);
        if place.line == place.end_line {
            self.property("col", place.column);
            self.property("endColumn", place.end_column);
        }
    }

    pub(super) fn saying(mut self, title: &str, message: &str) -> String {
        self.property("title", format!("cargo-tgen ({title})"));
        format!("::{} {}::{}", self.command, self.properties.join(","), escaped(message))
    }
}

/// Text as one line, in which nothing can end the command and begin another.
fn escaped(text: &str) -> String {
    visible_lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
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
    fn success_annotates_nothing() {
        insta::assert_snapshot!(written(&fixture::fresh(631)), @"
        631 outputs are fresh (0.12 s)
        ");
    }

    #[test]
    fn a_users_own_changes_come_first_then_errors_and_everything_is_escaped() {
        insta::assert_snapshot!(written(&fixture::mixed()), @r#"
        ::error file=test/test_hf_clip.py,line=3,title=cargo-tgen (edited)::`test/test_hf_clip.py` is edited, changed by hand: run `cargo tgen adopt FILE` to move the change into the template, or `cargo tgen generate --force` to discard it%0A@@ -1,2 +1,3 @@%0A a%0A b%0A+mine ␛[2J
        ::error file=test/test_hf_vit.py,line=1,title=cargo-tgen (foreign)::`test/test_hf_vit.py` is foreign, not generated by cargo-tgen: choose another output path, or run `cargo tgen generate --force` to replace what is there
        ::error file=templates/skillset.py.tera,line=2,endLine=2,col=12,endColumn=22,title=cargo-tgen (unknown-placeholder)::there is no placeholder `modle_name`%0Ahelp: did you mean `model_name`?%0Anote: this suite uses the template (tgen.toml)
        ::error title=cargo-tgen (unknown-model)::there is no model `bret`%0Ahelp: did you mean `bert`?
        ::error file=templates/skillset.py.tera,title=cargo-tgen (stale)::2 outputs of `skillset.py.tera` are stale, the template or a value has changed: run `cargo tgen generate`; the first is `test/test_hf_albert.py`%0A@@ -1,3 +1,3 @@%0A import torch%0A-old albert%0A+new albert%0A end
        ::error file=test/test_hf_dpt.py,title=cargo-tgen (missing)::`test/test_hf_dpt.py` is missing, not written yet: run `cargo tgen generate`
        ::error file=test/test_hf_gone.py,title=cargo-tgen (orphaned)::`test/test_hf_gone.py` is orphaned, rendered by no case any more: run `cargo tgen generate --prune` to delete what is left, or add the model to `models`
        ::warning file=skills%2C old/hf_a.py,title=cargo-tgen (invalid-reference)::the class `hf_a` has no method `init`, 100%25 sure
        8 outputs: 2 fresh, 1 missing, 2 stale, 1 edited, 1 foreign, 1 orphaned; 2 errors, 1 warning (0.12 s)
        "#);
    }

    #[test]
    fn there_are_ten_annotations_at_most_and_the_last_counts_the_rest() {
        let annotations = |foreign: usize| {
            let mut report = fixture::many_stale(244);
            report.outputs.extend(fixture::foreign(foreign));
            let text = written(&report);
            let lines = text.lines().filter(|line| line.starts_with("::error ")).map(str::to_owned);
            lines.collect::<Vec<_>>()
        };
        assert_eq!(annotations(2).len(), 3);
        assert!(annotations(9)[9].contains("244 outputs of `skillset.py.tera` are stale"), "ten causes fit");
        let many = annotations(12);
        assert_eq!(many.len(), 10);
        assert!(many[8].contains("(foreign)"));
        insta::assert_snapshot!(many[9], @"::error title=cargo-tgen (more)::and 247 more findings: run `cargo tgen check` to see all");
    }
}
