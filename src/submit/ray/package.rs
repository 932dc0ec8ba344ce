//! Uploads a bundle under its hash, so that the same bundle is uploaded once, and submits the job.

use serde_json::{Map, Value, json};

use super::head::{Head, HeadError, RayJob};

/// What a job is made from.
pub(crate) struct Submission<'a> {
    pub(crate) run: &'a str,
    pub(crate) package: &'a Package,
    /// How many units it has.
    pub(crate) planned: usize,
    /// Further arguments of the driver.
    pub(crate) arguments: &'a [String],
    /// Further settings of the job's runtime environment.
    pub(crate) runtime_env: Map<String, Value>,
}

/// A bundle with its hash.
pub(crate) struct Package {
    zip: Vec<u8>,
    hash: String,
}

impl Package {
    pub(crate) fn new(zip: Vec<u8>) -> Self {
        // Ray accepts any name; its own client uses 40 digits.
        let hash = blake3::hash(&zip).to_hex()[..40].to_owned();
        Self { zip, hash }
    }

    fn name(&self) -> String {
        format!("_ray_pkg_{}.zip", self.hash)
    }
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// The job is new.
    New,
    /// The same job is there already: an earlier answer was lost.
    Before,
    /// Another job has this name.
    Other,
}

/// The id of the job of a run.
pub(crate) fn job_id(run: &str) -> String {
    format!("tgen-{run}")
}

/// Uploads the bundle unless it is there, and submits the job.
pub(crate) fn submit(head: &Head, submission: &Submission<'_>) -> Result<Submitted, HeadError> {
    let Submission { run, package, .. } = submission;
    if !head.has_package(&package.name())? {
        head.upload(&package.name(), &package.zip)?;
    }
    let id = job_id(run);
    match head.submit(&job(submission, &id)) {
        Ok(()) => Ok(Submitted::New),
        // Ray reports an existing job with the status of an internal error.
        Err(HeadError::Refused { message, .. }) if message.contains("already exists") => {
            Ok(judged(&head.job(&id)?, package))
        }
        Err(error) => Err(error),
    }
}

fn judged(job: &RayJob, package: &Package) -> Submitted {
    if job.note("tgen-bundle") == Some(&package.hash) { Submitted::Before } else { Submitted::Other }
}

fn job(submission: &Submission<'_>, id: &str) -> Value {
    let Submission { run, package, planned, arguments, runtime_env } = submission;
    let mut environment = runtime_env.clone();
    environment.insert("working_dir".to_owned(), format!("gcs://{}", package.name()).into());
    let driver = ["python", "driver.py", "--ray", "--run", run].into_iter();
    json!({
        "submission_id": id,
        "entrypoint": shell_words::join(driver.chain(arguments.iter().map(String::as_str))),
        "runtime_env": environment,
        "metadata": {"tgen-run": run, "tgen-bundle": package.hash, "tgen-planned": planned.to_string()},
    })
}
