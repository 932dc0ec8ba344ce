//! Merges a hand edit of an output with what has changed in its template since the output was generated. The text as
//! it was generated comes from git's history: the commit whose signature is intact.

use std::io;

use camino::Utf8PathBuf;
use tgen_core::output::edit::EditKind;
use tgen_core::output::merge::{self, Merged};
use tgen_core::output::signature;
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::rendering::comparison::Judged;

use crate::world::disk::{self, LARGEST_FILE, Overwritten, Writer};
use crate::world::git;
use crate::world::stamp::Stamp;

/// What became of an edited output.
#[derive(Debug)]
pub(crate) enum Merging {
    /// Its template has not changed since, so there is nothing to merge; or it is not edited, or has conflicts already.
    Unneeded,
    /// It holds both changes now, or would where there is no writer.
    Merged {
        /// How many conflicts are left in it.
        conflicts: usize,
    },
    /// Git does not have the text as it was generated.
    WithoutBase,
    /// The file changed after it was compared.
    ChangedMeanwhile,
    /// The file could not be read or written.
    Failed(io::Error),
}

/// Merges edited outputs.
pub(crate) struct Merger<'m> {
    /// The project's root.
    pub(crate) root: Utf8PathBuf,
    /// None where nothing is to be written.
    pub(crate) writer: Option<&'m Writer>,
}

impl Merger<'_> {
    /// Merges an output if it is edited and its template has changed since.
    pub(crate) fn merge(&self, plan: &Plan<'_>, judged: &Judged<'_>) -> Merging {
        let signed = signature::signed(judged.existing);
        if judged.state != State::Edited
            || judged.edit() == EditKind::Conflict
            || signed == signature::signed(judged.expected)
        {
            return Merging::Unneeded;
        }
        let file = self.root.join(plan.location(judged.output));
        let generated = signed.and_then(|signed| git::committed_text(&file, signed));
        let intact = generated.filter(|text| signature::find(text).is_some_and(|signature| signature.intact));
        let merged = intact.and_then(|generated| merge::merge(&generated, judged.existing, judged.expected));
        match merged {
            Some(merged) => self.write(plan, judged, &merged).unwrap_or_else(Merging::Failed),
            None => Merging::WithoutBase,
        }
    }

    fn write(&self, plan: &Plan<'_>, judged: &Judged<'_>, merged: &Merged) -> io::Result<Merging> {
        let done = Merging::Merged { conflicts: merged.conflicts };
        let Some(writer) = self.writer else { return Ok(done) };
        let file = self.root.join(plan.location(judged.output));
        let stamp = Stamp::at(&file);
        let mut now = Vec::new();
        disk::read_file(&file, LARGEST_FILE, &mut now)?;
        if now != judged.existing {
            return Ok(Merging::ChangedMeanwhile);
        }
        Ok(match writer.write_over(judged.output.path.as_path(), &merged.content, stamp)? {
            Overwritten::Yes(_) => done,
            Overwritten::No => Merging::ChangedMeanwhile,
        })
    }
}
