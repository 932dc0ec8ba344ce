//! The text of an edited output as it was generated, where the template has changed since: only against that text is the
//! difference the user's change alone. Git's history has it if it was committed.

use camino::Utf8Path;
use tgen_core::output::edit::EditKind;
use tgen_core::output::signature;
use tgen_core::output::state::State;
use tgen_core::rendering::comparison::Judged;

use super::CheckArgs;
use crate::report::Baseline;
use crate::world::git;

/// What is known of the text that an output's signature was made for.
pub(super) enum SignedText {
    /// It is what the template renders to now, or it is not needed.
    Rendering,
    /// It was found in git's history.
    Found(Vec<u8>),
    /// The template has changed since, and git does not have the text.
    Unknown,
}

impl SignedText {
    /// Looks for the text of an output that is edited and stale at once.
    pub(super) fn of(file: &Utf8Path, judged: &Judged<'_>, edit: EditKind, args: &CheckArgs) -> Self {
        if judged.state != State::Edited || edit == EditKind::Conflict || args.no_diff {
            return Self::Rendering;
        }
        let signed = signature::signed(judged.existing);
        if signed == signature::signed(judged.expected) {
            return Self::Rendering;
        }
        let found = signed.and_then(|signed| git::committed_text(file, signed));
        match found {
            Some(text) if signature::find(&text).is_some_and(|signature| signature.intact) => Self::Found(text),
            _ => Self::Unknown,
        }
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Found(text) => Some(text),
            Self::Rendering | Self::Unknown => None,
        }
    }

    pub(super) const fn baseline(&self) -> Baseline {
        match self {
            Self::Rendering => Baseline::Rendering,
            Self::Found(_) => Baseline::Signed,
            Self::Unknown => Baseline::RenderingWithoutSigned,
        }
    }
}
