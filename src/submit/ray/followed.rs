//! Follows a job to its end, through lost connections.

use std::time::{Duration, Instant};

use tgen_core::results::reading::Recorded;

use super::head::{Head, HeadError, RayJob};
use super::log::Log;

/// The shortest and the longest time between two requests.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The time between two requests as a multiple of the duration of the last one, so that slow logs are requested less often.
const WAIT_FOR_LOG: u32 = 4;

/// What the user or the results file makes of a job that is followed.
pub(crate) trait Following {
    /// New results.
    fn results(&mut self, news: Recorded) -> anyhow::Result<()>;
    /// The head cannot be reached; it is asked again.
    fn lost(&mut self, error: &HeadError);
    /// The head answers again.
    fn found(&mut self);
    /// Waits, at most this long, and tells whether to go on.
    fn wait(&mut self, at_most: Duration) -> Wait;
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    GoOn,
    Leave,
}

/// How following has ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The job has ended so; its log's last lines that are no results.
    Ended(RayJob, String),
    /// The job goes on, and is not followed any more.
    Left,
}

/// Follows a job. Requests that fail for the moment are repeated until `patience` is over.
pub(crate) fn follow(
    head: &Head,
    id: &str,
    patience: Duration,
    following: &mut dyn Following,
) -> anyhow::Result<Followed> {
    let mut log = Log::default();
    let mut wait = SHORTEST_WAIT;
    let mut lost_since: Option<Instant> = None;
    loop {
        let asked = Instant::now();
        match take_news(head, id, &mut log, following) {
            Ok((job, is_new)) => {
                if lost_since.take().is_some() {
                    following.found();
                }
                if job.has_ended() {
                    return Ok(Followed::Ended(job, log.last_words()));
                }
                wait = if is_new { SHORTEST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
                wait = wait.max((asked.elapsed() * WAIT_FOR_LOG).min(LONGEST_WAIT));
            }
            Err(error) => {
                let passing = error.downcast_ref().filter(|error: &&HeadError| error.is_passing());
                let Some(passing) = passing else { return Err(error) };
                if lost_since.is_none() {
                    following.lost(passing);
                }
                if lost_since.get_or_insert(asked).elapsed() > patience {
                    return Err(error);
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        if following.wait(wait) == Wait::Leave {
            return Ok(Followed::Left);
        }
    }
}

/// Passes new results on while they are read. Gives the job, and whether there were new results. An error of the head is a
/// [`HeadError`].
fn take_news(head: &Head, id: &str, log: &mut Log, following: &mut dyn Following) -> anyhow::Result<(RayJob, bool)> {
    // The job's state comes first: the log of a job that has ended is complete.
    let job = head.job(id)?;
    let mut whole = head.log(id)?;
    if !log.skip(&mut whole).map_err(|error| head.cut(&error))? {
        whole = head.log(id)?;
    }
    let mut is_new = false;
    while let Some(news) = log.next(&mut whole).map_err(|error| head.cut(&error))? {
        following.results(news)?;
        is_new = true;
    }
    Ok((job, is_new))
}
