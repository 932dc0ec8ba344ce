//! Reads results files. A line that a crash has cut is ignored and reported, and never makes the file unreadable.

use serde::Serialize;
use serde_json::Value;

use super::attempt::{Attempt, Header, UnitEnd, VERSION};
use crate::model::hardware::HardwareType;

/// The longest line that is read.
const LONGEST_LINE: usize = 1 << 20;

/// What results files say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorded {
    /// The headers of runs and of their shards.
    pub headers: Vec<Header>,
    /// The attempts of tests.
    pub attempts: Vec<Attempt>,
    /// The units that ended.
    pub ends: Vec<UnitEnd>,
    /// The lines that could not be read.
    pub ignored: Vec<Ignored>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its number in its file, from 1.
    pub line: usize,
    /// Why.
    pub reason: Unreadable,
}

/// Why a line could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It ends in its middle. A crash has cut it: what it began to say is told by the unit that has no end, and by the run
    /// that finishes this one. Any other line that cannot be read may have been a failure.
    #[error("it was cut short")]
    CutShort,
    /// It is longer than any record.
    #[error("it is longer than {} KiB", LONGEST_LINE >> 10)]
    TooLong,
    /// It is no JSON.
    #[error("it is not JSON")]
    NotJson,
    /// It is JSON, but not an object.
    #[error("it is no JSON object")]
    NotObject,
    /// It is an object with wrong fields; what is wrong with them.
    #[error("{0}")]
    WrongFields(String),
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A later release wrote it.
    #[error("line {line}: version {found} of the format, and this cargo-tgen reads {VERSION}; update cargo-tgen")]
    Newer {
        /// The line of the header.
        line: usize,
        /// The version that it names.
        found: u64,
    },
    /// No line is a result.
    #[error("no line is a test result: line {}: {}", .0.line, .0.reason)]
    NotResults(Ignored),
}

impl Recorded {
    /// Adds what another file says.
    pub fn add(&mut self, other: Self) {
        self.headers.extend(other.headers);
        self.attempts.extend(other.attempts);
        self.ends.extend(other.ends);
        self.ignored.extend(other.ignored);
    }

    /// Keeps the lines of some runs. Lines that could not be read are of no run.
    #[must_use]
    pub fn of_runs(mut self, is_kept: impl Fn(&str) -> bool) -> Self {
        self.headers.retain(|header| is_kept(&header.run));
        self.attempts.retain(|attempt| is_kept(&attempt.run));
        self.ends.retain(|end| is_kept(&end.run));
        self.ignored.clear();
        self
    }

    /// Whether nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.attempts.is_empty() && self.ends.is_empty()
    }
}

/// Reads a results file. It need not be UTF-8 throughout: its last line may have been cut anywhere.
///
/// # Errors
/// When a later release wrote it, or when it is no results file at all.
pub fn read(bytes: &[u8]) -> Result<Recorded, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut recorded = Recorded::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Err(reason) = read_line(&mut recorded, line) {
            recorded.ignored.push(Ignored { line: number, reason });
        }
        if let Some(newer) = recorded.headers.last().filter(|header| header.version > VERSION) {
            return Err(ReadError::Newer { line: number, found: newer.version.into() });
        }
    }
    match recorded.ignored.first() {
        Some(ignored) if recorded.is_empty() => Err(ReadError::NotResults(ignored.clone())),
        _ => Ok(recorded),
    }
}

fn read_line(recorded: &mut Recorded, line: &[u8]) -> Result<(), Unreadable> {
    if line.len() > LONGEST_LINE {
        return Err(Unreadable::TooLong);
    }
    // The parser's own message gives a place within the line, which does not help the user.
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| if error.is_eof() { Unreadable::CutShort } else { Unreadable::NotJson })?;
    if !value.is_object() {
        return Err(Unreadable::NotObject);
    }
    let wrong_fields = |error: serde_json::Error| Unreadable::WrongFields(error.to_string());
    if value.get("tgen-results").is_some() {
        recorded.headers.push(serde_json::from_value(value).map_err(wrong_fields)?);
    } else if value.get("tgen-unit").is_some() {
        recorded.ends.push(serde_json::from_value(value).map_err(wrong_fields)?);
    } else {
        recorded.attempts.push(serde_json::from_value(with_hardware(value)).map_err(wrong_fields)?);
    }
    Ok(())
}

/// Adds the hardware type to a line that pytest wrote without a runner: the platform that the test noted, or else the
/// processor, which every machine has.
fn with_hardware(mut line: Value) -> Value {
    if let Some(keys) = line.as_object_mut()
        && !keys.contains_key("hardware")
    {
        let platform = keys.get("platform").and_then(Value::as_str).and_then(HardwareType::from_name);
        keys.insert("hardware".to_owned(), platform.unwrap_or(HardwareType::Cpu).name().into());
    }
    line
}

/// A line of a results file, with its line feed. Before appending to a file that does not end with a line feed, write one:
/// a crash may have cut the last line.
#[must_use]
pub fn line(record: &impl Serialize) -> String {
    // The records have string keys only, so they can always be written.
    serde_json::to_string(record).map(|text| text + "\n").unwrap_or_default()
}
