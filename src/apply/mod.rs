//! Writes the outputs of a plan or refuses to: one place for every command that applies a plan.
//!
//! This room decides what may be written and words why an output was not. It must not know commands, nor how results
//! are printed.

mod applied;
mod applier;
pub(crate) mod formatted;
mod leftovers;
mod merger;
mod orphans;
mod skipping;
mod unreadable;

pub(crate) use self::applied::{Applied, LeftAloneReason, Protected, cannot_write_below};
pub(crate) use self::applier::{Applier, ExecutableTemplates, Overwrite, StampsBefore};
pub(crate) use self::leftovers::clear_leftovers;
pub(crate) use self::merger::{Merger, Merging};
pub(crate) use self::orphans::{Pruned, prune};
pub(crate) use self::unreadable::{refuse_unreadable, unreadable_inputs};
