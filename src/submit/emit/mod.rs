//! Workflows and scripts that run the shards of a bundle on other engines: GitHub Actions, Slurm, Kubernetes.
//!
//! Each starts `driver.py` for a part and collects its results; the parts are chosen here (`parts.rs`). An engine retries a
//! part that failed because of the machine (exit code 3), and no failed tests. This module must not write files.

mod parts;
mod scripts;

pub(crate) use self::parts::{Grouping, Part, parts};
pub(crate) use self::scripts::{Bundled, Cluster, Github, Kubernetes, Slurm, github, kubernetes, slurm};
