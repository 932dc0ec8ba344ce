//! Whether a rendered text is valid Python, for outputs of that type.

use std::borrow::Cow;

use camino::Utf8Path;

use crate::base::problem::{Code, Problem};
use crate::base::text::{LineIndex, Range};
use crate::python::KnownParts;

/// How much of a line a message shows.
const SHOWN: usize = 80;

/// The first syntax error of a rendered text.
pub(crate) struct SyntaxError {
    /// What is wrong.
    pub(crate) message: String,
    /// The offset at which it begins.
    pub(crate) start: usize,
    /// Its place in the rendered text.
    pub(crate) range: Range,
    /// The beginning of its line.
    pub(crate) line: String,
}

impl SyntaxError {
    /// None where the text is valid.
    pub(crate) fn first_in(known: &KnownParts, text: &str) -> Option<Self> {
        let error = known.syntax_errors(text).into_iter().next()?;
        let start = error.span.start;
        let range = LineIndex::new(text).range(error.span);
        let line = text.lines().nth(range.start.line as usize).unwrap_or_default().trim();
        let message = format!("the rendered file is not valid Python: {}", error.message);
        Some(Self { message, start, range, line: line.chars().take(SHOWN).collect() })
    }

    /// The error as a problem of the output, where no template's line is to blame.
    pub(crate) fn in_output(self, path: &Utf8Path) -> Problem {
        let message = format!("{}, in `{}`", self.message, self.line);
        Problem::error(Code::OutputSyntax, message).in_file(path).at(self.range)
    }
}

/// Finds the first syntax error of a Python output.
///
/// # Errors
/// The error, at its line in the output.
pub fn check_syntax(known: &KnownParts, path: &Utf8Path, content: &[u8]) -> Result<(), Problem> {
    if path.extension() != Some("py") {
        return Ok(());
    }
    // Most outputs are UTF-8, which this finds several times faster than the lossy conversion.
    let text = std::str::from_utf8(content).map_or_else(|_| String::from_utf8_lossy(content), Cow::Borrowed);
    let error = SyntaxError::first_in(known, &text);
    error.map_or(Ok(()), |error| Err(error.in_output(path).help("correct the template; nothing was written")))
}
