//! What stands for the head of a Ray cluster: it answers on loopback, and misbehaves as real ones have done.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

/// A request as the head has got it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// What the head does about a request.
pub(crate) enum Reply {
    Answer(u16, String),
    /// Another address to go to.
    Redirect(String),
    /// The connection is closed without a word.
    HangUp,
    /// The connection is closed before the end of the answer.
    Cut(String),
}

type Fault = dyn Fn(&Request, usize) -> Option<Reply> + Send + Sync;

/// What the head knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) packages: Vec<String>,
    pub(crate) jobs: BTreeMap<String, Value>,
    /// The job's status and log, as they are asked for in turn; the last ones stay.
    pub(crate) course: Vec<(&'static str, String)>,
    pub(crate) message: String,
    pub(crate) stopped: Vec<String>,
    pub(crate) requests: Vec<Request>,
}

/// A head on loopback.
pub(crate) struct Head {
    pub(crate) address: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Head {
    /// A head whose job takes this course.
    pub(crate) fn new(course: Vec<(&'static str, String)>) -> Self {
        Self::with_faults(course, |_, _| None)
    }

    /// A head that answers some requests in another way; the number counts all requests before.
    pub(crate) fn with_faults(
        course: Vec<(&'static str, String)>,
        fault: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { course, ..State::default() }));
        let (shared, fault): (_, Arc<Fault>) = (Arc::clone(&state), Arc::new(fault));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, fault) = (Arc::clone(&shared), Arc::clone(&fault));
                thread::spawn(move || serve(&stream, &state, &*fault));
            }
        });
        Self { address, state }
    }

    pub(crate) fn requests(&self, method: &str, part: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        let is_meant = |request: &&Request| request.method == method && request.path.contains(part);
        state.requests.iter().filter(is_meant).cloned().collect()
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>, fault: &Fault) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut state = state.lock().unwrap();
            state.requests.push(request.clone());
            state.requests.len() - 1
        };
        let reply = fault(&request, number).unwrap_or_else(|| answer(&mut state.lock().unwrap(), &request));
        let (status, extra, body) = match reply {
            Reply::HangUp => return,
            Reply::Cut(body) => {
                let head = format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n", body.len());
                let mut stream = stream;
                // The client sees the end of the connection, whatever is sent of this.
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&body.as_bytes()[..body.len() - 10]));
                return;
            }
            Reply::Answer(status, body) => (status, String::new(), body),
            Reply::Redirect(to) => (302, format!("Location: {to}\r\n"), String::new()),
        };
        let head = format!("HTTP/1.1 {status} X\r\n{extra}Content-Length: {}\r\n\r\n", body.len());
        let mut stream = stream;
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let length = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..length]);
            if length == 0 {
                break;
            }
        }
    } else {
        body.resize(headers.get("content-length").map_or(0, |length| length.parse().unwrap()), 0);
        reader.read_exact(&mut body).ok()?;
    }
    Some(Request { method, path, headers, body })
}

/// What Ray 2.60 answers.
fn answer(state: &mut State, request: &Request) -> Reply {
    let missing = || Reply::Answer(404, "not found".to_owned());
    let ok = |value: Value| Reply::Answer(200, value.to_string());
    let parts: Vec<&str> = request.path.split('/').skip(2).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["version"]) => ok(json!({"version": "4", "ray_version": "2.60.0"})),
        ("GET", ["packages", "gcs", name]) if state.packages.contains(&(*name).to_owned()) => {
            Reply::Answer(200, String::new())
        }
        ("PUT", ["packages", "gcs", name]) => {
            state.packages.push((*name).to_owned());
            Reply::Answer(200, String::new())
        }
        ("POST", ["jobs", ""]) => {
            let job: Value = serde_json::from_slice(&request.body).unwrap();
            let id = job["submission_id"].as_str().unwrap().to_owned();
            if state.jobs.contains_key(&id) {
                let message = format!("Traceback: ValueError: Job with submission_id {id} already exists.");
                return Reply::Answer(500, message);
            }
            state.jobs.insert(id.clone(), job);
            ok(json!({"job_id": id, "submission_id": id}))
        }
        ("POST", ["jobs", id, "stop"]) if state.jobs.contains_key(*id) => {
            state.stopped.push((*id).to_owned());
            ok(json!({"stopped": true}))
        }
        ("GET", ["jobs", id]) => {
            let Some(job) = state.jobs.get(*id) else { return missing() };
            ok(json!({"status": state.course[0].0, "message": state.message, "metadata": job["metadata"]}))
        }
        ("GET", ["jobs", id, "logs"]) if state.jobs.contains_key(*id) => {
            let log = state.course[0].1.clone();
            if state.course.len() > 1 {
                state.course.remove(0);
            }
            ok(json!({ "logs": log }))
        }
        _ => missing(),
    }
}

/// A line of the log with results.
pub(crate) fn results(lines: &[Value]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        writeln!(encoder, "{line}").unwrap();
    }
    format!("tgen-results: {}\n", STANDARD.encode(encoder.finish().unwrap()))
}
