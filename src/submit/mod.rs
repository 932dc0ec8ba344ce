//! Tests that run on other machines: the bundle that has all that they need (`bundle.rs`), and the driver that runs them
//! there (`driver/`, in Python).
//!
//! This room must not print, nor know how projects are found and how tests run on this machine.

mod bundle;
mod plan;

pub(crate) use self::bundle::Bundle;
pub(crate) use self::plan::plan_json;
