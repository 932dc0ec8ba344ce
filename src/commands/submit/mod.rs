//! `cargo tgen submit`: runs the tests on another engine and follows them from here.

mod arguments;
mod watching;

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};
use tgen_core::base::files::reason;
use tgen_core::results::merging::merged;
use tgen_core::results::verdict::{Conclusion, Verdict};

pub(crate) use self::arguments::SubmitArgs;
use self::arguments::{Engine, RayArgs, Task};
use self::watching::Watching;
use super::bundle::{Packed, one_session, pack};
use super::results::{RESULTS_FOLDER, RunFormat, read_if_begun};
use super::run::{Flaky, new_id, open_recording};
use crate::exit::Exit;
use crate::printer::{Printer, counted};
use crate::project::arguments::Global;
use crate::project::session::{Session, current_folder};
use crate::report::run::{RunReport, human};
use crate::submit::ray::{
    Followed, Head, HeadError, Package, RayJob, Submission, Submitted, Token, follow, job_id, submit,
};
use crate::world::disk::read_text;

/// How long a head that does not answer is retried.
const PATIENCE: Duration = Duration::from_mins(15);

pub(crate) fn run(global: &Global, args: &SubmitArgs) -> anyhow::Result<Exit> {
    let Engine::Ray(args) = &args.engine;
    let head = Head::new(args.address.clone(), token(args)?);
    if args.address.is_readable_by_others() && token(args)?.is_some() {
        Printer::new().warning(&format!("the token goes to `{}` without encryption", args.address));
    }
    match args.task() {
        Task::Stop(run) => stop(&head, run),
        Task::Attach(run) => {
            let session = one_session(global)?;
            let job = head.job(&job_id(run)).map_err(|error| explained(error, run))?;
            let planned = job.note("tgen-planned").and_then(|planned| planned.parse().ok()).unwrap_or(0);
            follow_run(&session, &head, args, run, planned)
        }
        Task::Submit => {
            let session = one_session(global)?;
            let run = args.run.clone().unwrap_or_else(new_id);
            if !args.detach {
                require_recordable(&results_path(&session, args, &run)?)?;
            }
            let Some(planned) = submit_run(&session, &head, args, &run)? else {
                Printer::new().note("everything has passed already")?;
                return Ok(Exit::Clean);
            };
            if args.detach {
                Printer::new().line(&format!("submitted run `{run}`; {}", how_to_attach(args, &run)))?;
                return Ok(Exit::Clean);
            }
            follow_run(&session, &head, args, &run, planned)
        }
    }
}

/// Packs the tests and submits them. Gives the number of units; none if everything has passed already.
fn submit_run(session: &Session, head: &Head, args: &RayArgs, run: &str) -> anyhow::Result<Option<usize>> {
    let runtime_env = runtime_env(args)?;
    let version = head.version()?;
    let Some(Packed { selection, zip }) = pack(session, &args.contents, &args.rerun, None)? else { return Ok(None) };
    let planned = selection.units.len();
    let submission =
        Submission { run, package: &Package::new(zip), planned, arguments: &args.for_driver(), runtime_env };
    let printer = Printer::new();
    // Ray may have accepted a submission although its answer was lost.
    let submitted = submit(head, &submission).with_context(|| {
        format!("the submission has failed; the same command with `--run {run}` tries again, and follows what is there already")
    })?;
    match submitted {
        Submitted::New => {
            let files = counted(planned, "file");
            printer.note(&format!("running {files} as run `{run}` on Ray {version} at `{}`", head.address()))?;
        }
        Submitted::Before => printer.note(&format!("run `{run}` has been submitted before, and is followed"))?,
        Submitted::Other => {
            bail!("there is a run `{run}` of other tests at `{}`; give another `--run`", head.address())
        }
    }
    Ok(Some(planned))
}

/// Where the results of a run are recorded.
fn results_path(session: &Session, args: &RayArgs, run: &str) -> anyhow::Result<Utf8PathBuf> {
    Ok(match &args.results {
        Some(path) => current_folder()?.join(path),
        None => session.root.join(RESULTS_FOLDER).join(format!("{run}.jsonl")),
    })
}

/// Refuses a run before it is submitted whose results could not be recorded here. A file that was not there is not left behind.
fn require_recordable(path: &Utf8Path) -> anyhow::Result<()> {
    let is_new = !path.exists();
    let opened = read_if_begun(path).and_then(|_| open_recording(path));
    drop(opened.context("nothing was submitted; give `--results` a file that can be written, or a new name")?);
    if is_new {
        std::fs::remove_file(path).with_context(|| format!("cannot write the results to `{path}`"))?;
    }
    Ok(())
}

fn follow_run(session: &Session, head: &Head, args: &RayArgs, run: &str, planned: usize) -> anyhow::Result<Exit> {
    let path = results_path(session, args, run)?;
    let began = Instant::now();
    // An earlier try to follow may have recorded some already.
    let recorded = read_if_begun(&path)?;
    let recording = open_recording(&path)?;
    let mut watching = Watching::new(run, planned, recording, &recorded, args.format);
    let followed = follow(head, &job_id(run), PATIENCE, &mut watching);
    watching.finish();
    let followed = followed.map_err(|error| match error.downcast::<HeadError>() {
        Ok(error) => explained(error, run),
        Err(error) => error.context(format!("run `{run}` goes on; {}", how_to_attach(args, run))),
    })?;
    match followed {
        Followed::Left => leave(head, args, run),
        Followed::Ended(job, last_words) => {
            let exit = report(args, run, &path, began, &job, &last_words)?;
            if args.format == RunFormat::Human {
                let shown = session.standpoint.seen(path.strip_prefix(&session.root).unwrap_or(&path));
                Printer::new().note(&format!("results in `{shown}`"))?;
            }
            Ok(exit)
        }
    }
}

/// After Ctrl-C: the user says whether the job is to end.
fn leave(head: &Head, args: &RayArgs, run: &str) -> anyhow::Result<Exit> {
    let answer = crate::printer::ask("stop the run too? otherwise it goes on without you")?;
    if answer == Some(true) {
        head.stop(&job_id(run)).map_err(|error| explained(error, run))?;
        bail!("stopped run `{run}`; what has ended is recorded");
    }
    bail!("left run `{run}`, which goes on; {}", how_to_attach(args, run));
}

fn how_to_attach(args: &RayArgs, run: &str) -> String {
    let address = &args.address;
    format!(
        "`cargo tgen submit ray --address {address} --attach {run}` follows it, and `--stop {run}` instead stops it"
    )
}

fn stop(head: &Head, run: &str) -> anyhow::Result<Exit> {
    head.stop(&job_id(run)).map_err(|error| match error {
        HeadError::Unreachable { .. } => anyhow::Error::from(error)
            .context(format!("run `{run}` may go on; `--stop {run}` again, once Ray can be reached, stops it")),
        error => explained(error, run),
    })?;
    Printer::new().note(&format!("asked for the end of run `{run}`; Ray may take 15 minutes for one that waits"))?;
    Ok(Exit::Clean)
}

fn explained(error: HeadError, run: &str) -> anyhow::Error {
    match error {
        HeadError::NotFound(address) => anyhow!(
            "Ray at `{address}` does not know run `{run}`; if Ray was started again, `--rerun {run}` submits what has no recorded pass"
        ),
        HeadError::Unreachable { .. } => anyhow::Error::from(error)
            .context(format!("lost run `{run}`, which may go on; `--attach {run}` follows it")),
        error => error.into(),
    }
}

/// Reports what is recorded: the state of the job tells nothing of tests.
fn report(
    args: &RayArgs,
    run: &str,
    path: &Utf8Path,
    began: Instant,
    job: &RayJob,
    last_words: &str,
) -> anyhow::Result<Exit> {
    // Two clients that follow a run at once both record it.
    let recorded = merged(read_if_begun(path)?.of_runs(|of| of == run));
    if recorded.headers.is_empty() && recorded.attempts.is_empty() {
        let message = job.message.clone().unwrap_or_default();
        let message: String = message.chars().take(2000).collect();
        return Err(anyhow!("{message}\n{last_words}").context(format!("run `{run}` has no results: {}", job.status)));
    }
    let report = RunReport::new(&recorded, Some(began.elapsed()), "python");
    match args.format {
        // The failures have been shown.
        RunFormat::Human => Printer::new().report(|out| human::write_summary(&report, out))?,
        format => format.show(&report)?,
    }
    let is_flaky_failure = args.retry.flaky == Flaky::Fail && report.summary.total(Verdict::Flaky) > 0;
    Ok(match report.conclusion() {
        _ if is_flaky_failure => Exit::Findings,
        Conclusion::Passed => Exit::Clean,
        Conclusion::InfrastructureFailed => Exit::Infrastructure,
        Conclusion::Incomplete | Conclusion::TestsFailed => Exit::Findings,
    })
}

/// The token: that of a file, or of the variable that Ray's own programs read.
fn token(args: &RayArgs) -> anyhow::Result<Option<Token>> {
    let text = match &args.token_file {
        Some(file) => read_text(file).map_err(|error| {
            anyhow!(
                "cannot read the token in `{file}`: {}; give `--token-file` a text file that has it",
                reason(&error)
            )
        })?,
        None => match std::env::var("RAY_AUTH_TOKEN") {
            Ok(text) if !text.is_empty() => text,
            _ => return Ok(None),
        },
    };
    let place = args.token_file.as_ref().map_or("RAY_AUTH_TOKEN", |file| file.as_str());
    Ok(Some(text.parse::<Token>().map_err(|error| anyhow!("`{place}`: {error}; write nothing but the token there"))?))
}

/// The environment of the job, as Ray's documentation describes it.
fn runtime_env(args: &RayArgs) -> anyhow::Result<Map<String, Value>> {
    let Some(file) = &args.runtime_env else { return Ok(Map::new()) };
    let text = read_text(file)
        .map_err(|error| anyhow!("cannot read `{file}`: {}; give `--runtime-env` a JSON file", reason(&error)))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(environment)) if environment.contains_key("working_dir") => {
            bail!("`{file}` has a `working_dir`, which is the bundle; use `--include` for further files")
        }
        Ok(Value::Object(environment)) => Ok(environment),
        Ok(_) => bail!("`{file}` is no JSON object; write it as `{{\"pip\": [\"pytest\"]}}`"),
        Err(error) => bail!("`{file}` is not JSON: {error}; write it as `{{\"pip\": [\"pytest\"]}}`"),
    }
}
