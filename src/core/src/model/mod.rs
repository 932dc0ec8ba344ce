//! What is known of a model: its names, model type, family, tasks and hardware types, and which models a selector means.
//!
//! A catalogue is plain data that its caller puts together. This room must not know how a pipeline map or a configuration
//! is written, and reads no files.

pub mod catalogue;
pub mod checkpoint;
pub mod family;
pub mod hardware;
pub mod names;
pub mod selection;
pub mod size;
