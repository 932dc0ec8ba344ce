//! The requests that Ray's head answers, each with a limit of time and of size.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use super::unescaped::Unescaped;

/// The longest answer that is not a log.
const LONGEST_ANSWER: u64 = 4 << 20;
/// How many characters of a foreign message are kept.
const LONGEST_MESSAGE: usize = 2000;
/// How long the head may take to connect, and to begin its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a whole request may take, including the transfer of a package or a log.
const LONGEST_REQUEST: Duration = Duration::from_mins(10);

/// Where the head is, such as `http://head:8265`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ERROR: &str = "write it as `http://HOST:8265`, the address of Ray's dashboard";
        let uri: ureq::http::Uri = text.trim_end_matches('/').parse().map_err(|_| ERROR)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !is_web || uri.host().is_none() || has_user || uri.query().is_some() {
            return Err(ERROR);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl Address {
    /// Whether others on the network can read what is sent there.
    pub(crate) fn is_readable_by_others(&self) -> bool {
        let here = ["http://127.", "http://localhost", "http://[::1]"];
        self.0.starts_with("http://") && !here.iter().any(|start| self.0.starts_with(start))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The token that the head asks for. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Self(text.to_owned())) } else { Err("the token is empty or has spaces") }
    }
}

/// Why the head did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadError {
    /// It may answer later.
    #[error(
        "cannot reach Ray at `{address}`: {reason}; look whether its head runs, and whether this is the address of its dashboard"
    )]
    Unreachable { address: Address, reason: String },
    #[error("Ray at `{0}` does not let us in; give its token in `RAY_AUTH_TOKEN`, or as a file with `--token-file`")]
    Denied(Address),
    #[error("Ray at `{0}` does not know this")]
    NotFound(Address),
    #[error("Ray refuses with status {status}: {message}")]
    Refused { status: u16, message: String },
    #[error("`{0}` does not answer as Ray does; is it the address of Ray's dashboard, as a rule port 8265?")]
    NotRay(Address),
    #[error("the answer of Ray is larger than {} MiB", LONGEST_ANSWER >> 20)]
    TooLarge,
}

impl HeadError {
    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

/// Ray's head.
pub(crate) struct Head {
    agent: Agent,
    address: Address,
    token: Option<Token>,
}

/// A job as its head describes it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RayJob {
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Option<Value>,
}

impl RayJob {
    /// Whether its state will not change any more.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "STOPPED")
    }

    /// A value of the metadata that it was submitted with.
    pub(crate) fn note(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(name)?.as_str()
    }
}

impl Head {
    pub(crate) fn new(address: Address, token: Option<Token>) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_global(Some(LONGEST_REQUEST))
            .http_status_as_error(false)
            // A redirection would send the token to another address.
            .max_redirects(0)
            // Ray refuses what looks like a browser.
            .user_agent(concat!("cargo-tgen/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), address, token }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The version of Ray.
    pub(crate) fn version(&self) -> Result<String, HeadError> {
        let answer = self.json(Method::GET, "/api/version", None)?;
        let version = answer.get("ray_version").and_then(Value::as_str);
        version.map(str::to_owned).ok_or_else(|| HeadError::NotRay(self.address.clone()))
    }

    /// Whether a package is there already.
    pub(super) fn has_package(&self, name: &str) -> Result<bool, HeadError> {
        match self.bytes(Method::GET, &format!("/api/packages/gcs/{name}"), None) {
            Ok(_) => Ok(true),
            Err(HeadError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn upload(&self, name: &str, package: &[u8]) -> Result<(), HeadError> {
        self.bytes(Method::PUT, &format!("/api/packages/gcs/{name}"), Some(package)).map(drop)
    }

    /// Submits a job; the slash at the end of the path matters.
    pub(super) fn submit(&self, job: &Value) -> Result<(), HeadError> {
        self.json(Method::POST, "/api/jobs/", Some(job)).map(drop)
    }

    pub(crate) fn job(&self, id: &str) -> Result<RayJob, HeadError> {
        let answer = self.json(Method::GET, &format!("/api/jobs/{id}"), None)?;
        serde_json::from_value(answer).map_err(|_| HeadError::NotRay(self.address.clone()))
    }

    /// The whole log of a job as a stream, since it may be too long for the memory.
    pub(super) fn log(&self, id: &str) -> Result<impl BufRead + use<>, HeadError> {
        let mut answer = self.answer(Method::GET, &format!("/api/jobs/{id}/logs"), None)?;
        if !answer.status().is_success() {
            self.judged(&mut answer)?;
        }
        Ok(BufReader::new(Unescaped::new(answer.into_body().into_reader())))
    }

    /// The error for a log that was cut off.
    pub(super) fn cut(&self, error: &io::Error) -> HeadError {
        match error.kind() {
            ErrorKind::InvalidData => HeadError::NotRay(self.address.clone()),
            _ => HeadError::Unreachable { address: self.address.clone(), reason: error.to_string() },
        }
    }

    /// Asks for the end of a job.
    pub(crate) fn stop(&self, id: &str) -> Result<(), HeadError> {
        self.bytes(Method::POST, &format!("/api/jobs/{id}/stop"), Some(b"")).map(drop)
    }

    fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, HeadError> {
        let body = body.map(|body| body.to_string().into_bytes());
        let bytes = self.bytes(method, path, body.as_deref())?;
        serde_json::from_slice(&bytes).map_err(|_| HeadError::NotRay(self.address.clone()))
    }

    fn bytes(&self, method: Method, path: &str, body: Option<&[u8]>) -> Result<Vec<u8>, HeadError> {
        self.judged(&mut self.answer(method, path, body)?)
    }

    fn answer(&self, method: Method, path: &str, body: Option<&[u8]>) -> Result<Response<Body>, HeadError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        if let Some(Token(token)) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if path.starts_with("/api/jobs/") {
            request = request.header("Content-Type", "application/json");
        }
        let answer = match body {
            Some(body) => request.body(body).map(|request| self.agent.run(request)),
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        // The parts of a request were checked before, so only the connection can fail.
        answer.map_err(|error| self.unreachable(&error))?.map_err(|error| self.unreachable(&error))
    }

    fn judged(&self, answer: &mut Response<Body>) -> Result<Vec<u8>, HeadError> {
        let status = answer.status().as_u16();
        let bytes = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let bytes = bytes.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => HeadError::TooLarge,
            error => self.unreachable(&error),
        })?;
        match status {
            200..300 => Ok(bytes),
            401 | 403 => Err(HeadError::Denied(self.address.clone())),
            404 => Err(HeadError::NotFound(self.address.clone())),
            status => {
                let message = String::from_utf8_lossy(&bytes).trim().chars().take(LONGEST_MESSAGE).collect();
                Err(HeadError::Refused { status, message })
            }
        }
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> HeadError {
        let io = match error.downcast_ref() {
            Some(ureq::Error::Io(io)) => Some(io),
            _ => error.source().and_then(|source| source.downcast_ref::<io::Error>()),
        };
        let reason = io.map_or_else(|| error.to_string(), ToString::to_string);
        HeadError::Unreachable { address: self.address.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_web_server_without_a_user() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read("http://head:8265/"), Ok("http://head:8265".to_owned()));
        assert!(read("https://ray.example/cluster").is_ok());
        for wrong in ["head:8265", "ray://head:10001", "http://", "http://me:secret@head", "http://head?x=1", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_an_unencrypted_way_to_another_machine_is_readable_by_others() {
        let is_readable = |text: &str| text.parse::<Address>().unwrap().is_readable_by_others();
        assert!(is_readable("http://head:8265"));
        assert!(!["https://head", "http://127.0.0.1:8265", "http://localhost:8265"].into_iter().any(is_readable));
    }
}
