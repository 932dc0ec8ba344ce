//! The report of a watch: for people a line for each rebuild, with its problems below; for programs JSON, an object a line.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};
use tgen_core::base::problem::Problem;
use tgen_core::output::state::State;

use super::difference::Differences;
use super::outputs::Intent;
use super::runner::CommandEnd;
use super::test_runner::TestEvent;
use super::watched::{Rebuild, WatchedProject};
use crate::apply::LeftAloneReason;
use crate::printer::{FAINT, HEADING, Printer, counted, visible};
use crate::project::session;
use crate::report;
use crate::report::run::human::write_failure;
use crate::run;

/// The version of the JSON lines.
const VERSION: u32 = 1;
/// Clears the terminal. A pipe does not get it: there the printer removes escape codes.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// The form of a watch's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines below each other.
    Lines,
    /// The last rebuild alone.
    Cleared,
    /// JSON lines.
    Json,
}

/// The reason for a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The watch began.
    Start,
    /// Files have changed.
    Change,
    /// The user asked for it.
    Asked,
    /// Failed outputs are retried.
    Retry,
}

/// Reports what a watch does.
pub(super) struct Screen {
    printer: Printer,
    form: Form,
    intent: Intent,
    are_roots_named: bool,
}

impl Screen {
    /// A report on a number of projects.
    pub(super) fn new(form: Form, intent: Intent, projects: usize) -> Self {
        Self { printer: Printer::for_its_reader(), form, intent, are_roots_named: projects > 1 }
    }

    /// Reports a rebuild: to programs every one, to people those that wrote something, found something new, or were asked for.
    /// A retry is reported if it succeeded.
    pub(super) fn rebuilt(
        &self,
        project: &WatchedProject<'_>,
        rebuild: &Rebuild,
        occasion: Occasion,
    ) -> io::Result<()> {
        if occasion == Occasion::Retry && !rebuild.has_outcome() {
            return Ok(());
        }
        if self.form == Form::Json {
            return self.event("rebuild", rebuild_as_json(project, rebuild, occasion));
        }
        if occasion == Occasion::Change && !rebuild.is_worth_telling() {
            return Ok(());
        }
        if self.form == Form::Cleared {
            self.printer.report(|out| write!(out, "{CLEAR}"))?;
        }
        let root = if self.are_roots_named { format!("{}: ", session::shown(project.root())) } else { String::new() };
        let (cause, result) = (cause(rebuild, occasion), self.result(rebuild));
        let took = duration(rebuild.elapsed);
        self.printer.report(|out| {
            let (root, cause) = (visible(&root), visible(&cause));
            writeln!(out, "{FAINT}{}{FAINT:#} {root}{HEADING}{cause}{HEADING:#}: {result} ({took})", clock())
        })?;
        for (path, protected) in &rebuild.left_alone {
            self.printer.warning(&LeftAloneReason::Protected(*protected).sentence(&in_project(project, path)));
        }
        self.printer.problems_as_result(&rebuild.problems, &|path| project.source(path))?;
        if rebuild.problems.is_empty() && rebuild.has_news && occasion != Occasion::Start {
            self.printer.line("no problems any more")?;
        }
        Ok(())
    }

    /// Shows how the last rebuild changed the outputs.
    pub(super) fn differences(&self, differences: &Differences) -> io::Result<()> {
        if differences.is_empty() {
            return self.printer.line("no output has changed yet");
        }
        let report = differences.report();
        self.printer.report(|out| match self.intent {
            Intent::Report => report::human::write_differences_alone(&report, out, None),
            _ => report::human::write_differences_alone(&report, out, Some(("before", "now"))),
        })?;
        match differences.rest {
            0 => Ok(()),
            rest => self.printer.line(&format!("and {}, too many to keep", counted(rest, "more changed output"))),
        }
    }

    /// Explains the keys.
    pub(super) fn keys(&self) -> io::Result<()> {
        match self.form {
            Form::Json => Ok(()),
            _ => self.printer.report(|out| {
                writeln!(out, "{FAINT}enter rebuilds all, d shows the last difference, q quits{FAINT:#}")
            }),
        }
    }

    /// Reports the start of the command of `--exec`.
    pub(super) fn command_begins(&self, command: &str, outputs: usize) -> io::Result<()> {
        match self.form {
            Form::Json => self.event("command-begins", json!({ "command": command, "outputs": outputs })),
            _ => self.printer.line(&format!("running `{command}` with {}", counted(outputs, "output"))),
        }
    }

    /// Reports the end of the command of `--exec`.
    pub(super) fn command_ended(&self, command: &str, ended: &CommandEnd) -> io::Result<()> {
        let seconds = ended.elapsed.as_secs_f64();
        match self.form {
            Form::Json => {
                let (code, success) = (ended.status.code(), ended.status.success());
                let body =
                    json!({ "command": command, "exit_code": code, "success": success, "elapsed_seconds": seconds });
                self.event("command-ends", body)
            }
            _ if ended.status.success() => {
                self.printer.line(&format!("`{command}` succeeded ({})", duration(ended.elapsed)))
            }
            _ => self.printer.line(&format!("`{command}` failed: {} ({})", ended.status, duration(ended.elapsed))),
        }
    }

    /// Reports the start of tests.
    pub(super) fn tests_begin(&self, files: usize) -> io::Result<()> {
        match self.form {
            Form::Json => self.event("tests-begin", json!({ "files": files })),
            _ => self.printer.line(&format!("testing {}", counted(files, "file"))),
        }
    }

    /// Reports an event of a test run.
    pub(super) fn tests(&self, event: &TestEvent) -> io::Result<()> {
        match event {
            TestEvent::Failed { attempt, .. } if self.form == Form::Json => self.event("test", json!(attempt)),
            TestEvent::Failed { attempt, text, python } => {
                self.printer.report(|out| write_failure(out, attempt, text, python))
            }
            TestEvent::Warning(message) => self.warning(message),
            TestEvent::Ended { ended: Err(error), .. } => self.warning(&format!("the tests cannot run: {error}")),
            TestEvent::Ended { ended: Ok(ended), elapsed } => self.tests_ended(ended, *elapsed),
        }
    }

    fn tests_ended(&self, ended: &run::Ended, elapsed: Duration) -> io::Result<()> {
        let run::Ended { passed, failed, not_run, infrastructure, .. } = *ended;
        if self.form == Form::Json {
            let seconds = elapsed.as_secs_f64();
            let body = json!({ "passed": passed, "failed": failed, "not_run": not_run + infrastructure, "elapsed_seconds": seconds });
            return self.event("tests-end", body);
        }
        let counts = [(passed, "passed"), (failed, "failed"), (not_run + infrastructure, "not run")];
        let counts = counts.iter().filter(|(count, word)| *count > 0 || *word == "passed");
        let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        self.printer.line(&format!("tests: {} ({})", counts.join(", "), duration(elapsed)))
    }

    /// Reports a problem of the watch itself.
    pub(super) fn warning(&self, message: &str) -> io::Result<()> {
        if self.form == Form::Json {
            return self.event("warning", json!({ "message": message }));
        }
        self.printer.warning(message);
        Ok(())
    }

    fn event(&self, name: &str, body: Value) -> io::Result<()> {
        let mut event = json!({ "version": VERSION, "event": name, "time": Timestamp::now().to_string() });
        if let (Some(event), Value::Object(body)) = (event.as_object_mut(), body) {
            event.extend(body);
        }
        self.printer.line(&event.to_string())
    }

    /// ``wrote 2 of 632 outputs, 629 fresh, 1 edited; 1 error``.
    fn result(&self, rebuild: &Rebuild) -> String {
        if !rebuild.is_readable {
            return format!("the outputs stay as they are; {}", problem_counts(&rebuild.problems));
        }
        let settled = rebuild.counts.iter().filter(|(state, _)| **state != State::Orphaned).map(|(_, n)| n);
        let outputs = settled.sum::<usize>() + rebuild.held;
        let mut parts = match self.intent {
            Intent::Report => vec![counted(outputs, "output")],
            _ => vec![format!("wrote {} of {}", rebuild.written.len(), counted(outputs, "output"))],
        };
        let rest = |(state, count): (&State, &usize)| {
            let written = if *state == State::Fresh { rebuild.written.len() } else { 0 };
            let count = count - written.min(*count);
            (count > 0).then(|| format!("{count} {}", state.name()))
        };
        parts.extend(rebuild.counts.iter().filter_map(rest));
        parts.extend((rebuild.held > 0).then(|| format!("{} left as they were", rebuild.held)));
        match problem_counts(&rebuild.problems) {
            problems if problems.is_empty() => parts.join(", "),
            problems => format!("{}; {problems}", parts.join(", ")),
        }
    }
}

fn problem_counts(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let counts = [(errors, "error"), (problems.len() - errors, "warning")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(count, noun));
    counts.collect::<Vec<_>>().join(", ")
}

fn cause(rebuild: &Rebuild, occasion: Occasion) -> String {
    match (occasion, rebuild.causes.as_slice()) {
        (Occasion::Start, _) => "watching".to_owned(),
        (Occasion::Asked, _) => "all".to_owned(),
        (Occasion::Change | Occasion::Retry, []) => "changes".to_owned(),
        (Occasion::Change | Occasion::Retry, [one]) => one.to_string(),
        (Occasion::Change | Occasion::Retry, [first, rest @ ..]) => format!("{first} and {} more", rest.len()),
    }
}

fn clock() -> String {
    Zoned::now().strftime("%H:%M:%S").to_string()
}

/// A rebuild takes milliseconds, a command perhaps minutes.
fn duration(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(1) {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

fn in_project(project: &WatchedProject<'_>, path: &Utf8Path) -> Utf8PathBuf {
    session::shown(&project.root().join(path))
}

fn rebuild_as_json(project: &WatchedProject<'_>, rebuild: &Rebuild, occasion: Occasion) -> Value {
    let left_alone =
        rebuild.left_alone.iter().map(|(path, protected)| json!({ "path": path, "state": protected.state }));
    json!({
        "root": project.root(),
        "occasion": match occasion {
            Occasion::Start => "start",
            Occasion::Change => "change",
            Occasion::Asked => "asked",
            Occasion::Retry => "again",
        },
        "changed": rebuild.causes,
        "readable": rebuild.is_readable,
        "outputs": rebuild.counts.iter().map(|(state, count)| (state.name(), *count)).collect::<std::collections::BTreeMap<_, _>>(),
        "held": rebuild.held,
        "written": rebuild.written,
        "left_alone": left_alone.collect::<Vec<_>>(),
        "problems": report::json::problems(&rebuild.problems, &|path| project.source(path)),
        "elapsed_seconds": rebuild.elapsed.as_secs_f64(),
    })
}
