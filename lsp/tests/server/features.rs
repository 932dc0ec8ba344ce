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

pub(crate) fn range(range: &Value) -> String {
    let (start, end) = (&range["start"], &range["end"]);
    format!("{}:{}-{}:{}", start["line"], start["character"], end["line"], end["character"])
}

/// Locations, each in a line.
pub(crate) fn places(found: &Value) -> String {
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

#[tokio::test]
async fn the_shape_of_a_template_is_told() {
    let text = "{% block body %}\n{% for task in tasks %}\n{{ task }}<|>\n{% endfor %}\n{% endblock %}\n{% include \"other.py.tera\" %}\n";
    let (mut client, at) = at(text).await;
    let document = json!({ "textDocument": at["textDocument"] });
    let symbols = client.request("textDocument/documentSymbol", document.clone()).await;
    assert_eq!((&symbols[0]["name"], &symbols[0]["children"][0]["detail"]), (&json!("body"), &json!("for")));
    let folds = client.request("textDocument/foldingRange", document.clone()).await;
    let folded: Vec<_> = folds.as_array().unwrap().iter().map(|fold| (&fold["startLine"], &fold["endLine"])).collect();
    assert_eq!(folded, [(&json!(0), &json!(3)), (&json!(1), &json!(2))]);
    let links = client.request("textDocument/documentLink", document).await;
    assert_eq!(
        (&links[0]["target"], range(&links[0]["range"])),
        (&json!(uri("templates/other.py.tera")), "5:12-5:25".to_owned())
    );
    let around = json!({ "textDocument": at["textDocument"], "positions": [{ "line": 2, "character": 4 }] });
    let selection = client.request("textDocument/selectionRange", around).await;
    assert_eq!(range(&selection[0]["range"]), "2:3-2:7");
    assert!(selection[0]["parent"]["range"].is_object());
    let found = client.request("workspace/symbol", json!({ "query": "bdy" })).await;
    assert_eq!((&found[0]["name"], &found[0]["location"]["uri"]), (&json!("body"), &json!(uri(T))));
}

#[tokio::test]
async fn tokens_are_told_whole_and_then_as_a_change() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "é {{ model_name }}\n{{ tasks }}\n").await;
    let document = json!({ "uri": uri(T) });
    let whole = client.request("textDocument/semanticTokens/full", json!({ "textDocument": document })).await;
    let legend = &client.greeting["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"];
    let first: Vec<u64> =
        whole["data"].as_array().unwrap()[..5].iter().map(|number| number.as_u64().unwrap()).collect();
    assert_eq!(first[..3], [0, 5, 10]);
    assert_eq!(legend[usize::try_from(first[3]).unwrap()], "variable");
    client.edit(T, "é {{ model_name }}\n{{ tasks | length }}\n").await;
    let since = json!({ "textDocument": document, "previousResultId": whole["resultId"] });
    let change = client.request("textDocument/semanticTokens/full/delta", since).await;
    let edit = &change["edits"][0];
    assert_eq!((edit["start"].as_u64(), edit["deleteCount"].as_u64()), (Some(10), Some(0)), "{change}");
    let unknown = json!({ "textDocument": document, "previousResultId": "nothing" });
    assert!(client.request("textDocument/semanticTokens/full/delta", unknown).await["data"].is_array());
}

#[tokio::test]
async fn hints_show_the_values_of_the_shown_model() {
    let mut client = Client::start(PROJECT).await;
    client.open_as(T, "{{ model_name }}\n{{ model_type }}\n").await;
    let first_line = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 1, "character": 0 } });
    let hints = client
        .request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri(T) }, "range": first_line }))
        .await;
    assert_eq!(hints.as_array().unwrap().len(), 1);
    assert!(hints[0]["label"].as_str().unwrap().contains("bert"), "{hints}");
}

#[tokio::test]
async fn a_mistyped_name_has_a_fix() {
    let (mut client, mut at) = at("{{ model_n<|>am }}\n").await;
    let here = at["position"].clone();
    at["range"] = json!({ "start": here, "end": here });
    at["context"] = json!({ "diagnostics": [] });
    let actions = client.request("textDocument/codeAction", at).await;
    let fix = &actions[0];
    assert_eq!((&fix["kind"], &fix["isPreferred"]), (&json!("quickfix"), &json!(true)), "{actions}");
    assert_eq!(fix["edit"]["changes"][uri(T)][0]["newText"], "model_name");
    assert_eq!(fix["diagnostics"][0]["code"], "unknown-placeholder");
}

#[tokio::test]
async fn what_is_selected_can_become_a_component() {
    let (mut client, mut at) = at("<|># {{ organisation }}\nx = 1\n").await;
    at["range"] = json!({ "start": at["position"], "end": { "line": 0, "character": 20 } });
    at["context"] = json!({ "diagnostics": [] });
    let actions = client.request("textDocument/codeAction", at.clone()).await;
    assert_eq!(
        (&actions[0]["kind"], &actions[0]["diagnostics"]),
        (&json!("refactor.extract"), &Value::Null),
        "{actions}"
    );
    let edits = &actions[0]["edit"]["changes"][uri(T)];
    assert_eq!(edits[0]["newText"], "{{ <extracted organisation /> }}");
    insta::assert_snapshot!(edits[1]["newText"].as_str().unwrap(), @"
    {% component extracted(organisation) -%}
    # {{ organisation }}
    {%- endcomponent extracted -%}
    ");
    at["context"]["only"] = json!(["refactor"]);
    assert_eq!(client.request("textDocument/codeAction", at.clone()).await, actions);
    at["context"]["only"] = json!(["quickfix"]);
    assert_eq!(client.request("textDocument/codeAction", at).await, json!([]));
}

#[tokio::test]
async fn tags_are_formatted() {
    let (mut client, at) = at("{{model_name|upper}}<|>\n").await;
    let options = json!({ "tabSize": 4, "insertSpaces": true });
    let params = json!({ "textDocument": at["textDocument"], "options": options });
    let edits = client.request("textDocument/formatting", params).await;
    assert!(edits[0]["newText"].as_str().unwrap().contains("model_name | upper"), "{edits}");
}

#[tokio::test]
async fn the_configuration_is_completed() {
    let mut client = Client::start(PROJECT).await;
    client.open_as("tgen.toml", "templates = \"templates\"\nskil\n").await;
    let at = json!({ "textDocument": { "uri": uri("tgen.toml") }, "position": { "line": 1, "character": 4 } });
    let found = client.request("textDocument/completion", at).await;
    assert!(found.as_array().unwrap().iter().any(|item| item["label"] == "skillset"), "{found}");
}
