//! The result of applying a plan to one output, and the messages for an output that was not written.

use std::io;

use camino::Utf8Path;
use tgen_core::base::files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;

use crate::world::stamp::Stamp;

/// The result of applying a plan to one output.
#[derive(Debug)]
pub(crate) enum Applied {
    /// The file already holds the rendered text.
    Fresh,
    /// The file would be written, but there is no writer: a dry run, or the folder cannot be written to.
    Due(State),
    /// The file was written. Its stamp; none if another program changed the file right after.
    Written(Option<Stamp>),
    /// The file was not written, and why.
    LeftAlone(LeftAloneReason),
    /// The output could not be rendered, formatted, read or written.
    Failed(Problem),
    /// The user ended the run before this output's turn.
    Interrupted,
}

/// The state in which a file may not be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Protected {
    pub(crate) state: State,
    /// The kind of edit, for an edited output.
    pub(crate) edit: EditKind,
}

impl Protected {
    fn sentence(self, path: &Utf8Path) -> String {
        match (self.state, self.edit) {
            (State::Edited, EditKind::Text) => format!(
                "`{path}` was changed by hand; `cargo tgen adopt` moves the change into the template, `--force` \
                 discards it"
            ),
            (State::Edited, EditKind::Formatting) => format!(
                "`{path}` differs in formatting only, as a formatter leaves it; set the suite's `format`, or exclude the \
                 file from the formatter and discard its changes with `--force`"
            ),
            (State::Edited, EditKind::Conflict) => format!(
                "`{path}` has git's conflict markers, and perhaps a change by hand; resolve the conflict and run \
                 `cargo tgen adopt`, or discard the change with `--force`"
            ),
            (State::Orphaned, _) => {
                format!("`{path}` is rendered by no case any more, but it was changed by hand; delete it yourself")
            }
            _ => format!("`{path}` was not written by cargo-tgen; move it away, or replace it with `--force`"),
        }
    }
}

/// Why an output was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftAloneReason {
    /// The user changed the file, or cargo-tgen did not write it.
    Protected(Protected),
    /// Another program has the file open for writing.
    OpenElsewhere,
    /// The file changed after it was compared with the rendered text.
    ChangedMeanwhile,
}

impl LeftAloneReason {
    /// Why the file at `path` was left as it is, and what to do about it.
    pub(crate) fn sentence(self, path: &Utf8Path) -> String {
        match self {
            Self::Protected(protected) => protected.sentence(path),
            Self::OpenElsewhere => format!(
                "cannot write the output `{path}`: another program has it open for writing; \
                 it is written once that program closes it"
            ),
            Self::ChangedMeanwhile => format!("`{path}` changed while it was rendered; run the command again"),
        }
    }

    /// The problem to report, if the file is left alone for a reason that can pass without any change of an input.
    pub(crate) fn problem(self, path: &Utf8Path) -> Option<Problem> {
        (self == Self::OpenElsewhere).then(|| inaccessible(self.sentence(path)))
    }
}

/// The problem of an output that could not be written.
pub(super) fn cannot_write(path: &Utf8Path, error: &io::Error) -> Problem {
    let reason = files::reason(error);
    let next_step = match error.kind() {
        io::ErrorKind::PermissionDenied => "let this user write into the folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::ReadOnlyFilesystem => "write elsewhere with `--output-dir`",
        _ => return inaccessible(format!("cannot write the output `{path}`: {reason}")),
    };
    // The cause affects every output of the folder, so the folder is named and the problem is reported once.
    let folder = path.parent().map_or(".", Utf8Path::as_str);
    inaccessible(format!("cannot write into `{folder}`: {reason}")).help(next_step)
}

/// The problem of a folder below which nothing can be written.
pub(crate) fn cannot_write_below(folder: &Utf8Path, error: &io::Error) -> Problem {
    inaccessible(format!("cannot write below `{folder}`: {}", files::reason(error)))
}

fn inaccessible(message: String) -> Problem {
    Problem::error(Code::OutputInaccessible, message)
}
