//! Reads the client's messages from the stream and forwards those that can be decoded.
//!
//! The protocol library ends its stream at the first message that it cannot decode, and buffers a message of any
//! announced size. So each message is checked here first: an invalid one is replaced by a request to [`REJECTED`],
//! which the service answers with the error, and one that is too large is skipped. This module must not know what a
//! message means.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower_lsp::jsonrpc::{Error, ErrorCode};

/// The method of the request that replaces an invalid message; its `params` are the error.
pub(crate) const REJECTED: &str = "$/tgen/rejected";

/// The largest message that is read. Decoding a document of this size takes many times as much memory.
pub(crate) const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// The largest header block; real ones are a few words.
const LARGEST_HEADERS: usize = 4096;

const LENGTH: &[u8] = b"Content-Length:";
const END_OF_HEADERS: &[u8] = b"\r\n\r\n";

/// Forwards the messages of `input` until it ends.
///
/// # Errors
/// If `input` cannot be read, or `output` is closed.
pub(crate) async fn forward(
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    too_large: impl Fn(u64),
) -> std::io::Result<()> {
    let mut frames = Frames::default();
    loop {
        while let Some(frame) = frames.next() {
            let body = match frame {
                Frame::Message(body) => body,
                Frame::TooLarge(size) => {
                    too_large(size);
                    rejected(&invalid_request(&format!(
                        "the message has {size} bytes, more than the limit of {LARGEST_MESSAGE}"
                    )))
                }
                Frame::Unreadable => rejected(&invalid_request("the headers have no valid `Content-Length`")),
            };
            let body = match check(&body) {
                Ok(()) => body,
                Err(error) => rejected(&error),
            };
            output.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
            output.write_all(&body).await?;
        }
        if input.read_buf(&mut frames.buffer).await? == 0 {
            return output.shutdown().await;
        }
    }
}

/// The next item of the stream.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Message(Vec<u8>),
    /// A message with this many bytes, which are skipped.
    TooLarge(u64),
    /// Headers without a valid length; everything up to the next headers is skipped.
    Unreadable,
}

#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    /// The bytes before this offset of the buffer have been forwarded.
    start: usize,
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Headers,
    Body(usize),
    /// At most this many bytes are to be skipped. JSON contains no raw line ends inside strings, so headers inside the
    /// skipped bytes belong to the next message, whatever length was announced.
    Skipping(u64),
}

/// The result of reading the headers of a message.
enum Headers {
    Incomplete,
    Complete,
    /// The message is skipped, and this is forwarded in its place.
    Refused(Frame),
}

impl Frames {
    /// The next frame, if it is complete.
    fn next(&mut self) -> Option<Frame> {
        loop {
            match self.state {
                State::Headers => match self.headers() {
                    Headers::Incomplete => return None,
                    Headers::Complete => {}
                    Headers::Refused(frame) => return Some(frame),
                },
                State::Body(length) if self.rest().len() < length => {
                    self.buffer.reserve(length - self.rest().len());
                    return None;
                }
                State::Body(length) => {
                    self.state = State::Headers;
                    let body = self.rest()[..length].to_vec();
                    self.advance(length);
                    return Some(Frame::Message(body));
                }
                State::Skipping(left) => {
                    self.skip(left);
                    if matches!(self.state, State::Skipping(_)) {
                        return None;
                    }
                }
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Bytes are moved only when most of the buffer has been consumed, so that many small messages cost no more than
    /// one.
    fn advance(&mut self, count: usize) {
        self.start += count;
        if self.start * 2 >= self.buffer.len() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
    }

    fn headers(&mut self) -> Headers {
        let Some(end) = memchr::memmem::find(self.rest(), END_OF_HEADERS) else {
            if self.rest().len() <= LARGEST_HEADERS {
                return Headers::Incomplete;
            }
            self.state = State::Skipping(u64::MAX);
            return Headers::Refused(Frame::Unreadable);
        };
        let length = content_length(&self.rest()[..end]);
        let Some(length) = length.filter(|_| end <= LARGEST_HEADERS) else {
            // The headers of the next message may follow directly.
            self.advance(1);
            self.state = State::Skipping(u64::MAX);
            return Headers::Refused(Frame::Unreadable);
        };
        self.advance(end + END_OF_HEADERS.len());
        if let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LARGEST_MESSAGE) {
            self.state = State::Body(length);
            Headers::Complete
        } else {
            self.state = State::Skipping(length);
            Headers::Refused(Frame::TooLarge(length))
        }
    }

    fn skip(&mut self, left: u64) {
        let rest = self.rest();
        let next = memchr::memmem::find_iter(rest, LENGTH).find(|at| begins_headers(&rest[*at..]));
        // The buffer may end in the middle of the next headers.
        let kept = LENGTH.len() + 24;
        let gone = next.unwrap_or(rest.len().saturating_sub(kept));
        let gone = gone.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.advance(gone);
        let left = left - gone as u64;
        self.state = if next.is_some() || left == 0 { State::Headers } else { State::Skipping(left) };
    }
}

/// Whether a line is a header such as `Content-Length: 12`.
fn begins_headers(bytes: &[u8]) -> bool {
    let value = bytes[LENGTH.len()..].trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && value[digits..].starts_with(b"\r\n")
}

fn content_length(headers: &[u8]) -> Option<u64> {
    let headers = std::str::from_utf8(headers).ok()?;
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    };
    headers.split("\r\n").find_map(value)
}

/// The keys of a message; one that is there twice is refused.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only their names are compared")]
struct Keys {
    jsonrpc: Option<IgnoredAny>,
    id: Option<IgnoredAny>,
    method: Option<IgnoredAny>,
    params: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// Whether the protocol library can decode a message.
fn check(body: &[u8]) -> Result<(), Error> {
    let message: Value = serde_json::from_slice(body).map_err(|error| Error {
        message: format!("the message is not JSON: {error}").into(),
        ..Error::parse_error()
    })?;
    let Value::Object(message) = message else {
        return Err(invalid_request("a message is one JSON object; batches are not part of the protocol"));
    };
    if let Err(error) = serde_json::from_slice::<Keys>(body) {
        return Err(invalid_request(&error.to_string()));
    }
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid_request("`jsonrpc` is not \"2.0\""));
    }
    let is_response = !message.contains_key("method");
    match message.get("id") {
        None if is_response => return Err(invalid_request("the message has neither a `method` nor an `id`")),
        None | Some(Value::String(_)) => {}
        Some(Value::Number(number)) if number.is_i64() => {}
        // The response to a message whose id could not be read.
        Some(Value::Null) if is_response => {}
        Some(_) => return Err(invalid_request("an `id` is a string or a whole number")),
    }
    if !is_response {
        let is_text = message.get("method").is_some_and(Value::is_string);
        return if is_text { Ok(()) } else { Err(invalid_request("`method` is not a string")) };
    }
    let is_error = message.get("error").is_some_and(|error| serde_json::from_value::<Error>(error.clone()).is_ok());
    if is_error || message.contains_key("result") {
        Ok(())
    } else {
        Err(invalid_request("the message is neither a request nor a response"))
    }
}

fn invalid_request(reason: &str) -> Error {
    Error { message: format!("invalid request: {reason}").into(), ..Error::new(ErrorCode::InvalidRequest) }
}

/// The request that the service answers with an error.
fn rejected(error: &Error) -> Vec<u8> {
    let request = json!({ "jsonrpc": "2.0", "method": REJECTED, "params": error });
    request.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PING: &str = r#"{"jsonrpc":"2.0","method":"ping"}"#;

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// The frames of a stream that arrives in pieces of this many bytes: messages unchanged, others as a word.
    fn frames(stream: &[u8], piece: usize) -> Vec<String> {
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        for bytes in stream.chunks(piece) {
            frames.buffer.extend_from_slice(bytes);
            while let Some(frame) = frames.next() {
                seen.push(match frame {
                    Frame::Message(body) => String::from_utf8(body).unwrap(),
                    Frame::TooLarge(size) => format!("{size} bytes are too many"),
                    Frame::Unreadable => "unreadable".to_owned(),
                });
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn messages_are_found_however_the_stream_is_cut(
            bodies in prop::collection::vec("[a-z{}\":é]{0,40}", 0..5), piece in 1_usize..50
        ) {
            let stream: String = bodies.iter().map(|body| framed(body)).collect();
            prop_assert_eq!(frames(stream.as_bytes(), piece), bodies);
        }

        #[test]
        fn what_follows_a_message_that_is_too_large_is_read(sent in 0_usize..200, piece in 1_usize..50) {
            let large = format!("Content-Length: 1000000000000\r\n\r\n{}", "x".repeat(sent));
            let seen = frames(format!("{large}{}", framed(PING)).as_bytes(), piece);
            prop_assert_eq!(seen, ["1000000000000 bytes are too many", PING]);
        }
    }

    #[test]
    fn what_follows_unreadable_headers_is_read() {
        for headers in ["Content-Length: many\r\n\r\n", "X: y\r\n\r\n", "no headers\r\n\r\n"] {
            assert_eq!(frames(format!("{headers}{}", framed(PING)).as_bytes(), 7), ["unreadable", PING]);
        }
    }

    #[test]
    fn a_message_that_cannot_be_decoded_is_answered() {
        let answer =
            |body: &str| check(body.as_bytes()).map_or_else(|error| error.message.to_string(), |()| "read".to_owned());
        for valid in [
            PING,
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"m","params":[1e3]}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}}"#,
        ] {
            assert_eq!(answer(valid), "read");
        }
        for id in ["null", "1.5", "1180591620717411303424", "[]"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
            assert_eq!(answer(&body), "invalid request: an `id` is a string or a whole number");
        }
        for key in ["id", "method", "params"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{}},"{key}":"m"}}"#);
            assert!(
                answer(&body).starts_with(&format!("invalid request: duplicate field `{key}`")),
                "{}",
                answer(&body)
            );
        }
        assert!(answer(r#"{"jsonrpc":"2.0","method":"\ud800"}"#).starts_with("the message is not JSON: "));
        assert!(answer("[]").starts_with("invalid request: a message is one JSON object"));
        assert!(answer(r#"{"jsonrpc":"2.0","id":1,"error":1}"#).ends_with("neither a request nor a response"));
    }
}
