//! Following a job to its end, whatever happens to the connection meanwhile.

use std::time::{Duration, Instant};

use tgen_core::results::reading::Recorded;

use super::head::{Head, HeadError, Job};
use super::log::{Log, last_words};

/// How long to wait between two questions, at least and at most.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A log that takes long to come is asked for less often.
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
    Ended(Job, String),
    /// It goes on without us.
    Left,
}

/// Follows a job. An answer that fails for now is asked for again, for as long as `patience`.
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
        match ask(head, id) {
            Ok((job, text)) => {
                if lost_since.take().is_some() {
                    following.found();
                }
                let news = log.news(&text);
                let is_new = news != Recorded::default();
                following.results(news)?;
                if job.has_ended() {
                    return Ok(Followed::Ended(job, last_words(&text)));
                }
                wait = if is_new { SHORTEST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
                wait = wait.max((asked.elapsed() * WAIT_FOR_LOG).min(LONGEST_WAIT));
            }
            Err(error) if error.is_passing() => {
                if lost_since.is_none() {
                    following.lost(&error);
                }
                if lost_since.get_or_insert(asked).elapsed() > patience {
                    return Err(error.into());
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => return Err(error.into()),
        }
        if following.wait(wait) == Wait::Leave {
            return Ok(Followed::Left);
        }
    }
}

/// The job first: once it has ended, the log has all.
fn ask(head: &Head, id: &str) -> Result<(Job, String), HeadError> {
    let job = head.job(id)?;
    Ok((job, head.log(id)?))
}
