//! The tests of a stored plan as units. They are written as files first, with what they import.

use std::collections::HashMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use tgen_core::base::bytes::Bytes;
use tgen_core::model::family::Family;
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::reading::Recorded;
use tgen_core::schedule::estimate::{Estimate, Origin};
use tgen_core::schedule::history::{EstimateSubject, History};
use tgen_core::schedule::job::{Job, JobIndex, Needs};

use super::FOLDER;
use crate::commands::plan;
use crate::project::arguments::CaseArgs;
use crate::project::session::Session;
use crate::report::plan::file_name;
use crate::run::{Chosen, DEFAULT_DURATION, PlaceInFile, Selection, Unit, device_of};
use crate::store::{Mode, StoredTest};

/// The most letters of a plan's name that its folder has.
const LONGEST_NAME: usize = 100;

/// Writes the tests of a plan and selects some of them.
pub(crate) fn select(
    session: &Session,
    name: &str,
    cases: &CaseArgs,
    chosen: &Chosen,
    recorded: &Recorded,
) -> anyhow::Result<Selection> {
    let store = session.database(Mode::ReadOnly)?;
    let folder = folder(name);
    let mut tests = plan::export(&store, name, &session.root.join(&folder))?;
    tests.retain(|test| is_selected(test, cases));
    let mut selection = Selection::default();
    tests.retain(|test| {
        let hardware = hardware(test);
        let is_chosen = chosen.has(hardware);
        if !is_chosen {
            *selection.absent.entry(hardware).or_default() += 1;
        }
        is_chosen
    });
    let families: HashMap<&str, &str> = tests.iter().map(|test| (test.model.as_str(), test.family.as_str())).collect();
    let family = |model: &str| families.get(model).map(|name| Family::new((*name).to_owned()));
    let history = History::new(recorded, &family);
    let places: HashMap<_, JobIndex> = tests.iter().enumerate().map(|(at, test)| (test.test_id, at.into())).collect();
    for test in &tests {
        let after = test.dependencies.iter().filter_map(|on| places.get(on).copied()).collect();
        let unit = unit(test, &folder);
        selection.jobs.push(job(test, &unit, after, &history));
        selection.units.push(unit);
    }
    Ok(selection)
}

/// Where the tests of a plan are written, from the root.
pub(crate) fn folder(plan: &str) -> Utf8PathBuf {
    Utf8PathBuf::from(FOLDER).join("plans").join(safe(plan))
}

fn is_selected(test: &StoredTest, cases: &CaseArgs) -> bool {
    let has_model = cases.model.is_empty() || cases.model.contains(&test.model);
    let has_hardware = cases.hardware.is_empty() || cases.hardware.contains(&hardware(test));
    has_model && has_hardware && (cases.batch_sizes.is_empty() || cases.batch_sizes.contains(&test.batch_size))
}

fn unit(test: &StoredTest, folder: &Utf8PathBuf) -> Unit {
    let id = test.test_id.to_string();
    Unit {
        name: id.clone(),
        file: folder.join(file_name(test)),
        test_id: Some(id),
        model: Some(test.model.clone()),
        hardware: hardware(test),
        place: PlaceInFile::Only,
        batch: Some(test.batch_size),
        passed: Vec::new(),
    }
}

fn job(test: &StoredTest, unit: &Unit, after: Vec<JobIndex>, history: &History) -> Job {
    let family = Family::new(test.family.clone());
    let subject = EstimateSubject {
        unit: &unit.name,
        model: Some(&test.model),
        family: Some(&family),
        hardware: unit.hardware,
        device_name: None,
        batch: unit.batch,
    };
    Job {
        unit: unit.name.clone(),
        needs: Needs { memory: memory(test, &subject, history), device: device_of(unit.hardware) },
        priority: test.priority,
        expected: history.duration(&subject, DEFAULT_DURATION),
        timeout: Duration::from_secs(test.timeout_seconds.into()),
        group: None,
        after,
    }
}

/// The memory of a test: as the plan has it from the configuration, or as earlier runs tell.
fn memory(test: &StoredTest, subject: &EstimateSubject<'_>, history: &History) -> Estimate<Bytes> {
    let planned = Bytes::from_gigabytes(test.min_memory_gb);
    match &test.estimates {
        Some(estimates) if estimates.memory_origin == Origin::Stated.to_string() => Estimate::stated(planned),
        _ => history.memory(subject, planned),
    }
}

/// The hardware type of a test; a later release may have stored one that this one does not know.
fn hardware(test: &StoredTest) -> HardwareType {
    HardwareType::from_name(&test.hardware).unwrap_or(HardwareType::Cpu)
}

/// A plan's name as that of a folder. Two plans have two folders.
fn safe(name: &str) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let letters = name.chars().take(LONGEST_NAME);
    let safe: String = letters.map(|letter| if is_safe(letter) { letter } else { '_' }).collect();
    if safe == name { safe } else { format!("{safe}-{}", &blake3::hash(name.as_bytes()).to_hex()[..8]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_has_a_folder_of_its_own_inside_of_the_results() {
        assert_eq!(folder("nightly_1-b"), "results/plans/nightly_1-b");
        let long = "x".repeat(1000);
        let names = ["5_23", "5.23", "5/23", "../../x", "..", "größe", "gr__e", long.as_str(), &long[1..]];
        let folders: std::collections::BTreeSet<Utf8PathBuf> = names.iter().map(|name| folder(name)).collect();
        assert_eq!(folders.len(), names.len());
        let is_inside = |folder: &Utf8PathBuf| folder.components().count() == 3 && folder.as_str().len() < 200;
        assert!(folders.iter().all(is_inside), "{folders:?}");
    }
}
