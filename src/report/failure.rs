//! A test that did not pass, as a person reads it: what pytest says, how to run it again, where to ask for its template.

use std::io::{self, Write};

use camino::Utf8Path;
use tgen_core::results::attempt::Attempt;
use tgen_core::results::outcome::Meaning;

use crate::printer::{FAINT, HEADING, counted, visible};

/// The most lines of a failure that are shown; the others are in pytest's own output.
const MOST_LINES: usize = 30;

/// An attempt of a test that did not pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure<'a> {
    pub(crate) attempt: &'a Attempt,
    /// What pytest says of it.
    pub(crate) text: &'a str,
    /// The test file, as the user would name it.
    pub(crate) file: &'a Utf8Path,
    /// The interpreter.
    pub(crate) python: &'a str,
}

impl Failure<'_> {
    /// Writes it.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Attempt { outcome, nodeid, hardware, reason, duration, attempt: number, .. } = self.attempt;
        let again = if *number > 1 { format!(", attempt {number}") } else { String::new() };
        writeln!(out, "{HEADING}{outcome}{HEADING:#} {} on {hardware} ({duration:.1} s{again})", visible(nodeid))?;
        let lines: Vec<&str> = self.text.lines().collect();
        let skipped = lines.len().saturating_sub(MOST_LINES);
        if skipped > 0 {
            writeln!(out, "{FAINT}    ... {}{FAINT:#}", counted(skipped, "line"))?;
        }
        for line in &lines[skipped..] {
            writeln!(out, "    {}", visible(line))?;
        }
        let essence = reason.rsplit(": ").next().unwrap_or_default();
        if !self.text.contains(essence.trim()) || lines.is_empty() {
            writeln!(out, "    {}", visible(reason))?;
        }
        if outcome.meaning() == Meaning::Failure {
            writeln!(out, "{FAINT}  again: {}{FAINT:#}", visible(&self.command()))?;
            writeln!(out, "{FAINT}  from:  cargo tgen explain {}{FAINT:#}", visible(&self.place()))?;
        }
        Ok(())
    }

    /// The command that runs the test again without us.
    fn command(&self) -> String {
        let test = self.attempt.nodeid.strip_prefix(&self.attempt.file).unwrap_or_default();
        shell_words::join([self.python, "-m", "pytest", &format!("{}{test}", self.file)])
    }

    /// The file and line that the failure is at.
    fn place(&self) -> String {
        match line_of(self.text, Utf8Path::new(&self.attempt.file)) {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.to_string(),
        }
    }
}

/// The last line of a file that a traceback names.
fn line_of(text: &str, file: &Utf8Path) -> Option<u32> {
    let name = file.file_name()?;
    text.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once(name)?;
        let digits = rest.strip_prefix(':').or_else(|| rest.strip_prefix("\", line "))?;
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_file_in_a_traceback_is_where_the_test_failed() {
        let text = "test/test_a.py:3: in test_x\n    f()\nlib.py:9: in f\ntest/test_a.py:12: AssertionError\n";
        assert_eq!(line_of(text, "test/test_a.py".into()), Some(12));
        assert_eq!(line_of("  File \"/x/test/test_a.py\", line 7 in test_x\n", "test/test_a.py".into()), Some(7));
        assert_eq!(line_of("E   boom", "test/test_a.py".into()), None);
    }
}
