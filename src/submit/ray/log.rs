//! Finds the results in the log of a job. Each request gets the whole log, which grows; lines that cannot be read are skipped.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use tgen_core::results::reading::{Recorded, read};

/// The beginning of the lines with results, as the driver writes them.
const PREFIX: &[u8] = b"tgen-results: ";
/// The most bytes of results in one line; the driver writes far fewer.
const LARGEST_MESSAGE: u64 = 64 << 20;
/// The most bytes of a line that are read.
const LONGEST_LINE: u64 = 16 << 20;
/// How much of the other lines is kept, to show with an error.
const MOST_WORDS: usize = 8;
const LONGEST_WORDS: usize = 300;

/// A log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many bytes of whole lines were read.
    read: u64,
    last_words: VecDeque<String>,
    /// The last line, which may not be complete.
    unfinished: Option<String>,
}

impl Log {
    /// Skips what was read before. Returns `false` if this is another log, which has to be read from its beginning.
    pub(super) fn skip(&mut self, whole: &mut impl BufRead) -> io::Result<bool> {
        self.unfinished = None;
        let skipped = io::copy(&mut whole.take(self.read), &mut io::sink())?;
        let is_same = skipped == self.read;
        if !is_same {
            *self = Self::default();
        }
        Ok(is_same)
    }

    /// The results in the next line that has some.
    pub(super) fn next(&mut self, new: &mut impl BufRead) -> io::Result<Option<Recorded>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut length = new.take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
            if length == LONGEST_LINE && !line.ends_with(b"\n") {
                line.truncate(LONGEST_WORDS);
                length += skip_line(new)?;
                line.push(b'\n');
            }
            match line.strip_prefix(PREFIX) {
                None if line.is_empty() => return Ok(None),
                None if line.ends_with(b"\n") => self.add_words(&line),
                None => self.unfinished = words(&line),
                Some(_) if !line.ends_with(b"\n") => return Ok(None),
                Some(results) => {
                    if let Some(news) = unpacked(results) {
                        self.read += length;
                        return Ok(Some(news));
                    }
                }
            }
            if !line.ends_with(b"\n") {
                return Ok(None);
            }
            self.read += length;
        }
    }

    /// The last lines that are no results.
    pub(super) fn last_words(&self) -> String {
        let lines = self.last_words.iter().chain(&self.unfinished);
        lines.map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    fn add_words(&mut self, line: &[u8]) {
        self.last_words.extend(words(line));
        if self.last_words.len() > MOST_WORDS {
            self.last_words.pop_front();
        }
    }
}

/// The beginning of a line, unless it is empty.
fn words(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * LONGEST_WORDS)]);
    let text = text.trim_end();
    (!text.trim().is_empty()).then(|| text.chars().take(LONGEST_WORDS).collect())
}

/// Skips the rest of a line. Gives its length.
fn skip_line(new: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let received = new.fill_buf()?;
        let end = received.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(received.len(), |end| end + 1);
        skipped += length as u64;
        new.consume(length);
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}

fn unpacked(text: &[u8]) -> Option<Recorded> {
    let packed = STANDARD.decode(text.trim_ascii_end()).ok()?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice()).take(LARGEST_MESSAGE).read_to_end(&mut bytes).ok()?;
    read(&bytes).ok()
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
        format!("tgen-results: {}\n", STANDARD.encode(encoder.finish().unwrap()))
    }

    fn attempt(test: &str) -> String {
        format!("{{\"run\": \"r\", \"file\": \"a.py\", \"nodeid\": \"{test}\", \"outcome\": \"passed\"}}\n")
    }

    /// The results that are new in a log that has grown to this.
    fn news(log: &mut Log, whole: &str) -> Vec<String> {
        let mut answer = whole.as_bytes();
        if !log.skip(&mut answer).unwrap() {
            answer = whole.as_bytes();
        }
        let mut tests = Vec::new();
        while let Some(news) = log.next(&mut answer).unwrap() {
            tests.extend(news.attempts.into_iter().map(|attempt| attempt.nodeid));
        }
        tests
    }

    #[test]
    fn each_result_of_a_growing_log_comes_once() {
        let (one, two) = (line(&attempt("one")), line(&(attempt("two") + &attempt("three"))));
        let whole = format!("starting\n{one}1 of 2\n{two}");
        let mut log = Log::default();
        let seen: Vec<String> = (0..=whole.len()).flat_map(|end| news(&mut log, &whole[..end])).collect();
        assert_eq!(seen, ["one", "two", "three"]);
    }

    #[test]
    fn what_is_no_result_is_passed_over() {
        let mut log = Log::default();
        let prefix = "tgen-results: ";
        let nonsense = format!("{prefix}!!!\n{prefix}AAAA\n{}{prefix}\n", line("not JSON"));
        assert!(news(&mut log, &nonsense).is_empty());
        assert!(news(&mut log, "a new and shorter log\n").is_empty());
        assert_eq!(news(&mut log, &format!("a new and shorter log\n{}", line(&attempt("one")))), ["one"]);
    }

    #[test]
    fn the_last_lines_that_are_no_results_are_kept_in_part() {
        let mut log = Log::default();
        let many = "x".repeat(10_000);
        let lines: String = (0..20).map(|number| format!("line {number}\n\n")).collect();
        let whole = format!("{lines}{}{many}\nno end", line(&attempt("one")));
        assert_eq!([news(&mut log, &whole).len(), news(&mut log, &whole).len()], [1, 0]);
        let words = log.last_words();
        assert!(words.starts_with("line 13\n") && words.ends_with("xxx\nno end") && words.len() < 500, "{words}");
    }
}
