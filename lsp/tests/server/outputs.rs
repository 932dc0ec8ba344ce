//! Outputs in the editor: lenses above a template, and features inside a generated file.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Client, abilities, uri};
use crate::diagnostics::PROJECT;
use crate::features::{places, range};

const T: &str = "templates/t.py.tera";
const OUTPUT: &str = "out/test_bert.py";

/// A client that implements the server's commands, and that can be asked to request lenses again.
fn with_lenses() -> Value {
    let mut abilities = abilities();
    abilities["experimental"] =
        json!({ "commands": { "commands": ["tgen.outputs", "tgen.preview", "tgen.run", "tgen.generate"] } });
    abilities["workspace"]["codeLens"] = json!({ "refreshSupport": true });
    abilities
}

async fn lenses(client: &mut Client) -> Vec<Value> {
    let params = json!({ "textDocument": { "uri": uri(T) } });
    client.request("textDocument/codeLens", params).await.as_array().unwrap().clone()
}

/// The titles of the lenses, as an editor shows them.
async fn shown(client: &mut Client) -> String {
    let lenses = lenses(client).await;
    assert!(lenses.iter().all(|lens| range(&lens["range"]) == "0:0-0:0"));
    lenses.iter().map(|lens| lens["command"]["title"].as_str().unwrap()).collect::<Vec<_>>().join(" | ")
}

/// The expected text of `bert`'s output.
async fn rendered(client: &mut Client) -> String {
    let found = client.request("tgen/preview", json!({ "textDocument": { "uri": uri(T) }, "model": "bert" })).await;
    found["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn lenses_count_the_outputs_and_follow_the_disk_and_the_text() {
    let mut client = Client::start_with(PROJECT, with_lenses()).await;
    client.open(T).await;
    assert_eq!(shown(&mut client).await, "2 outputs | preview bert | ▶ run bert | generate");
    client.sent("workspace/codeLens/refresh").await;
    assert_eq!(shown(&mut client).await, "2 outputs · 2 missing | preview bert | ▶ run bert | generate");
    let text = rendered(&mut client).await;
    client.save_on_disk(OUTPUT, &text).await;
    client.sent("workspace/codeLens/refresh").await;
    assert_eq!(shown(&mut client).await, "2 outputs · 1 missing | preview bert | ▶ run bert | generate");
    client.edit(T, "# {{ model_name }}\n").await;
    client.sent("workspace/codeLens/refresh").await;
    assert_eq!(shown(&mut client).await, "2 outputs · 1 missing · 1 stale | preview bert | ▶ run bert | generate");
}

#[tokio::test]
async fn lenses_name_the_model_that_is_chosen() {
    let mut client = Client::start_with(PROJECT, with_lenses()).await;
    client.open(T).await;
    shown(&mut client).await;
    client.sent("workspace/codeLens/refresh").await;
    client.request("tgen/setPreview", json!({ "textDocument": { "uri": uri(T) }, "model": "vit" })).await;
    client.sent("workspace/codeLens/refresh").await;
    assert_eq!(shown(&mut client).await, "2 outputs · 2 missing | preview vit | ▶ run vit | generate");
}

#[tokio::test]
async fn a_client_that_cannot_be_told_of_news_gets_the_count_at_once() {
    let mut abilities = with_lenses();
    abilities["workspace"] = json!({});
    let mut client = Client::start_with(PROJECT, abilities).await;
    client.open(T).await;
    assert_eq!(shown(&mut client).await, "2 outputs · 2 missing | preview bert | ▶ run bert | generate");
}

#[tokio::test]
async fn a_client_is_sent_no_command_that_it_does_not_have() {
    let client = Client::start(PROJECT).await;
    assert!(client.greeting["capabilities"].get("codeLensProvider").is_none());
    let mut abilities = with_lenses();
    abilities["experimental"]["commands"]["commands"] = json!(["tgen.preview"]);
    let mut client = Client::start_with(PROJECT, abilities).await;
    client.open(T).await;
    assert_eq!(shown(&mut client).await, "preview bert");
}

/// The words of a text that look like ids of the server's commands.
fn command_ids(text: &str) -> BTreeSet<&str> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '.'));
    words.filter(|word| word.starts_with("tgen.")).collect()
}

#[tokio::test]
async fn the_commands_of_lenses_are_the_editors_own() {
    let mut client = Client::start_with(PROJECT, with_lenses()).await;
    client.open(T).await;
    let lenses = lenses(&mut client).await;
    let mut sent: BTreeSet<_> = lenses.iter().map(|lens| lens["command"]["command"].as_str().unwrap()).collect();
    assert_eq!(sent.len(), 4);
    sent.extend(crate::edited::COMMANDS);
    assert_eq!(lenses[0]["command"]["arguments"], json!([uri(T)]));
    assert_eq!(lenses[2]["command"]["arguments"], json!([uri(T), ["s"], "bert"]));
    assert_eq!(lenses[3]["command"]["arguments"], json!([uri(T), ["s"]]));

    let manifest: Value = serde_json::from_str(include_str!("../../../editors/vscode/package.json")).unwrap();
    let contributed = manifest["contributes"]["commands"].as_array().unwrap();
    let contributed: BTreeSet<_> = contributed.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert!(sent.is_subset(&contributed), "{contributed:?}");
    let extension = include_str!("../../../editors/vscode/src/extension.ts");
    let registered: BTreeSet<_> =
        extension.split("command(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(registered, contributed);
    let told = include_str!("../../../editors/vscode/src/lenses.ts");
    assert_eq!(command_ids(told), sent);

    let plugin = include_str!("../../../editors/nvim/lua/tgen/lenses.lua");
    let table = plugin.split_once("M.commands = {").unwrap().1.split_once("\n}").unwrap().0;
    let keys: BTreeSet<_> = table.split("['").skip(1).filter_map(|rest| rest.split("']").next()).collect();
    assert_eq!(keys, sent);
}

#[tokio::test]
async fn the_outputs_of_a_template_are_listed_with_those_first_that_need_something() {
    let mut client = Client::start(PROJECT).await;
    client.open(T).await;
    let text = rendered(&mut client).await;
    client.save_on_disk(OUTPUT, &text).await;
    let found = client.request("tgen/outputs", json!({ "textDocument": { "uri": uri(T) } })).await;
    let vit = json!({ "uri": uri("out/test_vit.py"), "subject": "vit", "standing": "missing" });
    let bert = json!({ "uri": uri(OUTPUT), "subject": "bert", "standing": "fresh" });
    assert_eq!(found, json!({ "outputs": [vit, bert] }));
}

#[tokio::test]
async fn a_generated_file_leads_to_its_template() {
    let mut client = Client::start(PROJECT).await;
    client.open(T).await;
    let text = rendered(&mut client).await;
    client.open_as(OUTPUT, &text).await;
    let at = |line| json!({ "textDocument": { "uri": uri(OUTPUT) }, "position": { "line": line, "character": 0 } });
    let hover = client.request("textDocument/hover", at(0)).await;
    insta::assert_snapshot!(hover["contents"]["value"].as_str().unwrap(), @"
    Generated from `templates/t.py.tera` for bert; edit the template.

    **fresh**: as the template says; leave it as it is.
    ");
    let found = client.request("textDocument/definition", at(2)).await;
    insta::assert_snapshot!(places(&found), @"templates/t.py.tera 1:0-1:9");
    let links = client.request("textDocument/documentLink", json!({ "textDocument": { "uri": uri(OUTPUT) } })).await;
    assert_eq!(links[0]["target"], uri(T));
    client.change(OUTPUT, json!([{ "range": { "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 0 } }, "text": "# mine\n" }])).await;
    let hover = client.request("textDocument/hover", at(0)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().contains("**edited**"), "{hover}");
    let found = client.request("textDocument/definition", at(3)).await;
    insta::assert_snapshot!(places(&found), @"templates/t.py.tera 1:0-1:9");
}

#[tokio::test]
async fn outputs_that_errors_keep_from_being_rendered_are_listed() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "{{ nothing }}\n").await;
    let found = client.request("tgen/outputs", json!({ "textDocument": { "uri": uri(T) } })).await;
    let broken =
        |model: &str| json!({ "uri": uri(&format!("out/test_{model}.py")), "subject": model, "standing": "broken" });
    assert_eq!(found, json!({ "outputs": [broken("bert"), broken("vit")] }));
}
