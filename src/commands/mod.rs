//! The commands, one short file each: gather input, call core, print.

pub(crate) mod adopt;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod emit;
pub(crate) mod explain;
#[cfg(feature = "store")]
mod families;
pub(crate) mod generate;
pub(crate) mod hardware;
pub(crate) mod init;
pub(crate) mod lint;
pub(crate) mod lsp;
pub(crate) mod man;
pub(crate) mod map;
#[cfg(feature = "store")]
pub(crate) mod mapping;
pub(crate) mod models;
pub(crate) mod placeholders;
#[cfg(feature = "store")]
pub(crate) mod plan;
#[cfg(feature = "store")]
pub(crate) mod query;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod submit;
#[cfg(feature = "store")]
pub(crate) mod template;
pub(crate) mod watch;
#[cfg(not(feature = "store"))]
pub(crate) mod without_store;
