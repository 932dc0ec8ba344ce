//! A run as a job of Ray, over the Jobs REST interface of its head: uploaded once, submitted, followed, stopped.
//!
//! The job's state is used only to tell when to stop asking. How the tests ended is in the results that the driver writes to the
//! job's log, which is foreign text of limited size. This module must not print.

mod followed;
mod head;
mod log;
mod package;
mod unescaped;

pub(crate) use self::followed::{Followed, Following, Wait, follow};
pub(crate) use self::head::{Address, Head, HeadError, RayJob, Token};
pub(crate) use self::package::{Package, Submission, Submitted, job_id, submit};
