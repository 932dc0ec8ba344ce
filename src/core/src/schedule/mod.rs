//! Which job runs next on which device, as a pull queue; how the jobs are divided between machines; and what earlier runs
//! tell of how long jobs take and what memory they need.
//!
//! This room must not know the time, processes, or what a job is made from.

pub mod cluster;
pub mod estimate;
pub mod forecast;
pub mod history;
pub mod job;
pub mod machine;
pub mod scheduler;
pub mod shard;
#[cfg(test)]
mod tests;
