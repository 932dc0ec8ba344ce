//! `cargo tgen lint` and the editor say the same of every file.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tgen_core::base::files::MemoryFiles;
use tgen_core::base::problem::Problem;
use tgen_core::config::{self, Origin};
use tgen_core::lint::lint;
use tgen_core::plan::Plan;
use tgen_core::project::Project;
use tgen_core::project::request::Request;

use crate::client::{Client, PACK, abilities, shown, uri};

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
const CASES: [&str; 13] = [
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
    "-- templates/t.py.tera --\n{{ <line of={tasks} /> }}\n-- templates/lines.tera --\n{% component line(of) %}x = {{ of[1] | py_str }}{% endcomponent %}\n",
    "-- templates/t.py.tera --\n#\n-- map.json --\n{ \"bert\": [\"fill-mask\"], \"vit\": 7, \"whisper\": [] }\n",
    "-- templates/t.py.tera --\n#\n-- skillset/hf_bert.py --\nclass hf_bert(:\n",
];

/// Problems as lines, by file, sorted; a problem that is told twice stands there twice.
type ByFile = BTreeMap<String, Vec<String>>;

fn linted(fixture: &str) -> ByFile {
    let files = MemoryFiles::from_fixture(fixture);
    let problems = match config::load(&files, Origin::TgenToml) {
        Ok(config) => {
            let project = Project::load(&files, config, PACK);
            lint(&Plan::new(&project, &Request::default()), &|| ())
        }
        Err(problems) => problems,
    };
    let inputs = fixture.lines().filter_map(|line| line.strip_prefix("-- ")?.strip_suffix(" --"));
    let mut by_file: ByFile = inputs.map(|path| (path.to_owned(), Vec::new())).collect();
    for problem in problems {
        let path = problem.path.clone().expect("every problem of a corpus has a file");
        by_file.get_mut(path.as_str()).expect("every problem of a corpus is of an input").push(line(&problem));
    }
    by_file.into_iter().map(|(path, lines)| (path, sorted(lines))).collect()
}

/// A problem as the client shows it, with columns in bytes.
fn line(problem: &Problem) -> String {
    let range = problem.range.unwrap_or_default();
    let place = |at: tgen_core::base::text::Position| json!({ "line": at.line, "character": at.column });
    let help = problem.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    shown(&json!({
        "range": { "start": place(range.start), "end": place(range.end) },
        "code": problem.code.name(),
        "message": format!("{}{help}", problem.message),
    }))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// A client that knows when everything is checked.
fn patient() -> Value {
    let mut abilities = abilities();
    abilities["general"]["positionEncodings"] = json!(["utf-8"]);
    abilities["experimental"] = json!({ "tgenChecked": true });
    abilities
}

/// A client with all files of a fixture open, once everything is checked.
async fn checked(fixture: &str, inputs: &ByFile, abilities: Value) -> Client {
    let mut client = Client::start_with(fixture, abilities).await;
    for path in inputs.keys() {
        client.open(path).await;
    }
    client.until_checked().await;
    client
}

#[tokio::test]
async fn lint_and_the_editor_say_the_same() {
    for case in CASES {
        let fixture = format!("{CONFIG}{case}");
        let expected = linted(&fixture);
        let mut client = checked(&fixture, &expected, patient()).await;
        for (path, expected) in expected {
            let sent = client.all_diagnostics(&path);
            assert_eq!(sorted(sent.last().expect("diagnostics are sent").clone()), expected, "{path} of {case}");
        }
    }
}

#[tokio::test]
async fn lint_and_an_editor_that_asks_say_the_same() {
    for case in CASES {
        let fixture = format!("{CONFIG}{case}");
        let expected = linted(&fixture);
        let mut abilities = patient();
        abilities["textDocument"] = json!({ "diagnostic": {} });
        abilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
        let mut client = checked(&fixture, &expected, abilities).await;
        for (path, expected) in expected {
            let params = json!({ "textDocument": { "uri": uri(&path) } });
            let answer = client.request("textDocument/diagnostic", params).await;
            let lines = answer["items"].as_array().unwrap().iter().map(shown).collect();
            assert_eq!(sorted(lines), expected, "{path} of {case}");
            assert_eq!(client.all_diagnostics(&path), Vec::<Vec<String>>::new());
        }
    }
}

#[tokio::test]
async fn everything_is_checked_again_after_an_edit() {
    const T: &str = "templates/t.py.tera";
    let fixture = format!("{CONFIG}-- {T} --\nx = {{{{ tasks[1] }}}}\n");
    let mut client = checked(&fixture, &linted(&fixture), patient()).await;
    for text in ["x = {{ tasks[7] }}\n", "x = {{ typo }}\n", "x = 1\n"] {
        client.edit(T, text).await;
        client.until_checked().await;
        let expected = linted(&fixture.replace("x = {{ tasks[1] }}\n", text)).remove(T).unwrap();
        assert_eq!(expected.is_empty(), text == "x = 1\n", "{expected:?}");
        assert_eq!(sorted(client.all_diagnostics(T).last().unwrap().clone()), expected, "{text}");
    }
}
