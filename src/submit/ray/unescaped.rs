//! Extracts the log of a job from the JSON in which Ray sends it, while it is read: a log may be too large for the memory.
//!
//! This module must not know what a log says.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// How the answer begins, without spaces.
const START: &[u8] = b"{\"logs\":";

/// Reads the text of an answer `{"logs": "text"}`. `null` is an empty text; anything else is an error of the kind
/// [`ErrorKind::InvalidData`].
pub(super) struct Unescaped<R> {
    answer: BufReader<R>,
    state: State,
    /// Text that is unescaped and was not read yet.
    ready: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    After,
}

impl<R: Read> Unescaped<R> {
    pub(super) fn new(answer: R) -> Self {
        Self { answer: BufReader::new(answer), state: State::Before, ready: Vec::new() }
    }

    /// Reads what comes before the text.
    fn open(&mut self) -> io::Result<()> {
        for expected in START {
            if self.byte_after_space()? != *expected {
                return Err(no_log());
            }
        }
        self.state = match self.byte_after_space()? {
            b'"' => State::Inside,
            b'n' => State::After,
            _ => return Err(no_log()),
        };
        Ok(())
    }

    fn byte_after_space(&mut self) -> io::Result<u8> {
        loop {
            let byte = self.byte()?;
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.answer.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Unescapes a part of the text that has been received.
    fn fill(&mut self) -> io::Result<()> {
        let received = self.answer.fill_buf()?;
        if received.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let plain = received.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let length = plain.unwrap_or(received.len());
        self.ready.extend_from_slice(&received[..length]);
        self.answer.consume(length);
        if plain.is_some() {
            match self.byte()? {
                b'"' => self.state = State::After,
                _ => self.escape()?,
            }
        }
        Ok(())
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> io::Result<()> {
        let byte = match self.byte()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'u' => return self.code(),
            byte => byte,
        };
        self.ready.push(byte);
        Ok(())
    }

    /// Reads a character by its code, which may come as two halves.
    fn code(&mut self) -> io::Result<()> {
        let mut units = vec![self.unit()?];
        if (0xd800..0xdc00).contains(&units[0]) {
            if [self.byte()?, self.byte()?] != *b"\\u" {
                return Err(no_log());
            }
            units.push(self.unit()?);
        }
        self.ready.extend_from_slice(String::from_utf16_lossy(&units).as_bytes());
        Ok(())
    }

    fn unit(&mut self) -> io::Result<u16> {
        let mut digits = [0; 4];
        self.answer.read_exact(&mut digits)?;
        let digits = std::str::from_utf8(&digits).map_err(|_| no_log())?;
        u16::from_str_radix(digits, 16).map_err(|_| no_log())
    }
}

impl<R: Read> Read for Unescaped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.state == State::Before {
            self.open()?;
        }
        while self.ready.is_empty() && self.state == State::Inside {
            self.fill()?;
        }
        let length = self.ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Ok(length)
    }
}

fn no_log() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer holds no log")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(answer: &str) -> io::Result<String> {
        let mut text = String::new();
        Unescaped::new(answer.as_bytes()).read_to_string(&mut text).map(|_| text)
    }

    proptest! {
        #[test]
        fn every_text_comes_out_as_it_went_in(text in ".*\\PC*[\"\\\\\u{0}-\u{1f}]*🦀?") {
            prop_assert_eq!(&read(&json!({"logs": text}).to_string()).unwrap(), &text);
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(&read(&format!("{{ \"logs\" : \"{escaped}\" }}")).unwrap(), &text);
        }
    }

    #[test]
    fn an_answer_without_a_log_is_told_from_one_that_was_cut() {
        assert_eq!(read("{\"logs\": null}").unwrap(), "");
        for other in ["<html>", "{\"log\": \"\"}", "{\"logs\": 3}", "{\"logs\": \"\\uzzzz\"}"] {
            assert_eq!(read(other).unwrap_err().kind(), ErrorKind::InvalidData, "{other}");
        }
        for cut in ["", "{\"logs\"", "{\"logs\": \"some", "{\"logs\": \"some\\u00"] {
            assert_eq!(read(cut).unwrap_err().kind(), ErrorKind::UnexpectedEof, "{cut}");
        }
    }
}
