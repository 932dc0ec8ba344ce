//! The order of messages, the beginning and the end.

use serde_json::{Value, json};
use tgen_lsp::End;

use crate::client::{Client, abilities, uri};
use crate::diagnostics::PROJECT;

#[tokio::test]
async fn exit_ends_the_server_while_the_pipe_is_open() {
    assert_eq!(Client::start(PROJECT).await.end().await, End::InOrder);
    assert_eq!(Client::start(PROJECT).await.exit().await, End::Abrupt);
    assert_eq!(Client::silent(PROJECT).exit().await, End::Abrupt);
}

#[tokio::test]
async fn shutdown_with_null_for_parameters_is_answered() {
    let mut client = Client::start(PROJECT).await;
    assert_eq!(client.request("shutdown", Value::Null).await, Value::Null);
}

#[tokio::test]
async fn what_comes_before_initialize_is_refused_or_dropped() {
    let mut client = Client::silent(PROJECT);
    client.open("templates/t.py.tera").await;
    let id =
        client.begin("textDocument/diagnostic", json!({ "textDocument": { "uri": uri("templates/t.py.tera") } })).await;
    assert_eq!(client.answer(id).await["error"]["code"], -32002);
    let folders = json!([{ "uri": uri(""), "name": "project" }]);
    client.request("initialize", json!({ "capabilities": abilities(), "workspaceFolders": folders })).await;
    client.notify("initialized", json!({})).await;
    client.open("templates/other.py.tera").await;
    client.published("templates/other.py.tera").await;
    assert_eq!(client.unasked("textDocument/publishDiagnostics"), 0);
}

#[tokio::test]
async fn an_unknown_request_is_refused_and_an_unknown_notification_ignored() {
    let mut client = Client::start(PROJECT).await;
    client.notify("tgen/noSuchThing", json!({})).await;
    let id = client.begin("tgen/noSuchThing", json!({})).await;
    assert_eq!(client.answer(id).await["error"]["code"], -32601);
}

#[tokio::test]
async fn a_position_is_counted_as_agreed() {
    for (encoding, character) in [("utf-8", 13), ("utf-16", 10), ("utf-32", 9)] {
        let mut abilities = abilities();
        abilities["general"]["positionEncodings"] = json!([encoding]);
        let mut client = Client::start_with(PROJECT, abilities).await;
        assert_eq!(client.greeting["capabilities"]["positionEncoding"], encoding);
        client.open_as("templates/t.py.tera", "é😀 x = {{ typo }}\n").await;
        let found = client.published("templates/t.py.tera").await;
        let range = &found["diagnostics"][0]["range"];
        assert_eq!(range["start"]["character"], character + 1);
        assert_eq!(range["end"]["character"], character + 1 + 4);
    }
}

#[tokio::test]
async fn a_burst_of_edits_ends_with_the_last() {
    let mut client = Client::start(PROJECT).await;
    client.open_as("templates/t.py.tera", "\n").await;
    client.published("templates/t.py.tera").await;
    for round in 0..20 {
        for edit in 0..20 {
            let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 1, "character": 0 } });
            let text = format!("{{{{ wrong_{round}_{edit} }}}}\n");
            client.change("templates/t.py.tera", json!([{ "range": whole, "text": text }])).await;
        }
        let last = format!("`wrong_{round}_19`");
        let is_last = |found: &[String]| found.len() == 1 && found[0].contains(&last);
        client.until_diagnostics("templates/t.py.tera", is_last).await;
    }
}

#[tokio::test]
async fn a_cancelled_request_is_answered_although_the_server_is_busy() {
    let mut abilities = abilities();
    abilities["textDocument"] = json!({ "diagnostic": {} });
    abilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
    let mut client = Client::start_with(PROJECT, abilities).await;
    client.open_as("templates/t.py.tera", &"{{ model_name }} {% if tasks %} {% endif %}\n".repeat(20_000)).await;
    let params = json!({ "textDocument": { "uri": uri("templates/t.py.tera") } });
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(client.begin("textDocument/diagnostic", params.clone()).await);
    }
    for id in &ids {
        client.notify("$/cancelRequest", json!({ "id": id })).await;
    }
    for id in ids {
        assert_eq!(client.answer(id).await["error"]["code"], -32800);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_is_answered_and_the_next_is_read() {
    let mut client = Client::start(PROJECT).await;
    for (body, code) in [
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"shutdown"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1180591620717411303424,"method":"shutdown"}"#, -32600),
        (r#"[{"jsonrpc":"2.0","id":7,"method":"shutdown"}]"#, -32600),
        (r#"{"jsonrpc":"2.0","id":7,"error":"none"}"#, -32600),
        (r#"{"jsonrpc":"2.0","method":"\ud800"}"#, -32700),
        ("{", -32700),
    ] {
        client.send_body(body).await;
        assert_eq!(client.rejection().await["code"], code, "{body}");
    }
    assert_eq!(client.end().await, End::InOrder);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_left_out_and_said_so() {
    let mut client = Client::start(PROJECT).await;
    client.send_bytes("Content-Length: 1000000000000\r\n\r\n{\"jsonrpc\":\"2.0\",").await;
    assert_eq!(client.rejection().await["code"], -32600);
    let said = client.sent("window/showMessage").await;
    assert!(said["message"].as_str().unwrap().contains("1000000000000 bytes"), "{said}");
    assert_eq!(client.end().await, End::InOrder);
}

#[tokio::test]
async fn a_client_that_answers_nothing_gets_its_diagnostics() {
    let mut client = Client::silent(PROJECT);
    client.answers = false;
    client.initialize(abilities()).await;
    client.open_as("templates/t.py.tera", "{{ typo }}\n").await;
    client.until_diagnostics("templates/t.py.tera", |found| found.len() == 1).await;
}
