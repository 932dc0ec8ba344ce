//! What an editor offers for a generated file that the user edited.

use serde_json::{Value, json};

use crate::client::{Client, abilities, uri};
use crate::diagnostics::PROJECT;
use crate::features::range;

const T: &str = "templates/t.py.tera";
const OUTPUT: &str = "out/test_bert.py";
/// The commands of the lenses above an edited file.
pub(crate) const COMMANDS: [&str; 3] = ["tgen.adopt", "tgen.difference", "tgen.runOutput"];
/// A request that the user made, and one that the editor made by itself.
const INVOKED: u32 = 1;
const AUTOMATIC: u32 = 2;

/// A client as VS Code is one, with our commands.
fn with_commands() -> Value {
    let mut abilities = abilities();
    abilities["experimental"] = json!({ "commands": { "commands": COMMANDS } });
    let resolve = json!({ "properties": ["edit"] });
    let actions = json!({ "dataSupport": true, "disabledSupport": true, "resolveSupport": resolve });
    abilities["textDocument"] = json!({ "codeAction": actions });
    abilities
}

/// A client that has `bert`'s output open, edited.
async fn with_edited(project: &str, abilities: Value, edit: impl Fn(&str) -> String) -> Client {
    let mut client = Client::start_with(project, abilities).await;
    client.open(T).await;
    let preview = json!({ "textDocument": { "uri": uri(T) }, "model": "bert" });
    let generated = client.request("tgen/preview", preview).await["text"].as_str().unwrap().to_owned();
    client.save_on_disk(OUTPUT, &generated).await;
    client.open_as(OUTPUT, &edit(&generated)).await;
    client
}

fn renamed(text: &str) -> String {
    text.replace("NAME = ", "TITLE = ")
}

async fn actions(client: &mut Client, line: u32, trigger: u32) -> Vec<Value> {
    let here = json!({ "line": line, "character": 0 });
    let context = json!({ "diagnostics": [], "only": ["refactor.rewrite.tgen"], "triggerKind": trigger });
    let params =
        json!({ "textDocument": { "uri": uri(OUTPUT) }, "range": { "start": here, "end": here }, "context": context });
    client.request("textDocument/codeAction", params).await.as_array().unwrap().clone()
}

fn titles(actions: &[Value]) -> Vec<String> {
    let title = |action: &Value| {
        let reason = action["disabled"]["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}{reason}", action["title"].as_str().unwrap())
    };
    actions.iter().map(title).collect()
}

#[tokio::test]
async fn lenses_above_an_edited_file_say_how_much_was_edited() {
    let mut client = with_edited(PROJECT, with_commands(), renamed).await;
    let params = json!({ "textDocument": { "uri": uri(OUTPUT) } });
    let lenses = client.request("textDocument/codeLens", params.clone()).await;
    let shown: Vec<_> = lenses.as_array().unwrap().iter().map(|lens| lens["command"].clone()).collect();
    assert_eq!(range(&lenses[0]["range"])[..4], *"0:0-");
    assert_eq!(shown[0], json!({ "title": "edited: 1 place", "command": "tgen.adopt", "arguments": [uri(OUTPUT)] }));
    assert_eq!(shown.iter().map(|command| command["command"].as_str().unwrap()).collect::<Vec<_>>(), COMMANDS);
    assert_eq!(shown[2]["title"], "▶ run");
    let generated = client.request("tgen/generated", params.clone()).await;
    assert!(generated["text"].as_str().unwrap().contains("NAME = \"bert\""), "{generated}");
    client.edit(T, "TITLE = {{ model_name | py_str }}\n").await;
    let lenses = client.request("textDocument/codeLens", params).await;
    assert_eq!(lenses[0]["command"]["title"], "edited: 1 place, and its template has changed since");
}

/// The arguments of the one lens above the output of a project that was just generated.
async fn arguments_of_run(project: &str, output: &str) -> Value {
    let mut client = Client::start_with(project, with_commands()).await;
    client.open(T).await;
    let preview = json!({ "textDocument": { "uri": uri(T) }, "model": "bert" });
    let generated = client.request("tgen/preview", preview).await["text"].as_str().unwrap().to_owned();
    client.open_as(output, &generated).await;
    let lenses = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri(output) } })).await;
    assert_eq!(lenses.as_array().unwrap().len(), 1, "{lenses}");
    lenses[0]["command"]["arguments"].clone()
}

#[tokio::test]
async fn the_tests_of_an_output_run_with_what_selects_them() {
    assert_eq!(arguments_of_run(PROJECT, OUTPUT).await, json!([uri(OUTPUT), "s", "bert", null, null]));
    let of_each =
        PROJECT.replace("_{{ normalized_name }}.py", "_{{ normalized_name }}_{{ hardware_type }}_{{ batch_size }}.py");
    let output = "out/test_bert_cpu_1.py";
    assert_eq!(arguments_of_run(&of_each, output).await, json!([uri(output), "s", "bert", "cpu", 1]));
}

#[tokio::test]
async fn an_edit_moves_into_the_template_with_the_count_of_other_outputs() {
    let mut client = with_edited(PROJECT, with_commands(), renamed).await;
    let found = actions(&mut client, 1, INVOKED).await;
    assert_eq!(
        titles(&found),
        [
            "move the edit into the template, which changes 1 other output",
            "move the edit into a template for this model only (no template of the suite `s` is for this model alone; \
             put `\"models/{{ normalized_name }}.py.tera\"` first in its list `template`)",
            "discard the edit",
            "show the difference",
        ]
    );
    let edits = &found[0]["edit"]["changes"];
    assert_eq!(edits[uri(T)][0]["newText"], "TITLE = {{ model_name | py_str }}\n");
    assert!(edits[uri(OUTPUT)][0]["newText"].as_str().unwrap().contains("@generated"), "{edits}");
    assert_eq!(found[2]["edit"]["changes"][uri(OUTPUT)][0]["newText"], "NAME = \"bert\"\n");
    assert_eq!(found[3]["command"]["arguments"], json!([uri(OUTPUT)]));
    assert!(actions(&mut client, 2, INVOKED).await.is_empty(), "no edit is on this line");
}

#[tokio::test]
async fn an_editor_that_asks_by_itself_gets_the_edit_when_the_user_chooses_it() {
    let mut client = with_edited(PROJECT, with_commands(), renamed).await;
    let found = actions(&mut client, 1, AUTOMATIC).await;
    assert_eq!(found[0]["title"], "move the edit into the template");
    assert_eq!(found[0]["edit"], Value::Null);
    let resolved = client.request("codeAction/resolve", found[0].clone()).await;
    let invoked = actions(&mut client, 1, INVOKED).await;
    assert_eq!(resolved["edit"], invoked[0]["edit"]);
    let after = actions(&mut client, 1, AUTOMATIC).await;
    assert_eq!(titles(&after)[0], "move the edit into the template, which changes 1 other output");
}

#[tokio::test]
async fn a_client_that_cannot_ask_again_gets_the_edit_at_once() {
    let mut client = with_edited(PROJECT, abilities(), renamed).await;
    let found = actions(&mut client, 1, AUTOMATIC).await;
    assert_eq!(titles(&found), ["move the edit into the template, which changes 1 other output", "discard the edit"]);
}

#[tokio::test]
async fn an_edit_becomes_a_template_of_the_models_own() {
    let project = PROJECT.replace("\"t.py.tera\"", "[\"own/{{ model_name }}.py.tera\", \"t.py.tera\"]");
    let mut client = with_edited(&project, with_commands(), renamed).await;
    let found = actions(&mut client, 0, INVOKED).await;
    assert_eq!(found[1]["title"], "move the edit into a template for this model only");
    let own = uri("templates/own/bert.py.tera");
    let operations = found[1]["edit"]["documentChanges"].as_array().unwrap();
    assert_eq!(operations[0], json!({ "kind": "create", "uri": own }));
    let of_own = operations.iter().find(|operation| operation["textDocument"]["uri"] == own).unwrap();
    assert!(of_own["edits"][0]["newText"].as_str().unwrap().starts_with("TITLE = "), "{of_own}");
}

#[tokio::test]
async fn an_edit_of_a_file_whose_template_has_changed_since_cannot_be_moved() {
    let mut client = with_edited(PROJECT, with_commands(), renamed).await;
    client.edit(T, "OTHER = {{ model_name | py_str }}\n").await;
    let found = titles(&actions(&mut client, 0, INVOKED).await);
    let reason = "(its template has changed since; run `cargo tgen generate --merge` first)";
    assert!(found[0].ends_with(reason) && found[2] == "discard the edit", "{found:?}");
}
