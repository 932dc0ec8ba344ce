//! Deletes the temporary files and folders that killed runs have left beside the outputs of a plan.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::plan::Plan;

use crate::world::disk;

/// Deletes what killed runs have left behind in the folders of a plan's outputs, and in those above up to the project's
/// `root`, where formatters work on outputs whose folder is not there yet. Folders outside the project are left alone.
pub(crate) fn clear_leftovers(plan: &Plan<'_>, root: &Utf8Path) {
    let Ok(real_root) = root.canonicalize_utf8() else { return };
    let mut below: Vec<&str> =
        plan.outputs.iter().filter_map(|output| output.path.as_path().parent()).map(Utf8Path::as_str).collect();
    // Outputs of one folder come one after the other, and paths are slow to hash.
    below.dedup();
    let folders: HashSet<Utf8PathBuf> = below.into_iter().map(|folder| plan.root.join(folder)).collect();
    let with_those_above: HashSet<&Utf8Path> = folders.iter().flat_map(|folder| folder.ancestors()).collect();
    let real = with_those_above.into_iter().filter_map(|folder| root.join(folder).canonicalize_utf8().ok());
    for folder in real.filter(|folder| folder.starts_with(&real_root)).collect::<HashSet<_>>() {
        disk::clear_abandoned(&folder);
    }
}
