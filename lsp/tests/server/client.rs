//! A client in the same process: it speaks the protocol over a pipe and keeps every message that it gets.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use tgen_core::base::files::{Files, MemoryFiles};
use tgen_core::config::Origin;
use tgen_core::template::library::Pack;
use tgen_lsp::{End, Host, ServedProject, serve_on};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

/// Where the fixture's files are.
pub(crate) const ROOT: &str = "/project";
/// The built-in templates of tests.
pub(crate) static PACK: &Pack = &[("built_in.py.tera", "# {{ model_name }}\n")];
/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Diagnostics that do not come in this time do not come.
const SILENCE: Duration = Duration::from_secs(10);

/// Files in memory that a test can change while the server runs.
#[derive(Clone)]
pub(crate) struct World {
    files: Arc<RwLock<MemoryFiles>>,
    root: Utf8PathBuf,
    gate: Arc<Gate>,
}

/// While it is closed, reading a file blocks.
#[derive(Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        drop(self.opened.wait_while(self.is_closed.lock().unwrap(), |is_closed| *is_closed).unwrap());
    }

    fn set_closed(&self, is_closed: bool) {
        *self.is_closed.lock().unwrap() = is_closed;
        self.opened.notify_all();
    }
}

impl World {
    fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.root.join(path)
    }
}

impl Files for World {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.gate.pass();
        self.files.read().unwrap().read_into(&self.absolute(path), buffer)
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let paths = self.files.read().unwrap().list(&self.absolute(folder))?;
        Ok(paths.iter().filter_map(|path| path.strip_prefix(&self.root).ok()).map(Utf8Path::to_owned).collect())
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.files.read().unwrap().is_file(&self.absolute(path))
    }
}

impl Host for World {
    fn locate(&self, folder: &Utf8Path) -> Result<ServedProject, String> {
        let has_config = |folder: &&Utf8Path| self.files.read().unwrap().is_file(&folder.join("tgen.toml"));
        Ok(match folder.ancestors().find(has_config) {
            Some(root) => ServedProject { root: root.to_owned(), origin: Some(Origin::TgenToml) },
            None => ServedProject { root: folder.to_owned(), origin: None },
        })
    }

    fn files(&self, root: &Utf8Path) -> Arc<dyn Files + Send + Sync> {
        Arc::new(Self { root: root.to_owned(), ..self.clone() })
    }

    fn pack(&self) -> &'static Pack {
        PACK
    }
}

/// The client's end of the pipe.
pub(crate) struct Client {
    input: WriteHalf<DuplexStream>,
    output: BufReader<ReadHalf<DuplexStream>>,
    server: JoinHandle<End>,
    world: World,
    versions: BTreeMap<String, i64>,
    next_id: i64,
    /// Notifications and requests of the server that no test has asked for yet.
    inbox: VecDeque<Value>,
    /// What the server answered to `initialize`.
    pub(crate) greeting: Value,
    /// Whether requests of the server are answered.
    pub(crate) answers: bool,
}

/// What most clients can do.
pub(crate) fn abilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "window": { "workDoneProgress": true },
        "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true, "relativePatternSupport": true } },
    })
}

impl Client {
    /// A client that has not said anything yet.
    pub(crate) fn silent(fixture: &str) -> Self {
        let mut files = MemoryFiles::default();
        let root = Utf8Path::new(ROOT);
        let fixture = MemoryFiles::from_fixture(fixture);
        for path in fixture.list("".into()).unwrap_or_default() {
            files.insert(root.join(&path), fixture.read_text(&path).unwrap());
        }
        let world = World { files: Arc::new(RwLock::new(files)), root: root.to_owned(), gate: Arc::default() };
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (input, output) = tokio::io::split(theirs);
        let server = tokio::spawn(serve_on(input, output, Arc::new(world.clone())));
        let (output, input) = tokio::io::split(ours);
        let output = BufReader::new(output);
        let (versions, inbox) = (BTreeMap::new(), VecDeque::new());
        Self { input, output, server, world, versions, next_id: 0, inbox, greeting: Value::Null, answers: true }
    }

    /// A client that has the fixture's folder open.
    pub(crate) async fn start(fixture: &str) -> Self {
        Self::start_with(fixture, abilities()).await
    }

    /// A client that can do what a test needs.
    pub(crate) async fn start_with(fixture: &str, abilities: Value) -> Self {
        let mut client = Self::silent(fixture);
        client.initialize(abilities).await;
        client
    }

    /// Says what it can do, and that it has the fixture's folder open.
    pub(crate) async fn initialize(&mut self, abilities: Value) {
        let folders = json!([{ "uri": uri(""), "name": "project" }]);
        let params =
            json!({ "processId": null, "rootUri": null, "capabilities": abilities, "workspaceFolders": folders });
        self.greeting = self.request("initialize", params).await;
        self.notify("initialized", json!({})).await;
    }

    /// Blocks or unblocks all reading of files.
    pub(crate) fn hold_files(&self, is_closed: bool) {
        self.world.gate.set_closed(is_closed);
    }

    /// Sends a request and waits for its result; an error fails the test.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> impl Future<Output = Value> + use<'_> {
        let method = method.to_owned();
        async move {
            let id = self.begin(&method, params).await;
            let answer = self.answer(id).await;
            assert!(answer.get("error").is_none(), "{method}: {answer}");
            answer["result"].clone()
        }
    }

    /// Sends a request without waiting.
    pub(crate) async fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    /// The whole answer to a request.
    pub(crate) async fn answer(&mut self, id: i64) -> Value {
        self.wait(|message| message.get("method").is_none() && message["id"] == id).await
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Opens a file of the fixture as it is on disk.
    pub(crate) async fn open(&mut self, path: &str) {
        let text = self.world.read_text(path.into()).unwrap();
        self.open_as(path, &text).await;
    }

    /// Opens a file with another text than on disk.
    pub(crate) async fn open_as(&mut self, path: &str, text: &str) {
        self.versions.insert(path.to_owned(), 1);
        let document = json!({ "uri": uri(path), "languageId": "plaintext", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    /// Replaces the whole text of an open file.
    pub(crate) async fn edit(&mut self, path: &str, text: &str) {
        self.change(path, json!([{ "text": text }])).await;
    }

    /// Sends changes of an open file.
    pub(crate) async fn change(&mut self, path: &str, changes: Value) {
        let version = self.versions.get_mut(path).unwrap();
        *version += 1;
        let document = json!({ "uri": uri(path), "version": *version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes })).await;
    }

    /// Closes a file.
    pub(crate) async fn close(&mut self, path: &str) {
        self.versions.remove(path);
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } })).await;
    }

    /// Writes a file to disk and tells the server, as a client does that watches.
    pub(crate) async fn save_on_disk(&mut self, path: &str, text: &str) {
        self.world.files.write().unwrap().insert(Utf8Path::new(ROOT).join(path), text);
        let changes = json!([{ "uri": uri(path), "type": 2 }]);
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
    }

    /// The next diagnostics that are sent for a file, as `line:start-end code message`.
    pub(crate) async fn diagnostics(&mut self, path: &str) -> Vec<String> {
        let sent = self.published(path).await;
        sent["diagnostics"].as_array().unwrap().iter().map(shown).collect()
    }

    /// Waits until the diagnostics of a file are these.
    pub(crate) async fn until_diagnostics(&mut self, path: &str, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut last = Vec::new();
        loop {
            let next = tokio::time::timeout(SILENCE, self.diagnostics(path)).await;
            let Ok(found) = next else { panic!("`{path}` still has {last:#?}") };
            if is_it(&found) {
                return found;
            }
            last = found;
        }
    }

    /// Waits until the server says that it has checked the open files to the end, each as it is now.
    pub(crate) async fn until_checked(&mut self) {
        let open = self.versions.iter().map(|(path, version)| json!({ "uri": uri(path), "version": version }));
        let open: Vec<_> = open.collect();
        loop {
            let checked = self.sent("tgen/checked").await;
            let documents = checked["documents"].as_array().unwrap();
            if documents.len() == open.len() && open.iter().all(|document| documents.contains(document)) {
                return;
            }
        }
    }

    /// Every list of diagnostics that came for a file and was not asked for yet, as lines, the last one last.
    pub(crate) fn all_diagnostics(&mut self, path: &str) -> Vec<Vec<String>> {
        let uri = uri(path);
        let is_it = |message: &&Value| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri.as_str()
        };
        let sent = self.inbox.iter().filter(is_it).map(|message| &message["params"]["diagnostics"]);
        sent.map(|sent| sent.as_array().unwrap().iter().map(shown).collect()).collect()
    }

    /// The next diagnostics that are sent for a file.
    pub(crate) async fn published(&mut self, path: &str) -> Value {
        let uri = uri(path);
        let is_it = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri.as_str()
        };
        self.wait(is_it).await["params"].clone()
    }

    /// The next message of the server with that method.
    pub(crate) async fn sent(&mut self, method: &str) -> Value {
        self.wait(|message| message["method"] == method).await["params"].clone()
    }

    /// How many messages with that method came and were not asked for.
    pub(crate) fn unasked(&self, method: &str) -> usize {
        self.inbox.iter().filter(|message| message["method"] == method).count()
    }

    /// Says `shutdown` and `exit` and waits for the end, with the pipe still open.
    pub(crate) async fn end(mut self) -> End {
        self.request("shutdown", Value::Null).await;
        self.exit().await
    }

    /// Says `exit` and waits for the end, with the pipe still open.
    pub(crate) async fn exit(mut self) -> End {
        self.notify("exit", Value::Null).await;
        tokio::time::timeout(PATIENCE, self.server).await.expect("the server ends").unwrap()
    }

    /// Sends a message with its headers.
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_body(&message.to_string()).await;
    }

    /// Sends a body as it is, with its headers.
    pub(crate) async fn send_body(&mut self, body: &str) {
        self.send_bytes(&format!("Content-Length: {}\r\n\r\n{body}", body.len())).await;
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &str) {
        self.input.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// The error that answers a message whose id could not be read.
    pub(crate) async fn rejection(&mut self) -> Value {
        self.wait(|message| message.get("method").is_none() && message["id"].is_null()).await["error"].clone()
    }

    /// The first message that fits, now or later. Requests of the server are answered on the way.
    async fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.inbox.iter().position(&fits) {
            return self.inbox.remove(at).unwrap();
        }
        loop {
            let message = tokio::time::timeout(PATIENCE, self.receive())
                .await
                .unwrap_or_else(|_| panic!("the server is silent; so far it said {:#?}", self.inbox));
            if self.answers && message.get("method").is_some() && message.get("id").is_some() {
                self.send(json!({ "jsonrpc": "2.0", "id": message["id"], "result": null })).await;
            }
            if fits(&message) {
                return message;
            }
            self.inbox.push_back(message);
        }
    }

    async fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).await.unwrap(), 0, "the server hung up");
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

/// The client's name of a file of the fixture.
pub(crate) fn uri(path: &str) -> String {
    if path.is_empty() { format!("file://{ROOT}") } else { format!("file://{ROOT}/{path}") }
}

/// A diagnostic in a line.
pub(crate) fn shown(diagnostic: &Value) -> String {
    let (start, end) = (&diagnostic["range"]["start"], &diagnostic["range"]["end"]);
    format!(
        "{}:{}-{}:{} {} {}",
        start["line"],
        start["character"],
        end["line"],
        end["character"],
        diagnostic["code"].as_str().unwrap(),
        diagnostic["message"].as_str().unwrap().replace('\n', "; "),
    )
}
