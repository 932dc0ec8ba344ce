//! Every kind of question, asked once: that it reaches core and that the answer comes back in the protocol's words.

use serde_json::{Value, json};

use crate::client::{Client, uri};
use crate::diagnostics::PROJECT;

const T: &str = "templates/t.py.tera";

/// A client with one template open, in which `<|>` is where is asked, and the parameters that say so.
async fn at(text: &str) -> (Client, Value) {
    let offset = text.find("<|>").unwrap();
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, &text.replace("<|>", "")).await;
    (client, json!({ "textDocument": { "uri": uri(T) }, "position": { "line": line, "character": character } }))
}

fn range(range: &Value) -> String {
    let (start, end) = (&range["start"], &range["end"]);
    format!("{}:{}-{}:{}", start["line"], start["character"], end["line"], end["character"])
}

/// Locations, each in a line.
fn places(found: &Value) -> String {
    let shown = |place: &Value| {
        format!("{} {}", place["uri"].as_str().unwrap().trim_start_matches("file:///project/"), range(&place["range"]))
    };
    found.as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn completion_works_right_inside_an_unfinished_tag() {
    let (mut client, at) = at("é {{ model_f<|>\n{{ model_name }}\n").await;
    let found = client.request("textDocument/completion", at).await;
    let item = found.as_array().unwrap().iter().find(|item| item["label"] == "model_family").unwrap();
    assert_eq!(range(&item["textEdit"]["range"]), "0:5-0:12");
    assert_eq!(item["textEdit"]["newText"], "model_family");
    assert_eq!(item["documentation"]["kind"], "markdown");
}

#[tokio::test]
async fn completion_keeps_the_order_of_core() {
    let (mut client, at) = at("{{ <|> }}\n").await;
    let found = client.request("textDocument/completion", at).await;
    let order: Vec<_> = found.as_array().unwrap().iter().map(|item| item["sortText"].as_str().unwrap()).collect();
    assert!(order.len() > 10 && order.is_sorted(), "{order:?}");
}

#[tokio::test]
async fn a_completion_sees_the_edit_before_it() {
    let (mut client, at) = at("<|>\n").await;
    client.edit(T, "{{ organ }}\n").await;
    let id = client
        .begin(
            "textDocument/completion",
            json!({ "textDocument": at["textDocument"], "position": { "line": 0, "character": 8 } }),
        )
        .await;
    client.edit(T, "nothing\n").await;
    let found = client.answer(id).await["result"].clone();
    assert!(found.as_array().unwrap().iter().any(|item| item["label"] == "organisation"), "{found}");
}

#[tokio::test]
async fn hover_tells_the_values_over_the_models() {
    let (mut client, at) = at("# {{ model_<|>name }}\n").await;
    let found = client.request("textDocument/hover", at).await;
    assert_eq!(range(&found["range"]), "0:5-0:15");
    let text = found["contents"]["value"].as_str().unwrap();
    assert!(text.contains("bert") && text.contains("vit"), "{text}");
}

#[tokio::test]
async fn a_placeholder_of_the_project_is_defined_in_its_configuration() {
    let (mut client, at) = at("{{ organ<|>isation }}\n").await;
    let found = client.request("textDocument/definition", at).await;
    insta::assert_snapshot!(places(&found), @"tgen.toml 3:0-3:12");
}

#[tokio::test]
async fn an_included_template_is_a_definition() {
    let (mut client, at) = at("{% include \"oth<|>er.py.tera\" %}\n").await;
    let found = client.request("textDocument/definition", at).await;
    insta::assert_snapshot!(places(&found), @"templates/other.py.tera 0:0-0:0");
}

#[tokio::test]
async fn references_are_in_templates_and_configuration() {
    let (mut client, mut at) = at("{{ organ<|>isation }} {{ organisation }}\n").await;
    at["context"] = json!({ "includeDeclaration": true });
    let found = client.request("textDocument/references", at.clone()).await;
    insta::assert_snapshot!(places(&found), @"
    tgen.toml 3:0-3:12
    templates/t.py.tera 0:3-0:15
    templates/t.py.tera 0:22-0:34
    ");
    at["context"] = json!({ "includeDeclaration": false });
    assert_eq!(client.request("textDocument/references", at).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_placeholder_is_renamed_in_templates_and_configuration() {
    let (mut client, mut at) = at("{{ organ<|>isation }}\n").await;
    let prepared = client.request("textDocument/prepareRename", at.clone()).await;
    assert_eq!(prepared["placeholder"], "organisation");
    at["newName"] = json!("company");
    let edit = client.request("textDocument/rename", at.clone()).await;
    for file in ["tgen.toml", T] {
        assert_eq!(edit["changes"][uri(file)][0]["newText"], "company", "{edit}");
    }
    at["newName"] = json!("not a name");
    let id = client.begin("textDocument/rename", at).await;
    assert!(client.answer(id).await["error"]["message"].as_str().unwrap().contains("not a name"));
}

#[tokio::test]
async fn the_preview_shows_unsaved_text_for_the_chosen_model() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "NAME = {{ model_name | py_str }}\n").await;
    let document = json!({ "textDocument": { "uri": uri(T) } });
    let first = client.request("tgen/preview", document.clone()).await;
    assert_eq!((&first["model"], &first["output"]), (&json!("bert"), &json!(uri("out/test_bert.py"))));
    assert!(first["text"].as_str().unwrap().ends_with("NAME = \"bert\"\n"));
    let models = client.request("tgen/models", document.clone()).await;
    assert_eq!(models, json!({ "models": ["bert", "vit"], "current": "bert" }));
    client.request("tgen/setPreview", json!({ "textDocument": { "uri": uri(T) }, "model": "vit" })).await;
    client.edit(T, "NAME = {{ model_name | py_str }}  # edited\n").await;
    let second = client.request("tgen/preview", document).await;
    assert!(second["text"].as_str().unwrap().ends_with("NAME = \"vit\"  # edited\n"), "{second}");
}

#[tokio::test]
async fn a_preview_that_cannot_be_rendered_says_why() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "{{ nothing }}\n").await;
    let found = client.request("tgen/preview", json!({ "textDocument": { "uri": uri(T) } })).await;
    assert_eq!(found["text"], Value::Null);
    assert!(found["problem"].as_str().unwrap().contains("`nothing`"), "{found}");
}
