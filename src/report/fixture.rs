//! Reports for the tests of the formats.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use tgen_core::base::problem::{Code, Problem, Related};
use tgen_core::base::text::{Position, Range};
use tgen_core::output::diff::{HunkGroup, hunks};
use tgen_core::output::state::State;

use super::{OutputReport, Report};

/// The one template that problems point into.
const TEMPLATE: &str = "import torch\nGröße = {{ modle_name }}, 100%\n";

pub(super) fn sources(path: &Utf8Path) -> Option<String> {
    (path == "templates/skillset.py.tera").then(|| TEMPLATE.to_owned())
}

/// A report without a finding.
pub(super) fn fresh(outputs: usize) -> Report {
    let outputs = (0..outputs).map(|number| output(&format!("m{number:03}"), State::Fresh, None)).collect();
    Report { outputs, elapsed: Duration::from_millis(123), ..Report::default() }
}

/// A report with every state and kind of problem.
pub(super) fn mixed() -> Report {
    let mut report = fresh(2);
    report.outputs.extend([
        output("albert", State::Stale, Some(2)),
        output("bert", State::Stale, Some(2)),
        output("clip", State::Edited, Some(3)),
        output("dpt", State::Missing, None),
        output("vit", State::Foreign, Some(1)),
        OutputReport { origin: String::new(), template: None, ..output("gone", State::Orphaned, None) },
    ]);
    report.groups = vec![
        group(2, "import torch\nold albert\nend\n", "import torch\nnew albert\nend\n", 2),
        group(4, "a\nb\n", "a\nb\nmine \x1b[2J\n", 1),
    ];
    report.problems = vec![a_warning(), an_error(), a_misspelt_model()];
    report
}

/// A report in which one edit of a template has made many outputs stale.
pub(super) fn many_stale(stale: usize) -> Report {
    let mut report = fresh(1);
    report.outputs.extend((0..stale).map(|number| output(&format!("n{number:03}"), State::Stale, Some(2))));
    report.groups = vec![group(1, "import torch\nold n000\n", "import torch\nnew n000\n", stale)];
    report
}

/// Outputs that are not ours, each for its own reason.
pub(super) fn foreign(number: usize) -> impl Iterator<Item = OutputReport> {
    (0..number).map(|number| output(&format!("f{number:03}"), State::Foreign, Some(1)))
}

/// A JSON object, its arrays with one element a line.
pub(super) fn by_line(object: &Value) -> String {
    let entries = object.as_object().unwrap().iter();
    let lines = entries.map(|(key, value)| match value.as_array() {
        Some(elements) => elements.iter().fold(format!("{key}:\n"), |text, element| format!("{text}  {element}\n")),
        None => format!("{key}: {value}\n"),
    });
    lines.collect()
}

fn output(model: &str, state: State, first_line: Option<usize>) -> OutputReport {
    let path = Utf8PathBuf::from(format!("test/test_hf_{model}.py"));
    OutputReport {
        origin: format!("skillset.py.tera for {model}"),
        template: Some("templates/skillset.py.tera".into()),
        first_line,
        ..OutputReport::new(path, state)
    }
}

fn group(output: usize, old: &str, new: &str, count: usize) -> HunkGroup {
    HunkGroup { output, hunk: hunks(old.as_bytes(), new.as_bytes()).remove(0), count }
}

fn an_error() -> Problem {
    let range = Range::new(Position::new(1, 13), Position::new(1, 23));
    let use_of = Related {
        path: "tgen.toml".into(),
        range: Some(Range::new(Position::new(4, 0), Position::new(4, 9))),
        message: "this suite uses the template".to_owned(),
    };
    Problem::error(Code::UnknownPlaceholder, "there is no placeholder `modle_name`")
        .in_file("templates/skillset.py.tera")
        .at(range)
        .help("did you mean `model_name`?")
        .related(use_of)
}

fn a_warning() -> Problem {
    Problem::warning(Code::InvalidReference, "the class `hf_a` has no method `init`, 100% sure")
        .in_file("skills, old/hf_a.py")
}

fn a_misspelt_model() -> Problem {
    Problem::error(Code::UnknownModel, "there is no model `bret`").help("did you mean `bert`?")
}
