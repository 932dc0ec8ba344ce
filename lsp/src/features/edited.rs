//! A generated file that the user edited: the lenses above it, and the actions that move the edit into the template or
//! discard it.
//!
//! What moving an edit takes is worked out only when the user asks for actions, not for each place of the cursor: it
//! costs a rendering of every output that the template has.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tgen_core::ide::FileEdit;
use tgen_core::ide::edited::{self, Edited, Generation, Move, MoveTarget};
use tower_lsp::ls_types::{
    CodeAction, CodeActionContext, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, CodeActionTriggerKind,
    CodeLens, Command, Range, TextDocumentIdentifier, Uri,
};

use super::edits;
use crate::abilities::WithActions;
use crate::convert;
use crate::state::ProjectFile;

/// Offers what can be done about an edited file; the argument is the file.
const ADOPT: &str = "tgen.adopt";
/// Shows how an edited file differs from what was generated; the argument is the file.
const DIFFERENCE: &str = "tgen.difference";
/// The kind of the actions, so that an editor can ask for them alone.
const KIND: CodeActionKind = CodeActionKind::new("refactor.rewrite.tgen");

/// The generated file that is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GeneratedParams {
    /// The file.
    pub(crate) text_document: TextDocumentIdentifier,
}

/// What a generated file should be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GeneratedResult {
    text: String,
}

/// What an action without its edit is about, which the client gives back when the user chooses it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deferred {
    /// The edited file.
    pub(crate) uri: Uri,
    into: Into,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Into {
    Template,
    Model,
}

impl Into {
    const fn target(self) -> MoveTarget {
        match self {
            Self::Template => MoveTarget::Template,
            Self::Model => MoveTarget::Model,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Template => "move the edit into the template",
            Self::Model => "move the edit into a template for this model only",
        }
    }
}

fn edited_file(file: &ProjectFile) -> Option<Edited> {
    edited::edited(&file.project.snapshot.as_ref()?.view(), &file.path)
}

/// The lenses above an edited file; none where it is not edited.
pub(crate) fn lenses(file: &ProjectFile, uri: &Uri) -> Option<Vec<CodeLens>> {
    let edited = edited_file(file)?;
    let range = file.ask(|_, measured| measured.range(edited.signature))?;
    let command = |command: &str, title: String| Command {
        title,
        command: command.to_owned(),
        arguments: Some(vec![json!(uri)]),
    };
    let difference = edited.generated.as_ref().map(|_| command(DIFFERENCE, "show the difference".to_owned()));
    let commands = [Some(command(ADOPT, state(&edited))), difference].into_iter().flatten();
    let known = commands.filter(|command| file.client.commands.contains(&command.command));
    Some(known.map(|command| CodeLens { range, command: Some(command), data: None }).collect())
}

/// `edited: 2 places`
fn state(edited: &Edited) -> String {
    let places = match edited.differences() {
        None => return "edited".to_owned(),
        Some(1) => "1 place".to_owned(),
        Some(more) => format!("{more} places"),
    };
    let is_stale = edited.generated.as_ref().is_some_and(|generated| generated.has_newer_template);
    format!("edited: {places}{}", if is_stale { ", and its template has changed since" } else { "" })
}

/// What an edited file should be; none where the file is not edited.
pub(crate) fn generated(file: &ProjectFile) -> Option<GeneratedResult> {
    Some(GeneratedResult { text: edited_file(file)?.generated?.text })
}

/// What can be done about an edited file, where a range touches its signature or an edit.
pub(crate) fn actions(
    file: &ProjectFile,
    uri: &Uri,
    within: Range,
    context: &CodeActionContext,
) -> Vec<CodeActionOrCommand> {
    let is_wanted = context.only.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| edits::is_kind_of(&KIND, kind)));
    let touches = |edited: &Edited| file.ask(|_, measured| edited.touches(measured.ours(within))).unwrap_or_default();
    let Some(edited) = is_wanted.then(|| edited_file(file)).flatten().filter(touches) else { return Vec::new() };
    let timing = match context.trigger_kind {
        Some(CodeActionTriggerKind::AUTOMATIC) if file.client.actions.contains(&WithActions::ResolveEdits) => {
            Timing::WhenChosen
        }
        _ => Timing::Now,
    };
    let is_stale = edited.generated.as_ref().is_some_and(|generated| generated.has_newer_template);
    let moves = [Into::Template, Into::Model].into_iter().filter_map(|into| {
        if is_stale {
            let reason = "its template has changed since; run `cargo tgen generate --merge` first";
            return disabled(file, into, reason);
        }
        move_into(file, uri, into, timing)
    });
    let discard = edited.generated.map(|generated| discard(file, generated));
    let difference = file.client.commands.contains(DIFFERENCE).then(|| difference(uri));
    moves.chain(discard).chain(difference).map(CodeActionOrCommand::CodeAction).collect()
}

/// When the edit of an action is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    Now,
    WhenChosen,
}

fn action(title: String) -> CodeAction {
    CodeAction { title, kind: Some(KIND), ..CodeAction::default() }
}

fn move_into(file: &ProjectFile, uri: &Uri, into: Into, timing: Timing) -> Option<CodeAction> {
    let snapshot = file.project.snapshot.as_ref()?;
    let known = match timing {
        Timing::Now => Some(snapshot.moved(&file.path, into.target())),
        Timing::WhenChosen => snapshot.known_move(&file.path, into.target()),
    };
    match known {
        Some(Ok(found)) => Some(CodeAction {
            edit: Some(edits::edit(file, found.edits.clone(), &found.creates)),
            ..action(title(into, &found))
        }),
        Some(Err(reason)) => disabled(file, into, &reason),
        None => {
            let data = serde_json::to_value(Deferred { uri: uri.clone(), into }).ok();
            Some(CodeAction { data, ..action(into.title().to_owned()) })
        }
    }
}

/// What an action does beside the file that it is for.
fn title(into: Into, found: &Move) -> String {
    let others = match found.others {
        0 => String::new(),
        1 => ", which changes 1 other output".to_owned(),
        more => format!(", which changes {more} other outputs"),
    };
    let left = match found.left {
        0 => String::new(),
        1 => "; 1 difference stays".to_owned(),
        more => format!("; {more} differences stay"),
    };
    format!("{}{others}{left}", into.title())
}

/// A client that shows actions which cannot be taken shows the reason too.
fn disabled(file: &ProjectFile, into: Into, reason: &str) -> Option<CodeAction> {
    let disabled = Some(CodeActionDisabled { reason: reason.to_owned() });
    file.client
        .actions
        .contains(&WithActions::ShowDisabled)
        .then(|| CodeAction { disabled, ..action(into.title().to_owned()) })
}

fn discard(file: &ProjectFile, generated: Generation) -> CodeAction {
    let edit = FileEdit { path: file.path.clone(), edits: generated.edits };
    let edit = Some(convert::workspace_edit(file, vec![edit]));
    CodeAction { edit, ..action("discard the edit".to_owned()) }
}

fn difference(uri: &Uri) -> CodeAction {
    let title = "show the difference".to_owned();
    let arguments: Option<Vec<Value>> = Some(vec![json!(uri)]);
    let command = Command { title: title.clone(), command: DIFFERENCE.to_owned(), arguments };
    CodeAction { command: Some(command), ..action(title) }
}

/// What an action that was chosen is about.
pub(crate) fn deferred(action: &CodeAction) -> Option<Deferred> {
    serde_json::from_value(action.data.clone()?).ok()
}

/// The edit of an action that was chosen.
///
/// # Errors
/// Why there is none.
pub(crate) fn resolved(file: &ProjectFile, deferred: &Deferred, action: CodeAction) -> Result<CodeAction, String> {
    let snapshot = file.project.snapshot.as_ref().ok_or("the project cannot be read")?;
    let found = snapshot.moved(&file.path, deferred.into.target())?;
    Ok(CodeAction { edit: Some(edits::edit(file, found.edits, &found.creates)), ..action })
}
