//! Diagnostics of a document: published at once, pushed or pulled but never both, and removed when the document is
//! closed.

use serde_json::json;

use crate::client::{Client, abilities, shown, uri};

pub(crate) const PROJECT: &str = r#"
-- tgen.toml --
templates = "templates"

[placeholders]
organisation = "acme"

[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert", "vit"]
output = "out/test_{{ normalized_name }}.py"
-- templates/t.py.tera --
NAME = {{ model_name | py_str }}
OWNER = "{{ organisation }}"
-- templates/other.py.tera --
# {{ model_name }}
-- elsewhere/notes.txt --
{{ typo }}
"#;

const T: &str = "templates/t.py.tera";

#[tokio::test]
async fn a_mistyped_placeholder_is_underlined_whole_and_the_version_is_told() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "# {{ model_nam }}\n").await;
    let sent = client.published(T).await;
    assert_eq!(sent["version"], 1);
    insta::assert_snapshot!(shown(&sent["diagnostics"][0]), @"0:5-0:14 unknown-placeholder there is no placeholder `model_nam`; did you mean `model_name`?");
    client.edit(T, "# {{ model_name }}\n").await;
    let sent = client.published(T).await;
    assert_eq!((sent["version"].as_i64(), sent["diagnostics"].as_array().unwrap().len()), (Some(2), 0));
}

#[tokio::test]
async fn the_projects_own_placeholders_are_known() {
    let mut client = Client::start(PROJECT).await;
    client.open(T).await;
    assert_eq!(client.diagnostics(T).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_only_rendering_tells_is_shown_when_the_client_pauses() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "x = {{ tasks | join }}\ny = {{ tasks[7] }}\n").await;
    let found = client.until_diagnostics(T, |found| !found.is_empty()).await;
    assert!(found.iter().all(|line| line.starts_with("1:")), "{found:?}");
}

#[tokio::test]
async fn a_closed_document_has_none() {
    let mut client = Client::start(PROJECT).await;
    client.open_as("templates/new.py.tera", "{{ typo }}").await;
    assert!(!client.diagnostics("templates/new.py.tera").await.is_empty());
    client.close("templates/new.py.tera").await;
    assert_eq!(client.diagnostics("templates/new.py.tera").await.len(), 0);
}

/// A project whose template `broken.py.tera` has a problem.
fn with_a_broken_template() -> String {
    format!("{PROJECT}-- templates/broken.py.tera --\n{{# tgen-allow: unused-template #}}\n{{{{ typo }}}}\n")
}

const BROKEN: &str = "templates/broken.py.tera";

#[tokio::test]
async fn the_problems_of_files_that_are_not_open_are_shown_too() {
    let mut client = Client::start(&with_a_broken_template()).await;
    let found = client.until_diagnostics(BROKEN, |found| !found.is_empty()).await;
    insta::assert_snapshot!(found.join("\n"), @"1:3-1:7 unknown-placeholder there is no placeholder `typo`; run `cargo tgen placeholders` to see all, or add it to `[placeholders]` in tgen.toml");
    client.open_as(BROKEN, "{# tgen-allow: unused-template #}\n{{ model_name }}\n").await;
    client.until_diagnostics(BROKEN, <[_]>::is_empty).await;
    client.close(BROKEN).await;
    client.until_diagnostics(BROKEN, |found| !found.is_empty()).await;
    client.save_on_disk(BROKEN, "{# tgen-allow: unused-template #}\n{{ model_name }}\n").await;
    client.until_diagnostics(BROKEN, <[_]>::is_empty).await;
}

#[tokio::test]
async fn a_client_that_asks_gets_the_problems_of_files_that_are_not_open() {
    let mut abilities = abilities();
    abilities["textDocument"] = json!({ "diagnostic": {} });
    abilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
    let mut client = Client::start_with(&with_a_broken_template(), abilities).await;
    client.sent("workspace/diagnostic/refresh").await;
    let report = client.request("workspace/diagnostic", json!({ "previousResultIds": [] })).await;
    let of_broken = |report: &serde_json::Value| {
        let items = report["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["uri"] == uri(BROKEN).as_str()).unwrap()
    };
    let first = of_broken(&report);
    assert_eq!(first["items"][0]["code"], "unknown-placeholder");
    let known = json!([{ "uri": uri(BROKEN), "value": first["resultId"] }]);
    let again = client.request("workspace/diagnostic", json!({ "previousResultIds": known })).await;
    assert_eq!(of_broken(&again)["kind"], "unchanged");
    client.save_on_disk(BROKEN, "{# tgen-allow: unused-template #}\n{{ model_name }}\n").await;
    client.sent("workspace/diagnostic/refresh").await;
    let mended = client.request("workspace/diagnostic", json!({ "previousResultIds": known })).await;
    assert_eq!(of_broken(&mended)["items"], json!([]));
}

#[tokio::test]
async fn an_open_document_wins_over_the_disk() {
    let mut client = Client::start(PROJECT).await;
    client.open_as("templates/part.tera", "{{ model_name }}").await;
    client.open_as(T, "{% include \"part.tera\" %}").await;
    assert_eq!(client.diagnostics(T).await.len(), 0);
}

#[tokio::test]
async fn the_name_of_a_file_decides_what_it_is() {
    let mut client = Client::start(&PROJECT.replace("t.py.tera", "dollar.py")).await;
    client.open("elsewhere/notes.txt").await;
    assert_eq!(client.diagnostics("elsewhere/notes.txt").await.len(), 0);
    client.open_as("templates/dollar.py", "x = ${typo}\ny = {{ typo }}\n").await;
    insta::assert_snapshot!(client.diagnostics("templates/dollar.py").await.join("\n"), @"0:6-0:10 unknown-placeholder there is no placeholder `typo`; run `cargo tgen placeholders` to see all, or add it to `[placeholders]` in tgen.toml");
}

#[tokio::test]
async fn a_client_that_asks_is_not_sent_any() {
    let mut abilities = abilities();
    abilities["textDocument"] = json!({ "diagnostic": {} });
    abilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
    let mut client = Client::start_with(PROJECT, abilities).await;
    assert_eq!(client.greeting["capabilities"]["diagnosticProvider"]["identifier"], "tgen");
    client.open_as(T, "{{ typo }}\n").await;
    let params = json!({ "textDocument": { "uri": uri(T) } });
    let first = client.request("textDocument/diagnostic", params.clone()).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let again = json!({ "textDocument": { "uri": uri(T) }, "previousResultId": first["resultId"] });
    assert_eq!(client.request("textDocument/diagnostic", again).await["kind"], "unchanged");
    client.edit(T, "x = {{ tasks[7] }}\n").await;
    client.sent("workspace/diagnostic/refresh").await;
    assert_eq!(client.request("textDocument/diagnostic", params).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.unasked("textDocument/publishDiagnostics"), 0);
}

#[tokio::test]
async fn a_client_that_is_sent_them_is_not_offered_to_ask() {
    let client = Client::start(PROJECT).await;
    assert!(client.greeting["capabilities"].get("diagnosticProvider").is_none());
}

#[tokio::test]
async fn a_change_of_the_configuration_reaches_open_templates() {
    let mut client = Client::start(PROJECT).await;
    client.open(T).await;
    assert_eq!(client.diagnostics(T).await.len(), 0);
    client.save_on_disk("tgen.toml", "templates = \"templates\"\n[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\nmodels = \"sample\"\noutput = \"out/{{ normalized_name }}.py\"\n").await;
    let found = client.until_diagnostics(T, |found| !found.is_empty()).await;
    assert!(found[0].contains("there is no placeholder `organisation`"), "{found:?}");
}

#[tokio::test]
async fn an_unsaved_change_of_the_configuration_counts_too() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "{{ fresh }}\n").await;
    assert_eq!(client.diagnostics(T).await.len(), 1);
    client.open("tgen.toml").await;
    client.change("tgen.toml", json!([{ "range": { "start": { "line": 3, "character": 0 }, "end": { "line": 3, "character": 0 } }, "text": "fresh = 1\n" }])).await;
    client.until_diagnostics(T, <[String]>::is_empty).await;
}

#[tokio::test]
async fn a_broken_configuration_is_said_once_and_shown_in_its_file() {
    let mut client =
        Client::start("-- tgen.toml --\ntemplats = \"templates\"\n-- templates/t.py.tera --\n{{ model_name }}\n").await;
    let message = client.sent("window/showMessage").await;
    assert_eq!(message["type"], 1);
    assert!(message["message"].as_str().unwrap().contains("`/project/tgen.toml` cannot be used"), "{message}");
    client.open("tgen.toml").await;
    let found = client.until_diagnostics("tgen.toml", |found| !found.is_empty()).await;
    assert!(found[0].contains("invalid-config"), "{found:?}");
    client.edit("tgen.toml", "templates = \"templates\"\n[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\nmodels = \"sample\"\noutput = \"out/{{ normalized_name }}.py\"\n").await;
    client.until_diagnostics("tgen.toml", <[String]>::is_empty).await;
    assert_eq!(client.unasked("window/showMessage"), 0);
}

#[tokio::test]
async fn a_half_written_configuration_is_underlined_and_no_message() {
    let mut client = Client::start(PROJECT).await;
    client.open("tgen.toml").await;
    for half_written in ["mod", "models = ", "modles = 1"] {
        client.edit("tgen.toml", &format!("{half_written}\ntemplates = \"templates\"\n")).await;
        client.until_diagnostics("tgen.toml", |found| !found.is_empty()).await;
        client.edit("tgen.toml", "templates = \"templates\"\n").await;
        client.until_diagnostics("tgen.toml", <[String]>::is_empty).await;
    }
    assert_eq!(client.unasked("window/showMessage"), 0);
}

#[tokio::test]
async fn without_a_configuration_the_built_in_one_serves_and_is_said_to() {
    let mut client = Client::start("-- templates/t.py.tera --\n{{ model_name }}\n").await;
    let message = client.sent("window/showMessage").await;
    assert_eq!(message["type"], 3);
    assert!(message["message"].as_str().unwrap().contains("cargo tgen init"), "{message}");
}

#[tokio::test]
async fn progress_is_shown_and_the_projects_inputs_are_watched() {
    let mut client = Client::start(PROJECT).await;
    assert_eq!(client.sent("$/progress").await["value"]["kind"], "begin");
    assert_eq!(client.sent("$/progress").await["value"]["kind"], "end");
    let registration = client.sent("client/registerCapability").await.to_string();
    for watched in ["**/{tgen,Cargo}.toml", "/project/templates"] {
        assert!(registration.contains(watched), "{registration}");
    }
}

#[tokio::test]
async fn each_folder_has_its_own_project() {
    let mut client = Client::start(PROJECT).await;
    client.save_on_disk("inner/tgen.toml", "templates = \"t\"\n[placeholders]\ninner = 1\n[[suite]]\nname = \"s\"\ntemplate = \"a.py.tera\"\nmodels = \"sample\"\noutput = \"out/{{ normalized_name }}.py\"\n").await;
    client.save_on_disk("inner/t/a.py.tera", "{{ inner }} {{ organisation }}\n").await;
    client.open("inner/t/a.py.tera").await;
    let found = client.until_diagnostics("inner/t/a.py.tera", |found| !found.is_empty()).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("`organisation`"), "{found:?}");
}

#[tokio::test]
async fn a_half_typed_configuration_has_a_diagnostic_and_raises_no_message() {
    let mut client = Client::start(PROJECT).await;
    client.open("tgen.toml").await;
    client.until_diagnostics("tgen.toml", <[String]>::is_empty).await;
    for text in ["templates = \n", "templat\n", "[[suite]]\nname = \"s\"\n"] {
        client.edit("tgen.toml", text).await;
        client.until_diagnostics("tgen.toml", |found| !found.is_empty()).await;
    }
    assert_eq!(client.unasked("window/showMessage"), 0);
}

#[tokio::test]
async fn a_configuration_that_is_opened_while_its_project_is_read_counts_as_it_is_open() {
    let mut client = Client::silent(PROJECT);
    client.hold_files(true);
    client.initialize(abilities()).await;
    client.sent("$/progress").await;
    client.open_as("tgen.toml", "templates = \n").await;
    client.hold_files(false);
    client.until_diagnostics("tgen.toml", |found| !found.is_empty()).await;
}
