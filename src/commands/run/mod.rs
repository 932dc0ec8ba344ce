//! `cargo tgen run`: executes the tests.

mod arguments;
mod listing;
#[cfg(feature = "store")]
pub(super) mod planned;
pub(super) mod screen;
mod template_problems;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use tgen_core::base::bytes::Bytes;
use tgen_core::lint::findings;
use tgen_core::model::hardware::HardwareType;
use tgen_core::output::state::State;
use tgen_core::plan::test_plan::planned_tests;
use tgen_core::plan::{Plan, Subject};
use tgen_core::rendering::comparison::judge_each;
use tgen_core::results::attempt::{Attempt, Header, VERSION};
use tgen_core::results::reading::Recorded;
use tgen_core::results::rerun::{latest_run, unfinished};
use tgen_core::schedule::history::History;
use tgen_core::schedule::machine::Machine;
use tgen_core::schedule::scheduler::Scheduler;
use tgen_core::schedule::shard::shard;

pub(crate) use self::arguments::{Flaky, RetryArgs, RunArgs};
use self::screen::{Detail, Screen};
use self::template_problems::template_problems;
use super::results::{RESULTS_FOLDER as FOLDER, read_if_begun, read_left, results_files};
use crate::apply::formatted::FormattedOutputs;
use crate::apply::unreadable_inputs;
use crate::commands::results::RunFormat;
use crate::commands::{generate, hardware};
use crate::exit::Exit;
use crate::printer::{Printer, counted};
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::session::{self, Session};
use crate::report::run::{RunReport, human};
use crate::run::{
    Chosen, Ended, Interpreter, Recording, Rules, Run, Selection, Stop, Surroundings, Versions, Workers, execute, find,
    machine, of_plan,
};
use crate::world::{git, interrupt};

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn run(global: &Global, args: &RunArgs) -> anyhow::Result<Exit> {
    if cfg!(not(unix)) {
        bail!("running tests needs Linux, macOS or another Unix; on Windows, use WSL, or pytest itself");
    }
    interrupt::listen();
    Session::each(global, |session| run_project(session, args))
}

fn run_project(session: &Session, args: &RunArgs) -> anyhow::Result<Exit> {
    if args.generate && generate::renew(session, &args.selection)? != Exit::Clean {
        bail!(
            "not all outputs could be renewed, so nothing was run; see to the messages above, or leave out `--generate`"
        );
    }
    let earlier = Earlier::read(session, args.results.as_deref(), Kept::for_rerun(args.rerun.as_deref()))?;
    let present = hardware::present();
    let mut selection = selection(session, args, &present, &earlier)?;
    let rerun = args.rerun.as_deref();
    let rerun_of = rerun.map(|named| keep_unfinished(&mut selection, named, &earlier.recorded)).transpose()?;
    if let Some(part) = args.shard {
        let own = shard(&selection.jobs, part);
        selection.keep(&own);
    }
    let machine = Machine {
        memory: args.memory.or_else(|| machine::memory().map(Bytes)).unwrap_or(Bytes(u64::MAX)),
        jobs: args.jobs.map_or_else(machine::jobs, std::num::NonZero::get),
        devices: args.devices(&present),
    };
    if args.list {
        return listing::list(&selection, args.format).map(|()| Exit::Clean);
    }
    if args.dry_run {
        return listing::schedule(&selection, &machine, args.format).map(|()| Exit::Clean);
    }
    tell_absent(&selection);
    if selection.units.is_empty() && selection.missing > 0 {
        bail!(missing_message(selection.missing));
    }
    if selection.units.is_empty() {
        Printer::new().note(if rerun_of.is_some() {
            "everything has passed already"
        } else {
            "there is nothing to run"
        })?;
        return Ok(Exit::Clean);
    }
    execute_selection(session, args, &earlier, &selection, machine, rerun_of)
}

fn execute_selection(
    session: &Session,
    args: &RunArgs,
    earlier: &Earlier,
    selection: &Selection,
    machine: Machine,
    rerun_of: Option<String>,
) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let interpreter = find(args.python.as_deref(), &session.root, &Surroundings::of_this_process())?;
    let mut workers = Workers::start(interpreter.clone(), &session.root, args.isolation, machine.jobs)?;
    if args.format == RunFormat::Human {
        tell_start(&interpreter, workers.versions(), selection)?;
    }
    let rules = rules(session, args, &machine);
    let id = new_id();
    let path = earlier.path.clone().unwrap_or_else(|| session.root.join(FOLDER).join(format!("{id}.jsonl")));
    let mut recording = open_recording(&path)?;
    recording.add(&header(session, &id, workers.versions(), args, selection, rerun_of))?;
    let python = interpreter.program.display().to_string();
    let detail = if args.format == RunFormat::Human { Detail::Failures } else { Detail::None };
    let mut screen = Screen::new(python.clone(), detail);
    let run = Run { id: &id, units: &selection.units, rules: &rules, is_interrupted: &interrupt::requested };
    let scheduler = Scheduler::new(selection.jobs.clone(), machine);
    let ended = execute(&run, scheduler, &mut workers, &mut recording, &mut screen);
    screen.finish();
    drop(workers);
    let ended = ended?;
    let recorded = recorded_of(recording.path(), &id)?;
    report(args, &recorded, started, &python)?;
    if args.format == RunFormat::Human {
        let path = recording.path();
        let path = session.standpoint.seen(path.strip_prefix(&session.root).unwrap_or(path));
        Printer::new().note(&format!("results in `{path}`"))?;
        if ended.failed > 0 {
            show_template_problems(session, args, &recorded.attempts)?;
        }
    }
    let exit = exit_after(&ended, args, &recorded.attempts)?;
    Ok(exit.max(Exit::findings_if(selection.missing > 0)))
}

/// Says that nothing was run, as pytest does with an exit code of its own.
fn no_test_message(args: &RunArgs) -> String {
    match &args.keyword {
        Some(keyword) => format!("no test was run: none matches `-k {keyword}`"),
        None => "no test was run: the files have none, or pytest's arguments left all out".to_owned(),
    }
}

/// Shows failures at the lines of templates that wrote the failing lines.
fn show_template_problems(session: &Session, args: &RunArgs, attempts: &[Attempt]) -> anyhow::Result<()> {
    let request = session::request(&args.selection)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    session.print_problems(&project, &template_problems(&plan, &session.root, attempts));
    Ok(())
}

fn exit_after(ended: &Ended, args: &RunArgs, attempts: &[Attempt]) -> anyhow::Result<Exit> {
    if ended.stop == Some(Stop::Interrupted) {
        bail!("interrupted; what has ended is recorded, and `cargo tgen run --rerun` goes on where this stopped");
    }
    let is_flaky_failure = args.retry.flaky == Flaky::Fail && ended.flaky > 0;
    Ok(if ended.failed > 0 || ended.not_run > 0 || is_flaky_failure {
        Exit::Findings
    } else if ended.infrastructure > 0 {
        Exit::Infrastructure
    } else if attempts.is_empty() {
        Printer::new().warning(&no_test_message(args));
        Exit::Findings
    } else {
        Exit::Clean
    })
}

// --- What is to be run.

/// What earlier runs have recorded.
pub(super) struct Earlier {
    pub(super) recorded: Recorded,
    /// The file of `--results`.
    path: Option<Utf8PathBuf>,
}

/// What is kept of the earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of it.
    Everything,
    /// How units ended, which tells how long they take and what they need: tests are many times as many.
    Ends,
}

impl Kept {
    /// What a command needs that may finish an earlier run.
    pub(super) fn for_rerun(rerun: Option<&str>) -> Self {
        if rerun.is_some() { Self::Everything } else { Self::Ends }
    }
}

impl Earlier {
    pub(super) fn read(session: &Session, path: Option<&Utf8Path>, kept: Kept) -> anyhow::Result<Self> {
        let path = path.map(|path| Ok::<_, anyhow::Error>(session::current_folder()?.join(path)));
        let path = path.transpose()?;
        let read = |file: &Utf8Path| {
            let found = read_if_begun(file)?;
            let attempts = if kept == Kept::Everything { found.attempts } else { Vec::new() };
            Ok(Recorded { attempts, ..found })
        };
        let mut recorded = read_left(&results_files(&session.root.join(FOLDER))?, read);
        if let Some(file) = &path {
            recorded.add(read(file)?);
        }
        Ok(Self { recorded, path })
    }

    fn history(&self, plan: &Plan<'_>) -> History {
        let family = |name: &str| {
            let model = plan.models.iter().find(|model| model.name.as_str() == name)?;
            Some(model.family.clone())
        };
        History::new(&self.recorded, &family)
    }
}

fn selection(
    session: &Session,
    args: &RunArgs,
    present: &[HardwareType],
    earlier: &Earlier,
) -> anyhow::Result<Selection> {
    let is_asked_for = !args.selection.cases.hardware.is_empty();
    let chosen = if is_asked_for { Chosen::All } else { Chosen::Present(present.to_vec()) };
    #[cfg(feature = "store")]
    if let Some(plan) = &args.plan {
        return planned::select(session, plan, &args.selection.cases, &chosen, &earlier.recorded);
    }
    Ok(of_outputs(session, &args.selection, &chosen, earlier, OutputFiles::MustBeThere)?.0)
}

/// Whether files of outputs are needed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputFiles {
    /// They run or are packed; missing, stale and edited ones are reported.
    MustBeThere,
    /// They are only planned for.
    NeedNotBeThere,
}

/// The tests of the outputs, and the files of all outputs, what the tests import included.
pub(super) fn of_outputs(
    session: &Session,
    args: &SelectionArgs,
    chosen: &Chosen,
    earlier: &Earlier,
    outputs: OutputFiles,
) -> anyhow::Result<(Selection, Vec<Utf8PathBuf>)> {
    let request = session::request(args)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    let unreadable = unreadable_inputs(&plan);
    let problems = findings::gathered(if unreadable.is_empty() { plan.problems.clone() } else { unreadable });
    session.print_problems(&project, &problems);
    if Exit::of(&problems) != Exit::Clean {
        bail!("the outputs cannot be planned, so nothing was run; correct the errors above first");
    }
    let (tests, problems) = planned_tests(&plan);
    session.print_problems(&project, &problems);
    if Exit::of(&problems) != Exit::Clean {
        bail!("the outputs cannot be planned as tests, so nothing was run; correct the errors above first");
    }
    let mut selection = of_plan(&plan, &tests, &session.root, chosen, &earlier.history(&plan));
    if outputs == OutputFiles::MustBeThere {
        tell_states(session, &plan, &mut selection)?;
    }
    Ok((selection, plan.outputs.iter().map(|output| plan.location(output)).collect()))
}

/// Warns of missing, stale and edited outputs. Those without a file cannot run.
fn tell_states(session: &Session, plan: &Plan<'_>, selection: &mut Selection) -> anyhow::Result<()> {
    let mut outputs = plan.outputs.clone();
    let mut problems = Vec::new();
    let formatted = FormattedOutputs::format(plan, &mut outputs, &session.root, &mut problems)?;
    let states = judge_each(plan, &outputs, &|output, buffer| formatted.read(output, buffer), |_, _, judged| {
        judged.map(|judged| judged.state).ok()
    });
    let in_state = |wanted: State| {
        let with_state = outputs.iter().zip(&states).filter(move |(_, state)| **state == Some(wanted));
        with_state.map(|(output, _)| output)
    };
    let missing: Vec<_> = in_state(State::Missing).map(|output| session.root.join(plan.location(output))).collect();
    let (stale, edited) = (in_state(State::Stale).count(), in_state(State::Edited).count());
    let printer = Printer::new();
    if stale > 0 {
        let stale = counted(stale, "output");
        printer.warning(&format!("{stale} stale: they run as they are; `--generate` renews them first"));
    }
    if edited > 0 {
        printer.warning(&format!("{} edited by hand: they run as they are", counted(edited, "output")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    if in_state(State::Missing).any(|output| output.subject == Subject::Support) || missing.len() == outputs.len() {
        bail!(missing_message(missing.len()));
    }
    printer
        .warning(&format!("{} missing and not run; `--generate` writes them first", counted(missing.len(), "output")));
    selection.keep_files(|file| !missing.contains(&session.root.join(file)));
    selection.missing = missing.len();
    Ok(())
}

fn missing_message(outputs: usize) -> String {
    format!("{} missing; write them with `cargo tgen generate`, or give `--generate`", counted(outputs, "output"))
}

/// Leaves out what has passed in a run, the latest if none is named, and in its reruns. Gives the id of the run.
pub(super) fn keep_unfinished(selection: &mut Selection, named: &str, recorded: &Recorded) -> anyhow::Result<String> {
    let run = match named {
        "" => latest_run(recorded),
        named => recorded.headers.iter().map(|header| &header.run).find(|run| *run == named).cloned(),
    };
    let Some(run) = run else {
        bail!("there is no run `{named}` in the results; without `--rerun`, all tests run");
    };
    let planned: Vec<_> = selection.units.iter().map(|unit| (unit.name.as_str(), unit.hardware)).collect();
    let left = unfinished(recorded, &run, &planned);
    let kept: Vec<_> = left.iter().map(|left| left.planned.into()).collect();
    selection.keep(&kept);
    for (unit, left) in selection.units.iter_mut().zip(left) {
        unit.passed = left.passed;
    }
    Ok(run)
}

fn tell_absent(selection: &Selection) {
    let absent: Vec<_> = selection
        .absent
        .iter()
        .map(|(hardware, count)| format!("{} for {hardware}", counted(*count, "file")))
        .collect();
    if !absent.is_empty() {
        Printer::new().warning(&format!(
            "left out {}, which this machine does not have; `--hardware` asks for them",
            absent.join(", ")
        ));
    }
}

// --- How it is run.

fn rules(session: &Session, args: &RunArgs, machine: &Machine) -> Rules {
    let mut arguments = Vec::new();
    if !args.pytest.iter().any(|argument| argument.starts_with("--rootdir")) {
        // So that the tests are named from the project's root, wherever pytest's own configuration is.
        arguments.push(format!("--rootdir={}", session.root));
    }
    if let Some(keyword) = &args.keyword {
        arguments.extend(["-k".to_owned(), keyword.clone()]);
    }
    arguments.extend(args.pytest.iter().cloned());
    Rules {
        arguments,
        retries: args.retry.retries(),
        fail_fast: args.fail_fast.map(std::num::NonZero::get),
        budget: args.budget,
        grace: GRACE,
        memory: machine.memory,
        devices: machine.devices.clone(),
        shard: args.shard.map(|shard| shard.to_string()),
    }
}

fn tell_start(interpreter: &Interpreter, versions: &Versions, selection: &Selection) -> std::io::Result<()> {
    let Versions { python, torch, transformers } = versions;
    let with = [("torch", torch), ("transformers", transformers)];
    let with = with.iter().filter_map(|(name, version)| Some(format!(", {name} {}", version.as_ref()?)));
    let with: String = with.collect();
    let program = interpreter.program.display();
    let files = counted(selection.units.len(), "file");
    Printer::new()
        .note(&format!("running {files} with `{program}` ({}; Python {python}{with})", interpreter.found.words()))
}

/// Opens a results file. The folder for results gets a `.gitignore`, because they are not meant to be committed.
pub(super) fn open_recording(path: &Utf8Path) -> anyhow::Result<Recording> {
    let recording = Recording::open(path)?;
    let folder = path.parent().filter(|folder| folder.file_name() == Some(FOLDER));
    if let Some(ignored) = folder.map(|folder| folder.join(".gitignore")).filter(|file| !file.exists()) {
        // A folder that cannot be ignored is no reason not to run.
        let _ = std::fs::write(ignored, "*\n");
    }
    Ok(recording)
}

/// A name that sorts by time.
pub(super) fn new_id() -> String {
    let now = Timestamp::now();
    let unique = blake3::hash(format!("{} {}", now.as_nanosecond(), std::process::id()).as_bytes()).to_hex();
    format!("{}-{}", now.strftime("%Y%m%d-%H%M%S"), &unique[..6])
}

fn header(
    session: &Session,
    id: &str,
    versions: &Versions,
    args: &RunArgs,
    selection: &Selection,
    rerun_of: Option<String>,
) -> Header {
    let command = std::env::args().skip(1).collect::<Vec<_>>();
    Header {
        version: VERSION,
        run: id.to_owned(),
        started: Timestamp::now().to_string(),
        rerun_of,
        machine: machine::description(),
        command: shell_words::join(std::iter::once("cargo-tgen".to_owned()).chain(command)),
        git_commit: git::head(&session.root),
        python: Some(versions.python.clone()),
        torch: versions.torch.clone(),
        transformers: versions.transformers.clone(),
        driver: machine::driver(),
        shard: args.shard.map(|shard| shard.to_string()),
        planned: selection.units.len() as u64,
        units: names(selection),
    }
}

/// The units by name, unless the header would become too long a line.
fn names(selection: &Selection) -> BTreeMap<HardwareType, Vec<String>> {
    const LONGEST: usize = 512 << 10;
    let mut names: BTreeMap<HardwareType, Vec<String>> = BTreeMap::new();
    if selection.units.iter().map(|unit| unit.name.len()).sum::<usize>() < LONGEST {
        for unit in &selection.units {
            names.entry(unit.hardware).or_default().push(unit.name.clone());
        }
    }
    names
}

/// What a file has recorded of a run.
fn recorded_of(path: &Utf8Path, id: &str) -> anyhow::Result<Recorded> {
    Ok(read_if_begun(path)?.of_runs(|run| run == id))
}

fn report(args: &RunArgs, recorded: &Recorded, started: Instant, python: &str) -> anyhow::Result<()> {
    let report = RunReport::new(recorded, Some(started.elapsed()), python);
    match args.format {
        // The failures have been shown.
        RunFormat::Human => Printer::new().report(|out| human::write_summary(&report, out))?,
        format => format.show(&report)?,
    }
    Ok(())
}
