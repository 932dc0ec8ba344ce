//! The only writer to the terminal, with colour if the terminal supports it.
//!
//! A command's result goes to standard output, all messages to standard error. If the reader closes the pipe, as `head`
//! does, that is not an error: the rest is dropped, and the command ends as usual. The printer must not read files; it
//! asks for the text of a file that a problem refers to.

mod colour;
mod foreign;
mod problem;
mod program;
mod progress;
mod sources;
mod table;
mod words;

use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::adapter::StripBytes;
use anstream::stream::{AsLockedWrite, RawStream};
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use serde::Serialize;
use tgen_core::base::problem::Problem;

pub(crate) use self::colour::ColorWhen;
pub(crate) use self::foreign::{visible, visible_lines};
pub(crate) use self::program::{ProgramName, as_called};
pub(crate) use self::progress::{Progress, Status};
use self::sources::Texts;
pub(crate) use self::sources::{Source, SourceCache};
pub(crate) use self::table::Table;
pub(crate) use self::words::{Cut, counted, cut, listed};

/// Returns the text of a file that a problem refers to, if available.
pub(crate) type Sources<'a> = dyn Fn(&Utf8Path) -> Option<String> + 'a;

/// How many problems are formatted before they are written.
const PROBLEMS_AT_A_TIME: usize = 8192;
/// How many of them one thread formats at a time.
const PROBLEMS_OF_A_THREAD: usize = 256;

/// The style of a heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// The style of secondary text.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// The style of an error's first word.
const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
/// The style of a warning's first word.
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Results, problems, progress, and what was done.
    Normal,
    /// Results and problems.
    Quiet,
}

static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Sets colour, verbosity and the program's name for the whole process.
pub(crate) fn prepare(color: ColorWhen, verbosity: Verbosity, name: ProgramName) {
    name.use_in_messages();
    colour::decide(color);
    IS_QUIET.store(verbosity == Verbosity::Quiet, Ordering::Relaxed);
}

/// Whether `--quiet` is given.
pub(crate) fn is_quiet() -> bool {
    IS_QUIET.load(Ordering::Relaxed)
}

/// The writer of standard output and standard error.
pub(crate) struct Printer {
    out: ColorChoice,
    err: ColorChoice,
    reader: Reader,
}

/// What a closed pipe on standard output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The command goes on without writing.
    MayLeave,
    /// The command has no other purpose, so writing fails.
    IsTheOnly,
}

impl Printer {
    /// A printer whose colours follow `--color`, the environment and the terminal.
    pub(crate) fn new() -> Self {
        let (out, err) = (AutoStream::choice(&io::stdout()), AutoStream::choice(&io::stderr()));
        Self { out, err, reader: Reader::MayLeave }
    }

    /// A printer that fails with [`io::ErrorKind::BrokenPipe`] if the reader has closed the pipe, for commands that run
    /// until then.
    pub(crate) fn for_its_reader() -> Self {
        Self { reader: Reader::IsTheOnly, ..Self::new() }
    }

    /// Writes a result to standard output; escape codes are removed if colour is off.
    pub(crate) fn report(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let written = buffered(io::stdout().lock(), self.out, write);
        if self.reader == Reader::IsTheOnly { written } else { unless_reader_left(written) }
    }

    /// Writes one line of a result, which may contain foreign text.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        self.report(|out| writeln!(out, "{}", visible(text)))
    }

    /// Writes one line about a success, unless `--quiet` is given.
    pub(crate) fn note(&self, text: &str) -> io::Result<()> {
        if is_quiet() { Ok(()) } else { self.line(&as_called(text)) }
    }

    /// Writes a list as columns below their headings.
    pub(crate) fn table(&self, headings: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        self.report(|out| table::write(out, headings, rows, terminal_width()))
    }

    /// A table that is written to `out` row by row.
    pub(crate) fn table_in<'o>(out: &'o mut dyn Write, headings: &[&str]) -> Table<'o> {
        Table::new(out, headings, terminal_width())
    }

    /// Writes a value as JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        self.report(|out| write_json(out, value))
    }

    /// Writes a result as it is produced; producing it may fail for other reasons than writing.
    #[cfg(feature = "store")]
    pub(crate) fn stream(&self, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut failed = None;
        self.report(|out| {
            write(out).or_else(|error| match error.downcast::<io::Error>() {
                Ok(error) => Err(error),
                Err(error) => {
                    failed = Some(error);
                    Ok(())
                }
            })
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_read_by_a_person() -> bool {
        io::stdout().is_terminal()
    }

    /// Writes a file's content: unchanged to a file or a pipe, and made visible on a terminal.
    pub(crate) fn content(text: &str) -> io::Result<()> {
        let text = if Self::is_read_by_a_person() { visible_lines(text) } else { text.into() };
        unless_reader_left(buffered(io::stdout().lock(), ColorChoice::AlwaysAnsi, |out| out.write_all(text.as_bytes())))
    }

    /// Writes what was done to each of several files, at most `limit` of them, and counts the rest; nothing with
    /// `--quiet`.
    pub(crate) fn paths(&self, done: &str, paths: &[Utf8PathBuf], limit: usize) -> io::Result<()> {
        if is_quiet() {
            return Ok(());
        }
        let Cut { shown, rest } = cut(paths, limit);
        self.report(|out| {
            for path in shown {
                writeln!(out, "{HEADING}{done}{HEADING:#} {}", visible(path.as_str()))?;
            }
            if rest > 0 {
                writeln!(out, "{FAINT}and {rest} more{FAINT:#}")?;
            }
            Ok(())
        })
    }

    /// Writes problems as the result of a command that lists problems.
    pub(crate) fn problems_as_result(&self, problems: &[Problem], sources: &Sources<'_>) -> io::Result<()> {
        self.report(|out| write_problems(out, problems, sources))
    }

    /// Writes problems that occurred while a result was computed.
    pub(crate) fn problems(&self, problems: &[Problem], sources: &Sources<'_>) {
        self.aside(|err| write_problems(err, problems, sources));
    }

    /// Writes a warning.
    pub(crate) fn warning(&self, message: &str) {
        self.aside(|err| {
            writeln!(err, "{WARNING}warning{WARNING:#}{HEADING}:{HEADING:#} {}", visible_lines(&as_called(message)))
        });
    }

    /// Writes the error because of which a command could not run, with the chain of its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        self.aside(|err| {
            writeln!(
                err,
                "{ERROR}error{ERROR:#}{HEADING}: {}{HEADING:#}",
                visible_lines(&as_called(&error.to_string()))
            )?;
            error
                .chain()
                .skip(1)
                .try_for_each(|cause| writeln!(err, "  caused by: {}", visible_lines(&as_called(&cause.to_string()))))
        });
    }

    /// Writes to standard error. A failure is ignored, because it cannot be reported anywhere.
    fn aside(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        buffered(io::stderr().lock(), self.err, write).ok();
    }
}

/// Asks a yes-or-no question; `None` if standard input is not interactive.
pub(crate) fn ask(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    Printer::new().aside(|err| {
        write!(err, "{HEADING}{}{HEADING:#} [y/N] ", visible(question))?;
        err.flush()
    });
    let mut answer = String::new();
    BufReader::new(io::stdin().take(LONGEST_ANSWER)).read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

/// The most bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 64;

/// Writes problems, each with its source line.
pub(crate) fn write_problems(out: &mut dyn Write, problems: &[Problem], sources: &Sources<'_>) -> io::Result<()> {
    let sources = SourceCache::new(sources);
    for problems in problems.chunks(PROBLEMS_AT_A_TIME) {
        let texts = Texts::of(problems, &sources);
        let written = |problems: &[Problem]| {
            let mut written = Vec::new();
            problems.iter().try_for_each(|problem| problem::write(&mut written, problem, &texts)).map(|()| written)
        };
        // Formatting a problem takes far longer than writing it.
        let parts: Vec<io::Result<Vec<u8>>> = problems.par_chunks(PROBLEMS_OF_A_THREAD).map(written).collect();
        parts.into_iter().try_for_each(|part| out.write_all(&part?))?;
    }
    Ok(())
}

/// Writes a value as indented JSON and a line feed.
pub(crate) fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(foreign::Escaping(&mut *out), value)?;
    writeln!(out)
}

/// Writes a value as indented JSON, as an element of a list.
#[cfg(feature = "store")]
pub(crate) fn write_nested_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    // JSON strings contain no raw line feeds.
    let nested = serde_json::to_string_pretty(value)?.replace('\n', "\n  ");
    foreign::Escaping(out).write_all(nested.as_bytes())
}

/// Writes a value as JSON on one line, without a line feed.
pub(crate) fn write_compact_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    Ok(serde_json::to_writer(foreign::Escaping(out), value)?)
}

fn buffered(
    stream: impl RawStream + AsLockedWrite,
    choice: ColorChoice,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if choice == ColorChoice::Never {
        let mut out = Plain { out: BufWriter::new(stream), state: StripBytes::new() };
        write(&mut out)?;
        return out.flush();
    }
    let mut out = BufWriter::new(AutoStream::new(stream, choice));
    write(&mut out)?;
    out.flush()
}

/// Removes escape codes. anstream's own writer does too, but in many small writes.
struct Plain<W: Write> {
    out: BufWriter<W>,
    state: StripBytes,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.state.strip_next(bytes).try_for_each(|piece| self.out.write_all(piece))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The width of the terminal on standard output, if it is one.
fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

fn unless_reader_left(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The written text without colours.
#[cfg(test)]
pub(crate) fn plain(written: Vec<u8>) -> String {
    anstream::adapter::strip_str(&String::from_utf8(written).unwrap()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_leaves_early_is_no_error_but_a_full_disk_is() {
        let fails = |kind: io::ErrorKind| unless_reader_left(Err(kind.into())).map_err(|error| error.kind());
        assert_eq!(fails(io::ErrorKind::BrokenPipe), Ok(()));
        assert_eq!(fails(io::ErrorKind::StorageFull), Err(io::ErrorKind::StorageFull));
    }

    #[test]
    fn escape_codes_are_left_out_where_they_are_not_wanted() {
        let written = |choice| {
            let mut stream = Vec::new();
            buffered(&mut stream, choice, |out| write!(out, "{ERROR}error{ERROR:#}: größe")).unwrap();
            String::from_utf8(stream).unwrap()
        };
        assert_eq!(written(ColorChoice::Never), "error: größe");
        assert_eq!(written(ColorChoice::AlwaysAnsi), "\x1b[1m\x1b[91merror\x1b[0m: größe");
    }
}
