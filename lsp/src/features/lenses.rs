//! Code lenses above a template: its outputs and their states; and the one that runs the tests of an output.
//!
//! Clicking a lens runs a command that the editor implements; only lenses whose commands the client announces are sent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tgen_core::ide::generated::{self, FileTests};
use tgen_core::ide::outputs::{self, Standing, Summary, Tally, TemplateOutput};
use tgen_core::output::state::State;
use tower_lsp::ls_types::{CodeLens, Command, Range, TextDocumentIdentifier, Uri};

use crate::convert;
use crate::state::ProjectFile;

/// Shows the outputs of a template; the argument is the template's URI.
const OUTPUTS: &str = "tgen.outputs";
/// Opens the preview of a template; the argument is the template's URI.
const PREVIEW: &str = "tgen.preview";
/// Runs the tests of one model; the arguments are the URI of a template, the names of the suites that render it, and the
/// model.
const RUN: &str = "tgen.run";
/// Runs the tests of an output as it is; the arguments are its URI, its suite, its model, its hardware type and its batch
/// size, where the suite has an output for each.
const RUN_OUTPUT: &str = "tgen.runOutput";
/// Generates suites; the arguments are the URI of a template that they render, and their names.
const GENERATE: &str = "tgen.generate";

/// The parameters of `tgen/outputs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputsParams {
    /// The template.
    pub(crate) text_document: TextDocumentIdentifier,
}

/// The outputs of a template.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OutputsResult {
    outputs: Vec<OutputResult>,
}

#[derive(Debug, Clone, Serialize)]
struct OutputResult {
    uri: Option<Uri>,
    subject: String,
    standing: &'static str,
}

/// The lenses of a template, with the count of its outputs by state if available.
pub(crate) fn lenses(file: &ProjectFile, uri: &Uri, tally: Option<&Tally>) -> Option<Vec<CodeLens>> {
    let summary = outputs::summary(&file.project.snapshot.as_ref()?.view(), &file.path)?;
    let commands = commands(uri, &summary, tally).into_iter();
    let known = commands.filter(|command| file.client.commands.contains(&command.command));
    Some(known.map(|command| CodeLens { range: Range::default(), command: Some(command), data: None }).collect())
}

/// The lens that runs the tests of an output.
pub(crate) fn of_output(file: &ProjectFile, uri: &Uri) -> Option<CodeLens> {
    let tests = generated::file_tests(&file.project.snapshot.as_ref()?.view(), &file.path)?;
    let range = file.ask(|_, measured| measured.range(tests.signature))?;
    let FileTests { suite, model, hardware, batch_size, .. } = tests;
    let arguments = vec![json!(uri), json!(suite), json!(model), json!(hardware), json!(batch_size)];
    let is_known = file.client.commands.contains(RUN_OUTPUT);
    is_known
        .then(|| CodeLens { range, command: Some(command(RUN_OUTPUT, "▶ run".to_owned(), arguments)), data: None })
}

fn commands(uri: &Uri, summary: &Summary, tally: Option<&Tally>) -> Vec<Command> {
    let outputs = Some(command(OUTPUTS, title(summary.outputs, tally), vec![json!(uri)]));
    let preview = summary.model.as_ref().map(|model| command(PREVIEW, format!("preview {model}"), vec![json!(uri)]));
    let suites = json!(summary.suites);
    let model = summary.model.as_ref().filter(|_| summary.outputs > 0);
    let run = model.map(|model| command(RUN, format!("▶ run {model}"), vec![json!(uri), suites.clone(), json!(model)]));
    let generate = (summary.outputs > 0).then(|| command(GENERATE, "generate".to_owned(), vec![json!(uri), suites]));
    [outputs, preview, run, generate].into_iter().flatten().collect()
}

fn command(command: &str, title: String, arguments: Vec<Value>) -> Command {
    Command { title, command: command.to_owned(), arguments: Some(arguments) }
}

/// `631 outputs · 3 stale`
fn title(outputs: usize, tally: Option<&Tally>) -> String {
    let all = match outputs {
        0 => return "no outputs".to_owned(),
        1 => "1 output".to_owned(),
        more => format!("{more} outputs"),
    };
    let mut parts = vec![all];
    parts.extend(tally.map(standings).unwrap_or_default());
    parts.join(" · ")
}

fn standings(tally: &Tally) -> Vec<String> {
    let states = State::ALL.iter().filter(|state| **state != State::Fresh);
    let states = states.filter_map(|state| Some((*tally.states.get(state)?, state.name())));
    let others = [(tally.broken, "broken"), (tally.unformatted, "not compared")];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let counted: Vec<_> = states.chain(others).map(|(count, what)| format!("{count} {what}")).collect();
    if counted.is_empty() { vec!["all fresh".to_owned()] } else { counted }
}

/// Counts the outputs of a template. `None` if the file is not a template, or if `go_on` returned false.
pub(crate) fn count(file: &ProjectFile, go_on: &dyn Fn() -> bool) -> Option<Tally> {
    let snapshot = file.project.snapshot.as_ref()?;
    if !snapshot.has_template(&file.path) {
        return None;
    }
    outputs::tally(&snapshot.plan(), &file.path, go_on)
}

/// The outputs of a template, those that differ from the expected ones first.
pub(crate) fn list(file: &ProjectFile) -> Option<OutputsResult> {
    let snapshot = file.project.snapshot.as_ref()?;
    let mut found = outputs::outputs(&snapshot.plan(), &file.path, &|| true)?;
    found.sort_by_key(|output| output.standing == Standing::Known(State::Fresh));
    let result = |output: TemplateOutput| OutputResult {
        uri: convert::uri_of(file, &output.path),
        subject: output.subject,
        standing: word(&output.standing),
    };
    Some(OutputsResult { outputs: found.into_iter().map(result).collect() })
}

const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Known(state) => state.name(),
        Standing::Unformatted => "not compared",
        Standing::Broken(_) => "broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_how_many_outputs_are_not_what_they_should_be() {
        let of = |states: &[(State, usize)]| Tally { states: states.iter().copied().collect(), ..Tally::default() };
        assert_eq!(title(631, None), "631 outputs");
        assert_eq!(title(631, Some(&of(&[(State::Fresh, 631)]))), "631 outputs · all fresh");
        let tally = of(&[(State::Fresh, 626), (State::Missing, 1), (State::Stale, 3), (State::Edited, 1)]);
        assert_eq!(title(631, Some(&tally)), "631 outputs · 1 missing · 3 stale · 1 edited");
        let tally = Tally { unformatted: 1, broken: 2, ..of(&[]) };
        assert_eq!(title(3, Some(&tally)), "3 outputs · 2 broken · 1 not compared");
        assert_eq!((title(1, None), title(0, None)), ("1 output".to_owned(), "no outputs".to_owned()));
    }
}
