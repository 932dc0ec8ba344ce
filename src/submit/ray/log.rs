//! The results in the log of a job. The log comes whole each time, and grows; what cannot be read is passed over.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use tgen_core::results::reading::{Recorded, read};

/// How a line begins that has results, as the driver writes it.
const PREFIX: &str = "tgen-results: ";
/// The most bytes of results in one line; the driver writes far fewer.
const LARGEST_MESSAGE: u64 = 64 << 20;

/// A log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many bytes of whole lines were read.
    read: usize,
}

impl Log {
    /// The results in the part of the log that is new.
    pub(super) fn news(&mut self, whole: &str) -> Recorded {
        let mut news = Recorded::default();
        // A log that shrinks is another one.
        let new = whole.get(self.read..).unwrap_or_else(|| {
            self.read = 0;
            whole
        });
        let Some(end) = new.rfind('\n') else { return news };
        for line in new[..end].lines() {
            if let Some(results) = line.strip_prefix(PREFIX).and_then(unpacked) {
                news.add(results);
            }
        }
        self.read += end + 1;
        news
    }
}

fn unpacked(text: &str) -> Option<Recorded> {
    let packed = STANDARD.decode(text.trim_end()).ok()?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice()).take(LARGEST_MESSAGE).read_to_end(&mut bytes).ok()?;
    read(&bytes).ok()
}

/// The last lines of a log that are not results, for an error.
pub(super) fn last_words(log: &str) -> String {
    const MOST_LINES: usize = 8;
    const LONGEST_LINE: usize = 300;
    let lines = log.lines().rev().filter(|line| !line.starts_with(PREFIX) && !line.trim().is_empty());
    let mut last: Vec<String> = lines.take(MOST_LINES).map(|line| line.chars().take(LONGEST_LINE).collect()).collect();
    last.reverse();
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn line(results: &str) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(results.as_bytes()).unwrap();
        format!("{PREFIX}{}\n", STANDARD.encode(encoder.finish().unwrap()))
    }

    fn attempt(test: &str) -> String {
        format!("{{\"run\": \"r\", \"file\": \"a.py\", \"nodeid\": \"{test}\", \"outcome\": \"passed\"}}\n")
    }

    #[test]
    fn each_result_of_a_growing_log_comes_once() {
        let (one, two) = (line(&attempt("one")), line(&(attempt("two") + &attempt("three"))));
        let whole = format!("starting\n{one}1 of 2\n{two}");
        let mut log = Log::default();
        let mut seen = Vec::new();
        for end in 0..=whole.len() {
            seen.extend(log.news(&whole[..end]).attempts.into_iter().map(|attempt| attempt.nodeid));
        }
        assert_eq!(seen, ["one", "two", "three"]);
    }

    #[test]
    fn what_is_no_result_is_passed_over() {
        let mut log = Log::default();
        let nonsense = format!("{PREFIX}!!!\n{PREFIX}AAAA\n{}{PREFIX}\n", line("not JSON"));
        assert_eq!(log.news(&nonsense), Recorded::default());
        assert_eq!(log.news("a new and shorter log\n"), Recorded::default());
        assert_eq!(log.news(&format!("a new and shorter log\n{}", line(&attempt("one")))).attempts.len(), 1);
    }
}
