//! Tests that run on other machines: the bundle that has all that they need (`bundle.rs`), and the driver that runs them
//! there (`driver/`, in Python), what starts it on an engine
//! (`emit/`), and a client of one (`ray/`).
//!
//! This room must not print, nor know how projects are found and how tests run on this machine.

mod bundle;
pub(crate) mod emit;
mod plan;
pub(crate) mod ray;

pub(crate) use self::bundle::Bundle;
#[cfg(feature = "store")]
pub(crate) use self::bundle::zip_of;
pub(crate) use self::plan::plan_json;
