//! From the tests of a plan to units and to jobs for the queue.
//!
//! Tests of one output on one hardware type are one unit. This module must not run anything.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use camino::Utf8Path;
use tgen_core::base::bytes::Bytes;
use tgen_core::model::hardware::HardwareType;
use tgen_core::plan::test_plan::PlannedTest;
use tgen_core::plan::{Plan, Subject};
use tgen_core::schedule::estimate::Estimate;
use tgen_core::schedule::history::{EstimateSubject, History};
use tgen_core::schedule::job::{Job, JobIndex, Needs};
use typed_index_collections::TiVec;
use uuid::Uuid;

use super::unit::{PlaceInFile, Unit};

/// How long a unit is expected to take where nothing is known.
pub(crate) const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// Units, each with its job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) units: TiVec<JobIndex, Unit>,
    pub(crate) jobs: TiVec<JobIndex, Job>,
    /// How many units were left out for each hardware type that the machine does not have.
    pub(crate) absent: BTreeMap<HardwareType, usize>,
    /// How many outputs were left out because they are not there.
    pub(crate) missing: usize,
}

/// Which hardware types are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// All: they were asked for.
    All,
    /// Those that the machine has.
    Present(Vec<HardwareType>),
}

impl Chosen {
    pub(crate) fn has(&self, hardware: HardwareType) -> bool {
        match self {
            Self::All => true,
            Self::Present(present) => present.contains(&hardware),
        }
    }
}

/// The units of a plan's tests. Files below `root` are named from there; `history` tells how long units take and what they need.
pub(crate) fn of_plan(
    plan: &Plan<'_>,
    tests: &[PlannedTest],
    root: &Utf8Path,
    chosen: &Chosen,
    history: &History,
) -> Selection {
    let mut selection = Selection::default();
    let mut groups = tests_by_unit(tests);
    groups.retain(|group| {
        let hardware = group[0].hardware;
        let is_chosen = chosen.has(hardware);
        if !is_chosen {
            *selection.absent.entry(hardware).or_default() += 1;
        }
        is_chosen
    });
    let owners: HashMap<Uuid, JobIndex> =
        groups.iter().enumerate().flat_map(|(at, group)| group.iter().map(move |test| (test.id, at.into()))).collect();
    let mut hardware: HashMap<usize, Vec<HardwareType>> = HashMap::new();
    for group in &groups {
        hardware.entry(group[0].output).or_default().push(group[0].hardware);
    }
    for (at, group) in groups.iter().enumerate() {
        let place = place(&hardware[&group[0].output], group[0].hardware);
        let unit = unit(plan, group, root, place);
        selection.jobs.push(job(plan, group, &unit, history, &after(group, &owners, at.into())));
        selection.units.push(unit);
    }
    selection
}

/// The tests of each output on each hardware type, in the order in which the first of each stands. No group is empty.
fn tests_by_unit(tests: &[PlannedTest]) -> Vec<Vec<&PlannedTest>> {
    let mut groups: Vec<Vec<&PlannedTest>> = Vec::new();
    let mut places: HashMap<(usize, HardwareType), usize> = HashMap::new();
    for test in tests {
        let place = *places.entry((test.output, test.hardware)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(test);
    }
    groups
}

fn place(of_file: &[HardwareType], own: HardwareType) -> PlaceInFile {
    match of_file {
        [_] => PlaceInFile::Only,
        several if several.iter().min() == Some(&own) => PlaceInFile::First,
        _ => PlaceInFile::Later,
    }
}

fn unit(plan: &Plan<'_>, group: &[&PlannedTest], root: &Utf8Path, place: PlaceInFile) -> Unit {
    let test = group[0];
    let output = &plan.outputs[test.output];
    let location = plan.location(output);
    let file = location.strip_prefix(root).unwrap_or(&location).to_owned();
    Unit {
        name: file.to_string(),
        file,
        test_id: (group.len() == 1).then(|| test.id.to_string()),
        model: Some(plan.models[test.model].name.as_str().to_owned()),
        hardware: test.hardware,
        place,
        batch: (group.len() == 1).then_some(test.batch_size),
        passed: Vec::new(),
    }
}

fn job(plan: &Plan<'_>, group: &[&PlannedTest], unit: &Unit, history: &History, after: &[JobIndex]) -> Job {
    let test = group[0];
    let model = &plan.models[test.model];
    let asked = EstimateSubject {
        unit: &unit.name,
        model: unit.model.as_deref(),
        family: Some(&model.family),
        hardware: unit.hardware,
        device_name: None,
        batch: unit.batch,
    };
    let needed = group.iter().map(|test| Bytes::from_gigabytes(test.min_memory_gb)).max().unwrap_or_default();
    let memory = if is_stated(plan, test) { Estimate::stated(needed) } else { history.memory(&asked, needed) };
    let seconds = group.iter().map(|test| u64::from(test.timeout_seconds)).sum();
    Job {
        unit: unit.name.clone(),
        needs: Needs { memory, device: device_of(unit.hardware) },
        priority: group.iter().map(|test| test.priority).min().unwrap_or(u8::MAX),
        expected: history.duration(&asked, DEFAULT_DURATION),
        timeout: Duration::from_secs(seconds),
        group: None,
        after: after.to_vec(),
    }
}

/// Whether the configuration says what memory a test needs.
fn is_stated(plan: &Plan<'_>, test: &PlannedTest) -> bool {
    let of_model =
        plan.project.config.facts_of(&plan.models[test.model]).is_some_and(|facts| facts.memory_gb.is_some());
    let of_suite = match plan.outputs[test.output].subject {
        Subject::Case { suite, .. } => plan.suites[suite].suite.memory_gb.is_some(),
        Subject::Support => false,
    };
    of_model || of_suite
}

fn after(group: &[&PlannedTest], owners: &HashMap<Uuid, JobIndex>, own: JobIndex) -> Vec<JobIndex> {
    let on = group.iter().filter_map(|test| owners.get(&test.depends_on?).copied());
    let mut after: Vec<JobIndex> = on.filter(|on| *on != own).collect();
    after.sort_unstable();
    after.dedup();
    after
}

/// The device that a hardware type takes a slot of; the processor has none.
pub(crate) fn device_of(hardware: HardwareType) -> Option<HardwareType> {
    (hardware != HardwareType::Cpu).then_some(hardware)
}

impl Selection {
    /// Keeps some of the units, in their order.
    pub(crate) fn keep(&mut self, kept: &[JobIndex]) {
        self.jobs = tgen_core::schedule::job::select(&self.jobs, kept);
        self.units = kept.iter().map(|at| self.units[*at].clone()).collect();
    }

    /// Keeps the units of some files.
    pub(crate) fn keep_files(&mut self, is_kept: impl Fn(&Utf8Path) -> bool) {
        let kept: Vec<JobIndex> =
            self.units.iter_enumerated().filter(|(_, unit)| is_kept(&unit.file)).map(|(at, _)| at).collect();
        self.keep(&kept);
    }
}
