//! Models: names, model types, families, tasks and hardware types, and the models that a selector picks.
//!
//! A catalogue is plain data that its caller assembles. This room must not know the file formats of the pipeline map or
//! the configuration, and reads no files.

pub mod catalogue;
pub mod checkpoint;
pub mod family;
pub mod hardware;
pub mod names;
pub mod selection;
pub mod size;
