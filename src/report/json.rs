//! A report as one JSON object, for programs.
//!
//! ```json
//! {
//!   "version": 1,
//!   "clean": false,
//!   "elapsed_seconds": 0.123,
//!   "summary": {"fresh": 629, "stale": 2},
//!   "outputs": [{"path": "test/a.py", "state": "stale", "generated_from": "t.tera for a", "first_line": 12}],
//!   "differences": [{"example": "test/a.py", "count": 2, "hunk": {"old": [12, 7], "new": [12, 7], "lines": [..]}}],
//!   "problems": [{"code": "unknown-placeholder", "severity": "error", "message": "..", "help": null, "path": "t.tera",
//!                 "place": {"line": 1, "column": 4, "end_line": 1, "end_column": 9}, "related": []}]
//! }
//! ```
//!
//! `outputs` has no fresh outputs, which are only counted. A difference leads from the committed file to the generated text; for an
//! edited output it is the other way round. Lines and columns count from 1, columns in characters, the end column is
//! the first one after the place. `failure` says why the check could not be completed, and is absent otherwise.
//! `compared_with` is there for outputs that are both edited and stale: what their difference was taken against ([`Baseline`]). `edit`
//! is there for edited outputs that a formatter or a merge has changed ([`EditKind`]). `version` grows when a key is removed or changes its
//! meaning, not when one is added.

use std::collections::BTreeMap;
use std::io::{self, Write};

use camino::Utf8Path;
use serde::{Serialize, Serializer};
use tgen_core::base::problem::{Code, Problem, Severity};
use tgen_core::output::diff::Hunk;
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;

use super::place::Place;
use super::{Baseline, Report};
use crate::printer::{SourceCache, Sources, write_json};

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, Outputs: Serialize, Differences: Serialize, Findings: Serialize> {
    version: u32,
    clean: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    elapsed_seconds: f64,
    summary: BTreeMap<State, usize>,
    outputs: Outputs,
    differences: Differences,
    problems: Findings,
}

/// A list whose elements are made while they are written, so that it is never in memory as a whole.
struct Streamed<F>(F);

impl<List: IntoIterator<Item: Serialize>, F: Fn() -> List> Serialize for Streamed<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
struct Output<'a> {
    path: &'a Utf8Path,
    state: State,
    #[serde(skip_serializing_if = "EditKind::is_text")]
    edit: EditKind,
    generated_from: Option<&'a str>,
    first_line: Option<usize>,
    #[serde(skip_serializing_if = "Baseline::is_rendering")]
    compared_with: Baseline,
}

#[derive(Serialize)]
struct Difference<'a> {
    example: Option<&'a Utf8Path>,
    count: usize,
    hunk: &'a Hunk,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: Code,
    severity: Severity,
    message: &'a str,
    help: Option<&'a str>,
    path: Option<&'a Utf8Path>,
    place: Option<Place>,
    related: Vec<RelatedPlace<'a>>,
}

#[derive(Serialize)]
struct RelatedPlace<'a> {
    message: &'a str,
    path: &'a Utf8Path,
    place: Option<Place>,
}

/// Writes the report.
pub(crate) fn write(report: &Report, out: &mut dyn Write, sources: &Sources<'_>) -> io::Result<()> {
    let sources = SourceCache::new(sources);
    let counts = State::ALL.map(|state| (state, report.count(state)));
    let document = Document {
        version: VERSION,
        clean: report.is_clean(),
        failure: report.failure.as_deref(),
        elapsed_seconds: report.elapsed.as_secs_f64(),
        summary: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
        outputs: Streamed(|| not_fresh(report)),
        differences: Streamed(|| differences(report)),
        problems: Streamed(|| report.problems.iter().map(|problem| Finding::of(problem, &sources))),
    };
    write_json(out, &document)
}

/// Problems as the report has them, for others who write JSON.
pub(crate) fn problems<'a>(problems: &'a [Problem], sources: &Sources<'_>) -> impl Serialize + use<'a> {
    let sources = SourceCache::new(sources);
    problems.iter().map(|problem| Finding::of(problem, &sources)).collect::<Vec<_>>()
}

fn not_fresh(report: &Report) -> impl Iterator<Item = Output<'_>> {
    report.outputs.iter().filter(|output| output.state != State::Fresh).map(|output| Output {
        path: &output.path,
        state: output.state,
        edit: output.edit,
        generated_from: Some(output.origin.as_str()).filter(|origin| !origin.is_empty()),
        first_line: output.first_line,
        compared_with: output.baseline,
    })
}

fn differences(report: &Report) -> impl Iterator<Item = Difference<'_>> {
    let example = |output: usize| report.outputs.get(output).map(|output| output.path.as_path());
    let groups = report.groups.iter();
    groups.map(move |group| Difference { example: example(group.output), count: group.count, hunk: &group.hunk })
}

impl<'a> Finding<'a> {
    fn of(problem: &'a Problem, sources: &SourceCache<'_>) -> Self {
        let path = problem.path.as_deref();
        let related = problem.related.iter().map(|related| RelatedPlace {
            message: &related.message,
            path: &related.path,
            place: related.range.map(|range| Place::of(&related.path, range, sources)),
        });
        Self {
            code: problem.code,
            severity: problem.severity,
            message: &problem.message,
            help: problem.help.as_deref(),
            path,
            place: path.zip(problem.range).map(|(path, range)| Place::of(path, range, sources)),
            related: related.collect(),
        }
    }
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
    fn a_fresh_report_is_counts_alone() {
        insta::assert_snapshot!(written(&fixture::fresh(10_000)), @r#"
        {
          "version": 1,
          "clean": true,
          "elapsed_seconds": 0.123,
          "summary": {
            "fresh": 10000
          },
          "outputs": [],
          "differences": [],
          "problems": []
        }
        "#);
    }

    #[test]
    fn everything_found_is_in_the_object() {
        let document = serde_json::from_str(&written(&fixture::mixed())).unwrap();
        insta::assert_snapshot!(fixture::by_line(&document), @r#"
        version: 1
        clean: false
        elapsed_seconds: 0.123
        summary: {"fresh":2,"missing":1,"stale":2,"edited":1,"foreign":1,"orphaned":1}
        outputs:
          {"path":"test/test_hf_albert.py","state":"stale","generated_from":"skillset.py.tera for albert","first_line":2}
          {"path":"test/test_hf_bert.py","state":"stale","generated_from":"skillset.py.tera for bert","first_line":2}
          {"path":"test/test_hf_clip.py","state":"edited","generated_from":"skillset.py.tera for clip","first_line":3}
          {"path":"test/test_hf_dpt.py","state":"missing","generated_from":"skillset.py.tera for dpt","first_line":null}
          {"path":"test/test_hf_vit.py","state":"foreign","generated_from":"skillset.py.tera for vit","first_line":1}
          {"path":"test/test_hf_gone.py","state":"orphaned","generated_from":null,"first_line":null}
        differences:
          {"example":"test/test_hf_albert.py","count":2,"hunk":{"old":[1,3],"new":[1,3],"lines":[{"change":"kept","text":"import torch"},{"change":"removed","text":"old albert"},{"change":"added","text":"new albert"},{"change":"kept","text":"end"}]}}
          {"example":"test/test_hf_clip.py","count":1,"hunk":{"old":[1,2],"new":[1,3],"lines":[{"change":"kept","text":"a"},{"change":"kept","text":"b"},{"change":"added","text":"mine \u001b[2J"}]}}
        problems:
          {"code":"invalid-reference","severity":"warning","message":"the class `hf_a` has no method `init`, 100% sure","help":null,"path":"skills, old/hf_a.py","place":null,"related":[]}
          {"code":"unknown-placeholder","severity":"error","message":"there is no placeholder `modle_name`","help":"did you mean `model_name`?","path":"templates/skillset.py.tera","place":{"line":2,"column":12,"end_line":2,"end_column":22},"related":[{"message":"this suite uses the template","path":"tgen.toml","place":{"line":5,"column":1,"end_line":5,"end_column":10}}]}
          {"code":"unknown-model","severity":"error","message":"there is no model `bret`","help":"did you mean `bert`?","path":null,"place":null,"related":[]}
        "#);
    }
}
