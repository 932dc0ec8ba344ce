//! Deletes signed files that no case renders any more.

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::Problem;
use tgen_core::output::signature;
use tgen_core::plan::Plan;

use super::applied::cannot_write;
use crate::world::disk::Writer;

/// What became of an orphaned file.
pub(crate) enum Pruned {
    /// It was deleted, or would be where there is no writer.
    Deleted,
    /// The user changed it, or it cannot be read, so it stays.
    Edited,
    /// It could not be deleted.
    Failed(Problem),
}

/// Deletes orphaned files, except those that the user changed; without a writer it only says which.
pub(crate) fn prune(plan: &Plan<'_>, orphans: Vec<Utf8PathBuf>, writer: Option<&Writer>) -> Vec<(Utf8PathBuf, Pruned)> {
    let prune = |path: Utf8PathBuf| {
        let pruned = prune_file(plan, &path, writer);
        (path, pruned)
    };
    orphans.into_iter().map(prune).collect()
}

fn prune_file(plan: &Plan<'_>, path: &Utf8Path, writer: Option<&Writer>) -> Pruned {
    if is_edited(plan, path) {
        return Pruned::Edited;
    }
    match writer.map_or(Ok(()), |writer| writer.delete(path)) {
        Ok(()) => Pruned::Deleted,
        Err(error) => Pruned::Failed(cannot_write(path, &error)),
    }
}

/// Whether the user changed a signed file. A file that cannot be read counts as changed, so that it is kept.
fn is_edited(plan: &Plan<'_>, path: &Utf8Path) -> bool {
    let mut content = Vec::new();
    plan.project.files.read_into(path, &mut content).is_err()
        || signature::find(&content).is_none_or(|found| !found.intact)
}
