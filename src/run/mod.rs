//! Runs tests: each file in a process of its own, as many at a time as the machine has room for, with every result recorded.
//!
//! This room knows processes, pytest and results. It must not print, nor know how projects are found.

mod active;
mod autopsy;
mod blank;
mod control_group;
mod engine;
mod interpreter;
mod launcher;
mod learning;
mod learnt;
pub(crate) mod machine;
mod messages;
mod processes;
mod recording;
mod selection;
mod unit;
mod workers;

pub(crate) use self::engine::{Ended, Listener, Run, RunProgress, Stop, execute};
pub(crate) use self::interpreter::{Interpreter, Surroundings, find};
pub(crate) use self::launcher::SCRIPTS as WORKER_SCRIPTS;
pub(crate) use self::recording::Recording;
pub(crate) use self::selection::{Chosen, Selection, of_plan};
#[cfg(feature = "store")]
pub(crate) use self::selection::{DEFAULT_DURATION, device_of};
pub(crate) use self::unit::{Isolation, PlaceInFile, Retries, RetryOn, Rules, Unit};
pub(crate) use self::workers::{Versions, Workers};
