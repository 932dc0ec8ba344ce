//! `cargo tgen lint` and the editor say the same of every file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tgen_core::config::{self, Origin};
use tgen_core::files::MemoryFiles;
use tgen_core::lint::lint;
use tgen_core::plan::{Plan, Request};
use tgen_core::problem::Problem;
use tgen_core::project::Project;

use crate::client::{Client, PACK, abilities, shown};

const CONFIG: &str = r#"
-- tgen.toml --
templates = "templates"
pipeline-map = "map.json"
skillset = "skillset"

[placeholders]
organisation = "acme"

[[suite]]
name = "s"
template = ["tasks/{{ primary_task }}.py.tera", "t.py.tera"]
models = ["bert", "vit", "whisper"]
output = "out/test_{{ normalized_name }}.py"
-- map.json --
{ "bert": ["fill-mask", "text-classification"], "vit": ["image-classification"], "whisper": ["automatic-speech-recognition"] }
-- skillset/hf_bert.py --
class hf_bert:
    def init_cpu(self, model): pass
"#;

/// Templates and other inputs, each with something wrong in another way; one with nothing wrong.
const CASES: [&str; 12] = [
    "-- templates/t.py.tera --\nNAME = {{ model_name | py_str }}\n",
    "-- templates/t.py.tera --\n{{ model_nam }} {{ é | uppr }} {{ typo | upper }}\n",
    "-- templates/t.py.tera --\n{% if model_name %}\n{{ oops\n{% endif %}\n",
    "-- templates/t.py.tera --\n{% include \"prat.tera\" %}\n-- templates/part.tera --\n{{ nothing }}\n",
    "-- templates/t.py.tera --\n{% extends \"base.tera\" %}\n{% block lost %}{% endblock %}\n-- templates/base.tera --\n{% block body %}{% endblock %}\n",
    "-- templates/t.py.tera --\n{{ hardware_type }} {{ timestamp }}\n",
    "-- templates/t.py.tera --\nx = {{ tasks[1] | py_str }}\n",
    "-- templates/t.py.tera --\n{% set unused = 1 %}\nx = 1\n-- templates/unused.tera --\n{{ model_nam }}{% if %}\n",
    "-- templates/tasks/fill-mask.py.tera --\n{{ reference.modul }}\n-- templates/t.py.tera --\n# {{ organisation }}\n",
    "-- templates/other.txt --\n${nothing}\n",
    "-- templates/t.py.tera --\n#\n-- map.json --\n{ \"bert\": [\"fill-mask\"], \"vit\": 7, \"whisper\": [] }\n",
    "-- templates/t.py.tera --\n#\n-- skillset/hf_bert.py --\nclass hf_bert(:\n",
];

type ByFile = BTreeMap<String, BTreeSet<String>>;

fn linted(fixture: &str) -> ByFile {
    let files = MemoryFiles::from_fixture(fixture);
    let problems = match config::load(&files, Origin::TgenToml) {
        Ok(config) => {
            let project = Project::load(&files, config, PACK);
            lint(&Plan::new(&project, &Request::default()), &|| ())
        }
        Err(problems) => problems,
    };
    let mut by_file = ByFile::new();
    for problem in problems {
        let path = problem.path.clone().expect("every problem of a corpus has a file");
        by_file.entry(path.into_string()).or_default().insert(line(&problem));
    }
    by_file
}

/// A problem as the client shows it, with columns in bytes.
fn line(problem: &Problem) -> String {
    let range = problem.range.unwrap_or_default();
    let place = |at: tgen_core::text::Position| json!({ "line": at.line, "character": at.column });
    let help = problem.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    shown(&json!({
        "range": { "start": place(range.start), "end": place(range.end) },
        "code": problem.code.name(),
        "message": format!("{}{help}", problem.message),
    }))
}

#[tokio::test]
async fn lint_and_the_editor_say_the_same() {
    for case in CASES {
        let fixture = format!("{CONFIG}{case}");
        let expected = linted(&fixture);
        let mut abilities = abilities();
        abilities["general"]["positionEncodings"] = json!(["utf-8"]);
        let mut client = Client::start_with(&fixture, abilities).await;
        let inputs = fixture.lines().filter_map(|line| line.strip_prefix("-- ")?.strip_suffix(" --"));
        let inputs: BTreeSet<_> = inputs.map(str::to_owned).collect();
        assert!(expected.keys().all(|path| inputs.contains(path)), "{expected:?}");
        for path in &inputs {
            client.open(path).await;
        }
        for path in &inputs {
            let wanted = expected.get(path).cloned().unwrap_or_default();
            let is_it = |found: &[String]| found.iter().cloned().collect::<BTreeSet<_>>() == wanted;
            client.until_diagnostics(path, is_it).await;
        }
    }
}
