//! Recorded sessions of real editors: the messages that the editors sent, and the server's answers.
//!
//! To record a new one, run an editor's own tests with a proxy in place of the server that logs both directions.

use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;

/// The project that the editors' tests begin with.
const NEOVIM_PROJECT: &str = r#"
-- tgen.toml --
templates = "templates"
[placeholders]
organisation = "acme"
[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert", "vit"]
output = "out/test_{{ normalized_name }}.py"
[[suite]]
name = "dollar"
template = "dollar.py"
models = ["bert"]
output = "out/dollar_{{ normalized_name }}.py"
-- templates/t.py.tera --
# {{ model_nam }}
NAME = {{ model_name | py_str }}
-- templates/dollar.py --
name = "${model_nam}"
"#;

const EMACS_PROJECT: &str = r#"
-- tgen.toml --
templates = "templates"
[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert", "vit"]
output = "out/test_{{ normalized_name }}.py"
-- templates/t.py.tera --
# {{ model_nam }}
NAME = {{ model_name | py_str }}
"#;

/// A message that an editor sent.
#[derive(Deserialize)]
struct Sent {
    method: String,
    params: Value,
    #[serde(default)]
    is_request: bool,
    /// The recorded answer; `None` if it depends on files on disk that the session changed.
    answer: Option<Value>,
}

/// Replays a session and checks every answer against the recorded one; requests after `shutdown` must be refused. Returns
/// the number of compared answers.
async fn replay(project: &str, session: &str) -> usize {
    let mut client = Client::silent(project);
    let (mut compared, mut is_shut_down) = (0, false);
    for line in session.lines() {
        let sent: Sent = serde_json::from_str(line).unwrap();
        if !sent.is_request {
            client.notify(&sent.method, sent.params).await;
            continue;
        }
        if is_shut_down {
            let id = client.begin(&sent.method, sent.params).await;
            assert_eq!(client.answer(id).await["error"]["code"], -32600);
            continue;
        }
        is_shut_down = sent.method == "shutdown";
        let answer = client.request(&sent.method, sent.params.clone()).await;
        if let Some(expected) = sent.answer {
            assert_eq!(answer, expected, "{} of {}", sent.method, sent.params);
            compared += 1;
        }
    }
    compared
}

#[tokio::test(flavor = "multi_thread")]
async fn neovim_is_answered_as_it_was() {
    assert_eq!(replay(NEOVIM_PROJECT, include_str!("sessions/neovim-0.11.4.jsonl")).await, 8);
    assert_eq!(replay(NEOVIM_PROJECT, include_str!("sessions/neovim-0.7.2.jsonl")).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn emacs_is_answered_as_it_was() {
    assert_eq!(replay(EMACS_PROJECT, include_str!("sessions/emacs-eglot.jsonl")).await, 6);
}
