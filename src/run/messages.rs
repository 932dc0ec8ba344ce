//! What the launcher (`worker/launcher.py`) and the processes that it starts say, and the orders that it takes.
//!
//! All of them write to one pipe, in parts that are short enough for the system to keep whole. This module joins the parts
//! to messages. It must not know what a message leads to.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, ErrorKind, Read};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::unit::Isolation;

/// The longest message that is accepted; our script writes none that is longer.
const LONGEST: usize = 16 << 20;

/// The number of a started file, new for each start. Zero is the launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StartId(pub(super) u32);

/// A message of the launcher, or of the process of a test file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// The launcher takes orders.
    Ready {
        /// The versions.
        python: String,
        torch: Option<String>,
        transformers: Option<String>,
        /// A stamp of what is installed.
        installed: String,
    },
    /// A process was started for a file.
    Started { unit: StartId, pid: i32 },
    /// No process could be started for a file.
    Unstarted { unit: StartId, reason: String },
    /// The process of a file has ended.
    Exited {
        unit: StartId,
        /// The exit status; a signal is a negative number.
        code: i32,
        /// Whether processes that it had started were still there.
        left_processes: bool,
        /// The most memory that it had, in bytes.
        peak: u64,
    },
    /// The launcher has imported modules.
    Warmed {
        /// How many.
        imported: usize,
        seconds: f64,
        /// Whether a device was touched, so that it must not fork.
        is_spoilt: bool,
    },
    /// The process has joined its control group, and had so many bytes of memory before.
    Joined(u64),
    /// The processes that run several files have ended.
    Dismissed(()),
    /// The tests of the file that are going to run.
    Collected(Vec<String>),
    /// Why the file or its folder could not be collected.
    Uncollected(String),
    /// A test begins.
    Test(String),
    /// This test has ended the session of pytest with a `KeyboardInterrupt`.
    Interrupted(String),
    /// How a phase of a test has failed.
    Failure { nodeid: String, text: String },
    /// An attempt of a test has ended; the line is in the form of the results.
    Line(Map<String, Value>),
    /// The installed modules that the file has imported, beside those that the launcher had.
    Modules(Vec<String>),
    /// A process between the launcher and these files has died.
    Lost(Vec<StartId>),
    /// The session of pytest has ended, with its exit status.
    End(i32),
    /// Something has failed outside of the tests.
    Broken(String),
}

/// How to run a file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Order<'a> {
    pub(super) unit: StartId,
    /// How to start its process.
    pub(super) isolation: Isolation,
    /// The name of the run.
    pub(super) run: &'a str,
    /// The project's root.
    pub(super) folder: &'a Utf8Path,
    pub(super) file: &'a Utf8Path,
    /// The control group that its process is to join.
    pub(super) group: Option<&'a Utf8Path>,
    /// Where the process writes what pytest prints.
    pub(super) log: Utf8PathBuf,
    /// The arguments of pytest before the file.
    pub(super) arguments: &'a [String],
    /// Variables to set.
    pub(super) environment: BTreeMap<&'static str, String>,
    /// Variables that are different for each start, or each run.
    pub(super) own_environment: BTreeMap<&'static str, String>,
    /// Variables to remove.
    pub(super) unset: &'a [&'static str],
    /// The tests to run; all without it.
    pub(super) only: Option<&'a [String]>,
    /// The tests not to run.
    pub(super) skip: Vec<&'a String>,
    /// Whether this is the file's first hardware type, with which the tests for no hardware type in particular run.
    pub(super) is_first: bool,
}

/// A command to the launcher.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Command<'a> {
    Start {
        start: Box<Order<'a>>,
    },
    Signal {
        unit: StartId,
        signal: i32,
    },
    /// End the processes that run several files.
    Dismiss {
        dismiss: bool,
    },
    /// Import these modules, before anything else is started.
    Warm {
        warm: &'a [String],
    },
}

/// Reads messages, in the order in which they were completed.
pub(super) struct Messages<R> {
    pipe: R,
    begun: HashMap<u32, Vec<u8>>,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(pipe: R) -> Self {
        Self { pipe, begun: HashMap::new() }
    }

    fn read(&mut self) -> io::Result<(StartId, Message)> {
        loop {
            let mut header = [0; 7];
            self.pipe.read_exact(&mut header)?;
            let [a, b, c, d, low, high, is_last] = header;
            let unit = u32::from_le_bytes([a, b, c, d]);
            let mut part = vec![0; usize::from(u16::from_le_bytes([low, high]))];
            self.pipe.read_exact(&mut part)?;
            let begun = self.begun.entry(unit).or_default();
            begun.append(&mut part);
            if begun.len() > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
            if is_last != 0 {
                let message = self.begun.remove(&unit).unwrap_or_default();
                return Ok((StartId(unit), serde_json::from_slice(&message)?));
            }
        }
    }
}

impl<R: Read> Iterator for Messages<R> {
    type Item = io::Result<(StartId, Message)>;

    /// `None` at the end of the pipe, even in the middle of a part.
    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
            read => Some(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(unit: u32, text: &str, is_last: bool) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap();
        [&unit.to_le_bytes()[..], &length.to_le_bytes(), &[u8::from(is_last)], text.as_bytes()].concat()
    }

    #[test]
    fn parts_of_several_processes_are_joined_each_to_its_own_message() {
        let pipe = [
            part(1, "{\"test\": ", false),
            part(2, "{\"end\": 1}", true),
            part(1, "\"a.py::b\"}", true),
            part(3, "{\"broken", false),
        ]
        .concat();
        let messages: Vec<_> = Messages::new(&pipe[..]).map(Result::unwrap).collect();
        assert_eq!(messages, [(StartId(2), Message::End(1)), (StartId(1), Message::Test("a.py::b".to_owned()))]);
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error_and_no_panic() {
        assert!(Messages::new(&part(1, "nonsense", true)[..]).next().unwrap().is_err());
        assert!(Messages::new(&[1, 2, 3][..]).next().is_none());
    }
}
