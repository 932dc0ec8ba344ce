//! A test plan as the matrix of one job of GitHub Actions.
//!
//! A test and those that it depends on are in the same job of the matrix, so no job waits for another.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Value, json};
use tgen_core::schedule::cluster::clusters;

use super::plan::dependencies_of;
use crate::store::StoredTest;

/// The most jobs in a matrix: one less than the 256 of GitHub's documentation.
const LARGEST_MATRIX: usize = 255;
/// The most characters of a matrix. It reaches the next job through the outputs of a job: 1 MB in all, counted in UTF-16.
const LARGEST_OUTPUT: usize = 500_000;
/// The shortest prefix of an id that identifies a test in a job.
const SHORTEST_ID: usize = 8;

/// Tests that one job runs, as indices in the order in which they run.
#[derive(Default)]
struct Job {
    tests: Vec<usize>,
    seconds: u64,
}

/// The matrix: `include` has a job for each group of tests that depend on each other, or for several such groups where
/// there are more than GitHub takes. A job names its tests and what they need, not their texts.
pub(crate) fn github_matrix(tests: &[StoredTest]) -> Value {
    let length = id_length(tests);
    let jobs = packed(tests, groups(tests));
    let include: Vec<Value> = jobs.iter().map(|job| described(tests, job, length)).collect();
    json!({ "include": include })
}

/// Whether the matrix has more text than a job of GitHub Actions can hand to another.
pub(crate) fn is_too_large_for_github(matrix: &Value) -> bool {
    matrix.to_string().len() > LARGEST_OUTPUT
}

fn described(tests: &[StoredTest], job: &Job, id_length: usize) -> Value {
    let ids: Vec<String> = job.tests.iter().map(|&test| shortened(&tests[test], id_length)).collect();
    let of_job = || job.tests.iter().map(|&test| &tests[test]);
    json!({
        "name": name_of(of_job()),
        "hardware_type": of_job().next().map(|test| test.hardware.as_str()),
        "tests": ids.join(","),
        "min_memory_gb": of_job().map(|test| test.min_memory_gb).fold(0.0, f64::max),
        "timeout_minutes": job.seconds.div_ceil(60),
    })
}

fn name_of<'t>(tests: impl Iterator<Item = &'t StoredTest>) -> String {
    let mut models: Vec<&str> = tests.map(|test| test.model.as_str()).collect();
    models.dedup();
    match models.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn shortened(test: &StoredTest, length: usize) -> String {
    test.test_id.to_string().chars().take(length).collect()
}

/// How many characters of an id tell the tests apart.
fn id_length(tests: &[StoredTest]) -> usize {
    let mut ids: Vec<String> = tests.iter().map(|test| test.test_id.to_string()).collect();
    ids.sort_unstable();
    let common = |ids: &[String]| ids[0].bytes().zip(ids[1].bytes()).take_while(|(one, other)| one == other).count();
    ids.windows(2).map(|pair| common(pair) + 1).max().unwrap_or_default().max(SHORTEST_ID)
}

/// The tests in groups. A test is in the group of those that it depends on, and after them.
fn groups(tests: &[StoredTest]) -> Vec<Job> {
    let dependencies = dependencies_of(tests);
    let pairs = dependencies.iter().enumerate().flat_map(|(test, on)| on.iter().map(move |earlier| (test, *earlier)));
    let group = |members: Vec<usize>| {
        let seconds = members.iter().map(|&test| u64::from(tests[test].timeout_seconds)).sum();
        Job { tests: members, seconds }
    };
    clusters(tests.len(), pairs).into_iter().map(group).collect()
}

/// Joins groups of one hardware type until GitHub accepts their number, balanced by their time limits.
fn packed(tests: &[StoredTest], groups: Vec<Job>) -> Vec<Job> {
    let total = groups.len();
    if total <= LARGEST_MATRIX {
        return groups;
    }
    let mut by_hardware: HashMap<&str, Vec<Job>> = HashMap::new();
    for group in groups {
        by_hardware.entry(&tests[group.tests[0]].hardware).or_default().push(group);
    }
    let mut by_hardware: Vec<_> = by_hardware.into_iter().collect();
    by_hardware.sort_by_key(|(hardware, _)| *hardware);
    let share = |groups: usize| (groups * (LARGEST_MATRIX - by_hardware.len()) / total).max(1);
    let shares: Vec<usize> = by_hardware.iter().map(|(_, groups)| share(groups.len())).collect();
    by_hardware.into_iter().zip(shares).flat_map(|((_, groups), share)| balanced(groups, share)).collect()
}

/// Spreads groups over `count` jobs, the longest first, each into the job that is shortest so far.
fn balanced(mut groups: Vec<Job>, count: usize) -> Vec<Job> {
    groups.sort_by_key(|group| Reverse(group.seconds));
    let mut jobs: Vec<Job> = (0..count).map(|_| Job::default()).collect();
    for mut group in groups {
        let shortest = (0..count).min_by_key(|&at| jobs[at].seconds).unwrap_or_default();
        jobs[shortest].tests.append(&mut group.tests);
        jobs[shortest].seconds += group.seconds;
    }
    jobs.retain(|job| !job.tests.is_empty());
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::tests::tests;

    fn jobs(tests: &[StoredTest]) -> Vec<Value> {
        github_matrix(tests)["include"].as_array().unwrap().clone()
    }

    #[test]
    fn a_job_has_the_tests_that_depend_on_each_other_in_their_order() {
        let jobs = jobs(&tests(5, 2));
        assert_eq!(
            jobs,
            [
                json!({
                    "name": "acme/\"m\" & 0",
                    "hardware_type": "cpu",
                    "tests": "00000000-0000-0000-0000-000000000000,00000000-0000-0000-0000-000000000002,\
                              00000000-0000-0000-0000-000000000004",
                    "min_memory_gb": 0.5,
                    "timeout_minutes": 30,
                }),
                json!({
                    "name": "acme/\"m\" & 1",
                    "hardware_type": "cpu",
                    "tests": "00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000003",
                    "min_memory_gb": 0.5,
                    "timeout_minutes": 20,
                }),
            ]
        );
    }

    #[test]
    fn a_matrix_has_fewer_than_256_jobs_with_every_test_once() {
        let mut tests = tests(2800, 1400);
        for test in &mut tests[..10] {
            test.hardware = "cuda".to_owned();
        }
        for test in &mut tests[1400..1410] {
            test.hardware = "cuda".to_owned();
        }
        let jobs = jobs(&tests);
        assert!((240..256).contains(&jobs.len()), "{}", jobs.len());
        let ids = |job: &Value| job["tests"].as_str().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut all: Vec<String> = jobs.iter().flat_map(ids).collect();
        assert_eq!(all.len(), 2800);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2800, "an id names one test");
        let minutes: Vec<u64> = jobs.iter().filter_map(|job| job["timeout_minutes"].as_u64()).collect();
        assert!(minutes.iter().max().unwrap() <= &200, "the jobs are balanced: {minutes:?}");
    }
}
